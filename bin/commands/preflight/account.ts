import { ACMClient, DescribeCertificateCommand } from '@aws-sdk/client-acm';
import { ApiGatewayV2Client, GetDomainNameCommand } from '@aws-sdk/client-apigatewayv2';
import { AthenaClient, GetWorkGroupCommand } from '@aws-sdk/client-athena';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, GetDashboardCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeResourcePoliciesCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetAccountSettingsCommand, LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { GetAccountCommand, GetEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describeAwsError } from '../aws-errors.ts';
import type { Certificate } from './checks/certificate.ts';
import type { ResourcePolicy } from './checks/log-delivery.ts';
import type { Identity } from './checks/mail-sender.ts';

/** A resource of a stack, by the name that AWS knows. */
export interface StackResource {
  readonly type: string;
  readonly name: string;
}

/** What the checks read of an account, in one region. Nothing here writes. */
export interface Account {
  /** @returns undefined if there is no such stack */
  stackStatus(stackName: string): Promise<string | undefined>;
  /** @returns undefined if there is no such stack */
  stackResources(stackName: string): Promise<readonly StackResource[] | undefined>;
  /** @returns undefined if `cdk bootstrap` never ran with this qualifier */
  bootstrapVersion(qualifier: string): Promise<number | undefined>;
  concurrency(): Promise<{ readonly limit: number; readonly unreserved: number }>;
  /** The memory of the largest function in the region; 0 without functions. */
  largestFunctionMiB(): Promise<number>;
  fargateQuota(code: string): Promise<number>;
  hasRole(name: string): Promise<boolean>;
  hasDashboard(name: string): Promise<boolean>;
  hasLogGroup(name: string): Promise<boolean>;
  hasWorkGroup(name: string): Promise<boolean>;
  hasApiDomain(name: string): Promise<boolean>;
  logResourcePolicies(): Promise<readonly ResourcePolicy[]>;
  certificate(arn: string): Promise<Certificate | undefined>;
  mailAccount(): Promise<{ readonly mayMailAnyone: boolean; readonly maySend: boolean }>;
  /** @param name an address or a domain */
  mailIdentity(name: string): Promise<Identity | undefined>;
}

/** Whose credentials these are. */
export interface Caller {
  readonly account: string;
  readonly region: string;
  readonly arn: string;
}

/** An answer without what it must have. */
class IncompleteAnswer extends Error {
  override readonly name = 'IncompleteAnswer';
}

const required = <Value>(value: Value | undefined, what: string): Value => {
  if (value === undefined) throw new IncompleteAnswer(`AWS returned no ${what}`);
  return value;
};

/** Resolves to undefined if what is read does not exist. */
const orUndefined = async <Value>(reading: Promise<Value>): Promise<Value | undefined> => {
  try {
    return await reading;
  } catch (error) {
    if (describeAwsError(error).kind === 'not-found') return undefined;
    throw error;
  }
};

const exists = async (reading: Promise<unknown>): Promise<boolean> =>
  (await orUndefined(reading.then(() => true))) ?? false;

/** Reads no more of a list than this: an account with more of them says no more about it. */
const maxPages = 40;

/** @param region @default - that of the environment or the profile */
export const readCaller = async (region: string | undefined): Promise<Caller> => {
  const sts = new STSClient({ region });
  const { Account, Arn } = await sts.send(new GetCallerIdentityCommand());
  return {
    account: required(Account, 'account'),
    arn: required(Arn, 'ARN of the caller'),
    region: await sts.config.region(),
  };
};

