import { resizeMemoryMiB } from '../../../lib/function-memory.ts';
import type { Settings } from '../../../lib/settings.ts';
import type { Account, Caller, StackResource } from './account.ts';
import { judgeBootstrap } from './checks/bootstrap.ts';
import { judgeCertificate, judgeCertificateArn } from './checks/certificate.ts';
import { judgeConcurrency } from './checks/concurrency.ts';
import { type DockerFacts, judgeDocker } from './checks/docker.ts';
import { ecsRoleName, judgeEcsRole } from './checks/ecs-role.ts';
import { judgeFargateVcpus, vcpuQuotas, wantedVcpus } from './checks/fargate-vcpus.ts';
import { judgeFunctionMemory, newAccountMaxMemoryMiB } from './checks/function-memory.ts';
import { judgeLogDelivery } from './checks/log-delivery.ts';
import { judgeMailSandbox } from './checks/mail-sandbox.ts';
import { judgeMailSender } from './checks/mail-sender.ts';
import { judgeName, type NameFacts } from './checks/name.ts';
import { judgeStack } from './checks/stack.ts';
import type { Outcome } from './outcome.ts';

/** What is about to be deployed, and where. */
export interface Deployment {
  readonly settings: Settings;
  readonly caller: Caller;
  readonly account: Account;
  /** Distinguishes several bootstrap stacks of CDK in an account. */
  readonly bootstrapQualifier: string;
  readonly readDocker: () => Promise<DockerFacts>;
  readonly now: Date;
}

export interface Check {
  readonly name: string;
  /** What it finds, for the documentation. */
  readonly description: string;
  /** The settings with which it is made, for the documentation. @default - all */
  readonly condition?: string;
  readonly concerns: (settings: Settings) => boolean;
  /** All that it needs from IAM. */
  readonly actions: readonly string[];
  readonly look: (deployment: Deployment) => Promise<Outcome>;
}

const always = () => true;
const withMail = { condition: '`email`', concerns: ({ email }: Settings) => email !== null };
const withDomain = { condition: '`domain`', concerns: ({ domain }: Settings) => domain !== null };
const withLake = { condition: '`dataLake`', concerns: ({ dataLake }: Settings) => dataLake };
const withFunctions = {
  condition: '`compute: "lambda"`',
  concerns: ({ compute }: Settings) => compute === 'lambda',
};
const withContainers = {
  condition: '`compute: "fargate"`',
  concerns: ({ compute }: Settings) => compute === 'fargate',
};

/** A setting without which its check is not made. */
const given = <Value>(setting: Value | null): Value => {
  if (setting === null) throw new Error('This check does not concern these settings.');
  return setting;
};

const lakeStackOf = ({ stackName }: Settings): string => `${stackName}DataLake`;

/** Looks whether a name is free or the stack's own, and reads the stack only for a name that is taken. */
const lookAtName = async (
  { account }: Deployment,
  {
    stackName,
    type,
    exists,
    ...facts
  }: Omit<NameFacts, 'exists' | 'isOwn'> & {
    readonly stackName: string;
    readonly type: string;
    readonly exists: Promise<boolean>;
  },
): Promise<Outcome> => {
  const isTaken = await exists;
  const own = isTaken ? await account.stackResources(stackName) : undefined;
  return judgeName({ ...facts, exists: isTaken, isOwn: isAmong(own, type, facts.name) });
};

const isAmong = (resources: readonly StackResource[] = [], type: string, name: string): boolean =>
  resources.some((resource) => resource.type === type && resource.name === name);

const stackActions = ['cloudformation:DescribeStacks'];
const nameActions = ['cloudformation:ListStackResources'];

