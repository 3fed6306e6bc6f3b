import { ACMClient, DescribeCertificateCommand } from '@aws-sdk/client-acm';
import { ApiGatewayV2Client, GetDomainNameCommand } from '@aws-sdk/client-apigatewayv2';
import { AthenaClient, GetWorkGroupCommand } from '@aws-sdk/client-athena';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, GetDashboardCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeResourcePoliciesCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetAccountSettingsCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { GetAccountCommand, GetEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { createAccount } from '../../../../bin/commands/preflight/account.ts';

const acm = mockClient(ACMClient);
const apiGateway = mockClient(ApiGatewayV2Client);
const athena = mockClient(AthenaClient);
const cloudFormation = mockClient(CloudFormationClient);
const cloudWatch = mockClient(CloudWatchClient);
const iam = mockClient(IAMClient);
const lambda = mockClient(LambdaClient);
const logs = mockClient(CloudWatchLogsClient);
const quotas = mockClient(ServiceQuotasClient);
const ses = mockClient(SESv2Client);
const ssm = mockClient(SSMClient);
const clients = [acm, apiGateway, athena, cloudFormation, cloudWatch, iam, lambda, logs, quotas, ses, ssm];

afterEach(() => {
  for (const client of clients) client.reset();
});

const account = createAccount('us-east-2');

const errorNamed = (name: string, message = name): Error => Object.assign(new Error(message), { name });

test('reads the state and the resources of a stack, page by page', async () => {
  cloudFormation.on(DescribeStacksCommand).resolves({
    Stacks: [{ StackName: 'Mine', CreationTime: new Date(), StackStatus: 'CREATE_COMPLETE' }],
  });
  const resource = (name: string) => ({
    LogicalResourceId: name,
    PhysicalResourceId: name,
    ResourceType: 'AWS::CloudWatch::Dashboard',
    LastUpdatedTimestamp: new Date(),
    ResourceStatus: 'CREATE_COMPLETE' as const,
  });
  cloudFormation
    .on(ListStackResourcesCommand, { StackName: 'Mine' })
    .resolves({ StackResourceSummaries: [resource('one')], NextToken: 'next' })
    .on(ListStackResourcesCommand, { StackName: 'Mine', NextToken: 'next' })
    .resolves({ StackResourceSummaries: [resource('two')] });
  expect(await account.stackStatus('Mine')).toBe('CREATE_COMPLETE');
  expect(await account.stackResources('Mine')).toEqual([
    { type: 'AWS::CloudWatch::Dashboard', name: 'one' },
    { type: 'AWS::CloudWatch::Dashboard', name: 'two' },
  ]);
});

test('knows what does not exist by the error of each service', async () => {
  const missingStack = errorNamed('ValidationError', 'Stack with id Mine does not exist');
  cloudFormation.rejects(missingStack);
  ssm.rejects(errorNamed('ParameterNotFound'));
  iam.rejects(errorNamed('NoSuchEntityException'));
  cloudWatch.rejects(errorNamed('DashboardNotFoundError'));
  athena.rejects(errorNamed('InvalidRequestException', 'WorkGroup Mine is not found.'));
  apiGateway.rejects(errorNamed('NotFoundException'));
  acm.rejects(errorNamed('ResourceNotFoundException'));
  ses.rejects(errorNamed('NotFoundException'));
  logs.on(DescribeLogGroupsCommand).resolves({ logGroups: [{ logGroupName: 'Mine-too' }] });
  expect(await account.stackStatus('Mine')).toBeUndefined();
  expect(await account.stackResources('Mine')).toBeUndefined();
  expect(await account.bootstrapVersion('hnb659fds')).toBeUndefined();
  expect(await account.hasRole('Mine')).toBe(false);
  expect(await account.hasDashboard('Mine')).toBe(false);
  expect(await account.hasLogGroup('Mine')).toBe(false);
  expect(await account.hasWorkGroup('Mine')).toBe(false);
  expect(await account.hasApiDomain('images.example.com')).toBe(false);
  expect(await account.certificate('arn')).toBeUndefined();
  expect(await account.mailIdentity('me@example.com')).toBeUndefined();
});

test('knows what exists', async () => {
  ssm
    .on(GetParameterCommand, { Name: '/cdk-bootstrap/mine/version' })
    .resolves({ Parameter: { Value: '21' } });
  iam.on(GetRoleCommand).resolves({});
  cloudWatch.on(GetDashboardCommand).resolves({});
  athena.on(GetWorkGroupCommand).resolves({});
  apiGateway.on(GetDomainNameCommand).resolves({});
  logs.on(DescribeLogGroupsCommand).resolves({ logGroups: [{ logGroupName: 'Mine' }] });
  ses.on(GetEmailIdentityCommand).resolves({ VerifiedForSendingStatus: true });
  expect(await account.bootstrapVersion('mine')).toBe(21);
  expect(await account.hasRole('Mine')).toBe(true);
  expect(await account.hasDashboard('Mine')).toBe(true);
  expect(await account.hasLogGroup('Mine')).toBe(true);
  expect(await account.hasWorkGroup('Mine')).toBe(true);
  expect(await account.hasApiDomain('images.example.com')).toBe(true);
  expect(await account.mailIdentity('me@example.com')).toEqual({ isVerified: true });
});

test('does not take a refusal for something that does not exist', async () => {
  const refusal = errorNamed('AccessDeniedException');
  for (const client of clients) client.rejects(refusal);
  const reads = [
    account.stackStatus('Mine'),
    account.stackResources('Mine'),
    account.bootstrapVersion('mine'),
    account.hasRole('Mine'),
    account.hasDashboard('Mine'),
    account.hasLogGroup('Mine'),
    account.hasWorkGroup('Mine'),
    account.hasApiDomain('Mine'),
    account.certificate('arn'),
    account.mailIdentity('me@example.com'),
    account.fargateQuota('L-3032A538'),
  ];
  for (const read of await Promise.allSettled(reads)) {
    expect(read).toEqual({ status: 'rejected', reason: refusal });
  }
});

test('reads the quotas of functions, and their largest memory', async () => {
  lambda
    .on(GetAccountSettingsCommand)
    .resolves({ AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 900 } });
  lambda
    .on(ListFunctionsCommand)
    .resolves({ Functions: [{ MemorySize: 128 }, { MemorySize: 4096 }], NextMarker: 'next' })
    .on(ListFunctionsCommand, { Marker: 'next' })
    .resolves({ Functions: [{ MemorySize: 1769 }] });
  expect(await account.concurrency()).toEqual({ limit: 1000, unreserved: 900 });
  expect(await account.largestFunctionMiB()).toBe(4096);
});