export const createAccount = (region: string): Account => {
  const config = { region };
  const cloudFormation = new CloudFormationClient(config);
  const lambda = new LambdaClient(config);
  const quotas = new ServiceQuotasClient(config);
  const iam = new IAMClient(config);
  const cloudWatch = new CloudWatchClient(config);
  const logs = new CloudWatchLogsClient(config);
  const athena = new AthenaClient(config);
  const apiGateway = new ApiGatewayV2Client(config);
  const acm = new ACMClient(config);
  const ses = new SESv2Client(config);
  const ssm = new SSMClient(config);

  const allStackResources = async (stackName: string): Promise<readonly StackResource[]> => {
    const resources: StackResource[] = [];
    const pages = paginateListStackResources({ client: cloudFormation }, { StackName: stackName });
    for await (const { StackResourceSummaries = [] } of pages) {
      for (const { ResourceType = '', PhysicalResourceId = '' } of StackResourceSummaries) {
        resources.push({ type: ResourceType, name: PhysicalResourceId });
      }
    }
    return resources;
  };

  return {
    async stackStatus(StackName) {
      const answer = await orUndefined(cloudFormation.send(new DescribeStacksCommand({ StackName })));
      return answer?.Stacks?.[0]?.StackStatus;
    },

    stackResources: (stackName) => orUndefined(allStackResources(stackName)),

    async bootstrapVersion(qualifier) {
      const Name = `/cdk-bootstrap/${qualifier}/version`;
      const answer = await orUndefined(ssm.send(new GetParameterCommand({ Name })));
      return answer && Number(required(answer.Parameter?.Value, `value of ${Name}`));
    },

    async concurrency() {
      const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand());
      return {
        limit: required(AccountLimit?.ConcurrentExecutions, 'concurrency of the account'),
        unreserved: required(AccountLimit?.UnreservedConcurrentExecutions, 'unreserved concurrency'),
      };
    },

    async largestFunctionMiB() {
      let largest = 0;
      let pages = 0;
      for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
        largest = Math.max(largest, ...Functions.map(({ MemorySize = 0 }) => MemorySize));
        pages += 1;
        if (pages === maxPages) break;
      }
      return largest;
    },

    async fargateQuota(QuotaCode) {
      const request = { ServiceCode: 'fargate', QuotaCode };
      // A quota that was never changed may have no applied value.
      const applied = await orUndefined(quotas.send(new GetServiceQuotaCommand(request)));
      const { Quota } = applied ?? (await quotas.send(new GetAWSDefaultServiceQuotaCommand(request)));
      return required(Quota?.Value, `value of the quota ${QuotaCode}`);
    },

    hasRole: (RoleName) => exists(iam.send(new GetRoleCommand({ RoleName }))),

    hasDashboard: (DashboardName) => exists(cloudWatch.send(new GetDashboardCommand({ DashboardName }))),

    async hasLogGroup(logGroupNamePrefix) {
      const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix }));
      return logGroups.some(({ logGroupName }) => logGroupName === logGroupNamePrefix);
    },

    async hasWorkGroup(WorkGroup) {
      try {
        await athena.send(new GetWorkGroupCommand({ WorkGroup }));
        return true;
      } catch (error) {
        // Athena's name for every mistake in a request.
        const isMissing =
          error instanceof Error && /^WorkGroup\b/.test(error.message) && /not found/.test(error.message);
        if (isMissing || describeAwsError(error).kind === 'not-found') return false;
        throw error;
      }
    },

    hasApiDomain: (DomainName) => exists(apiGateway.send(new GetDomainNameCommand({ DomainName }))),

    async logResourcePolicies() {
      // An account has at most ten (CloudWatch Logs quotas), which fit into one answer.
      const { resourcePolicies = [] } = await logs.send(new DescribeResourcePoliciesCommand());
      return resourcePolicies.map(({ policyName = '', policyDocument = '' }) => ({
        name: policyName,
        document: policyDocument,
      }));
    },

    async certificate(CertificateArn) {
      const answer = await orUndefined(acm.send(new DescribeCertificateCommand({ CertificateArn })));
      const found = answer?.Certificate;
      if (found === undefined) return undefined;
      return {
        status: required(found.Status, 'state of the certificate'),
        names: found.SubjectAlternativeNames ?? [required(found.DomainName, 'name of the certificate')],
        expiresAt: found.NotAfter,
        isRenewed: found.Type === 'AMAZON_ISSUED',
      };
    },

    async mailAccount() {
      const answer = await ses.send(new GetAccountCommand());
      return {
        mayMailAnyone: answer.ProductionAccessEnabled ?? false,
        maySend: answer.SendingEnabled ?? false,
      };
    },

    async mailIdentity(EmailIdentity) {
      const answer = await orUndefined(ses.send(new GetEmailIdentityCommand({ EmailIdentity })));
      return answer && { isVerified: answer.VerifiedForSendingStatus ?? false };
    },
  };
};