/** In the order in which they are printed. */
export const checks: readonly Check[] = [
  {
    name: 'bootstrap',
    description: '`cdk bootstrap` was not run here, or with a version that is too old',
    concerns: always,
    actions: ['ssm:GetParameter'],
    look: async ({ account, caller, bootstrapQualifier }) =>
      judgeBootstrap({ ...caller, version: await account.bootstrapVersion(bootstrapQualifier) }),
  },
  {
    name: 'stack',
    description: 'The stack is in a state from which CloudFormation does not update it',
    concerns: always,
    actions: stackActions,
    look: async ({ account, settings: { stackName } }) =>
      judgeStack({ stackName, status: await account.stackStatus(stackName) }),
  },
  {
    name: 'data-lake-stack',
    description: 'The same of the stack of the data lake',
    ...withLake,
    actions: stackActions,
    look: async ({ account, settings }) => {
      const stackName = lakeStackOf(settings);
      return judgeStack({ stackName, status: await account.stackStatus(stackName) });
    },
  },
  {
    name: 'concurrency',
    description: 'The account lets fewer functions run at a time than the settings: 10 in a new account',
    concerns: always,
    actions: ['lambda:GetAccountSettings', ...stackActions],
    look: async ({ account, settings }) =>
      judgeConcurrency({
        ...(await account.concurrency()),
        settings,
        isFirstDeployment:
          settings.ingestMaxConcurrency !== null &&
          (await account.stackStatus(settings.stackName)) === undefined,
      }),
  },
  {
    name: 'function-memory',
    description: 'A function needs more memory than a new account allows; AWS does not show this quota',
    ...withFunctions,
    actions: ['lambda:ListFunctions'],
    look: async ({ account, settings }) => {
      const wantedMiB = Math.max(resizeMemoryMiB(settings, 'fast'), resizeMemoryMiB(settings, 'slow'));
      const matters = wantedMiB > newAccountMaxMemoryMiB;
      const largestExistingMiB = matters ? await account.largestFunctionMiB() : undefined;
      return judgeFunctionMemory({ wantedMiB, largestExistingMiB });
    },
  },
  {
    name: 'dashboard-name',
    description:
      'Another dashboard has the name that this one gets; names belong to an account, not a region',
    concerns: always,
    actions: ['cloudwatch:GetDashboard', ...nameActions],
    look: (deployment) => {
      const { account, caller, settings } = deployment;
      const name = `${settings.stackName}-${caller.region}`;
      return lookAtName(deployment, {
        kind: 'dashboard',
        name,
        stackName: settings.stackName,
        type: 'AWS::CloudWatch::Dashboard',
        exists: account.hasDashboard(name),
        advice: `Delete it (aws cloudwatch delete-dashboards --dashboard-names ${name}), or choose another stackName.`,
      });
    },
  },
  {
    name: 'access-log-name',
    description: 'Another log group has the name of the access log',
    concerns: always,
    actions: ['logs:DescribeLogGroups', ...nameActions],
    look: (deployment) => {
      const { account, settings } = deployment;
      const name = `/aws/vendedlogs/${settings.stackName}/api-access`;
      return lookAtName(deployment, {
        kind: 'log group',
        name,
        stackName: settings.stackName,
        type: 'AWS::Logs::LogGroup',
        exists: account.hasLogGroup(name),
        advice: `Delete it (aws logs delete-log-group --log-group-name ${name}), or choose another stackName.`,
      });
    },
  },
  {
    name: 'work-group-name',
    description: "Another work group of Athena has the name of the data lake's",
    ...withLake,
    actions: ['athena:GetWorkGroup', ...nameActions],
    look: (deployment) => {
      const { account, settings } = deployment;
      const name = lakeStackOf(settings);
      return lookAtName(deployment, {
        kind: 'work group',
        name,
        stackName: name,
        type: 'AWS::Athena::WorkGroup',
        exists: account.hasWorkGroup(name),
        advice: `Delete it (aws athena delete-work-group --recursive-delete-option --work-group ${name}), or choose another stackName.`,
      });
    },
  },
  {
    name: 'log-delivery',
    description:
      "AWS's policy for logs, 5,120 characters for an account and region, has no room for one more",
    concerns: always,
    actions: ['logs:DescribeResourcePolicies'],
    look: async ({ account }) => judgeLogDelivery({ policies: await account.logResourcePolicies() }),
  },
  {
    name: 'certificate',
    description:
      'The certificate is of another region or account, not issued, not for the domain, or expires',
    ...withDomain,
    actions: ['acm:DescribeCertificate'],
    look: async ({ account, caller, settings, now }) => {
      const domain = given(settings.domain);
      const facts = { ...caller, domain, now };
      return (
        judgeCertificateArn(facts) ??
        judgeCertificate({ ...facts, certificate: await account.certificate(domain.certificateArn) })
      );
    },
  },
  {
    name: 'domain-name',
    description: 'Another API has the domain name',
    ...withDomain,
    actions: ['apigateway:GET', ...nameActions],
    look: (deployment) => {
      const { account, settings } = deployment;
      const { name } = given(settings.domain);
      return lookAtName(deployment, {
        kind: 'custom domain name',
        name,
        stackName: settings.stackName,
        type: 'AWS::ApiGatewayV2::DomainName',
        exists: account.hasApiDomain(name),
        advice: `Delete it (aws apigatewayv2 delete-domain-name --domain-name ${name}), or choose another domain.`,
      });
    },
  },
  {
    name: 'mail-sender',
    description: 'SES has the sender already, or has not verified it',
    ...withMail,
    actions: ['ses:GetEmailIdentity', ...nameActions],
    look: async ({ account, settings: { email, stackName } }) => {
      const { from, identity } = given(email);
      const address = await account.mailIdentity(from);
      const own = address && (await account.stackResources(stackName));
      return judgeMailSender({
        from,
        identity,
        address,
        domain: await account.mailIdentity(from.slice(from.lastIndexOf('@') + 1)),
        isOwn: isAmong(own, 'AWS::SES::EmailIdentity', from),
      });
    },
  },
  {
    name: 'mail-sandbox',
    description: 'SES delivers to verified recipients only, or has stopped all mail',
    ...withMail,
    actions: ['ses:GetAccount', 'ses:GetEmailIdentity'],
    look: async ({ account, settings: { email } }) => {
      const { mayMailAnyone, maySend } = await account.mailAccount();
      const recipients = mayMailAnyone ? [] : given(email).allowedRecipients;
      const identities = await Promise.all(recipients.map((name) => account.mailIdentity(name)));
      return judgeMailSandbox({
        mayMailAnyone,
        maySend,
        unverifiedRecipients: recipients.filter((_, index) => identities[index]?.isVerified !== true),
      });
    },
  },
  {
    name: 'ecs-role',
    description: 'ECS has no role of its own yet, with which the first cluster may fail',
    ...withContainers,
    actions: ['iam:GetRole'],
    look: async ({ account }) => judgeEcsRole({ exists: await account.hasRole(ecsRoleName) }),
  },
  {
    name: 'fargate-vcpus',
    description: 'Fargate runs fewer tasks than the settings: 6 vCPUs in a new account',
    ...withContainers,
    actions: ['servicequotas:GetServiceQuota', 'servicequotas:GetAWSDefaultServiceQuota'],
    look: async ({ account, settings: { fargate } }) =>
      judgeFargateVcpus(
        await Promise.all(
          (['FARGATE', 'FARGATE_SPOT'] as const).map(async (provider) => ({
            ...vcpuQuotas[provider],
            ...wantedVcpus(fargate, provider),
            vcpus: await account.fargateQuota(vcpuQuotas[provider].code),
          })),
        ),
      ),
  },
  {
    name: 'docker',
    description: 'Docker is missing, does not run, or cannot build for arm64',
    ...withContainers,
    actions: [],
    look: async ({ readDocker }) => judgeDocker(await readDocker()),
  },
];