test('does not judge an incomplete answer', async () => {
  lambda.on(GetAccountSettingsCommand).resolves({});
  await expect(account.concurrency()).rejects.toThrow('AWS returned no concurrency of the account');
});

test('takes the default of a quota that was never changed', async () => {
  quotas.on(GetServiceQuotaCommand, { QuotaCode: 'L-1' }).resolves({ Quota: { Value: 6 } });
  quotas.on(GetServiceQuotaCommand, { QuotaCode: 'L-2' }).rejects(errorNamed('NoSuchResourceException'));
  quotas.on(GetAWSDefaultServiceQuotaCommand, { QuotaCode: 'L-2' }).resolves({ Quota: { Value: 140 } });
  expect(await account.fargateQuota('L-1')).toBe(6);
  expect(await account.fargateQuota('L-2')).toBe(140);
});

test('reads the policies for logs', async () => {
  logs
    .on(DescribeResourcePoliciesCommand)
    .resolves({ resourcePolicies: [{ policyName: 'one', policyDocument: '{}' }] });
  expect(await account.logResourcePolicies()).toEqual([{ name: 'one', document: '{}' }]);
});

test('reads a certificate, and that ACM does not renew an imported one', async () => {
  const expiresAt = new Date('2027-01-01T00:00:00Z');
  acm.on(DescribeCertificateCommand, { CertificateArn: 'arn' }).resolves({
    Certificate: {
      Status: 'ISSUED',
      DomainName: 'example.com',
      SubjectAlternativeNames: ['example.com', '*.example.com'],
      NotAfter: expiresAt,
      Type: 'IMPORTED',
    },
  });
  expect(await account.certificate('arn')).toEqual({
    status: 'ISSUED',
    names: ['example.com', '*.example.com'],
    expiresAt,
    isRenewed: false,
  });
});

test('reads whether SES sends, and to whom', async () => {
  ses.on(GetAccountCommand).resolves({ ProductionAccessEnabled: false, SendingEnabled: true });
  expect(await account.mailAccount()).toEqual({ mayMailAnyone: false, maySend: true });
});
