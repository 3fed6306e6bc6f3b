import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import type { Group } from '../../../../bin/commands/verify/check.ts';
import type { Report } from '../../../../bin/commands/verify/report.ts';
import { verify } from '../../../../bin/commands/verify/verify.ts';
import { ingestEnvironment } from '../../../../lambdas/ingest/environment.ts';
import { writeEnvironment } from '../../../../lambdas/runtime/environment.ts';
import { createContext } from './context.ts';

const cloudFormation = mockClient(CloudFormationClient);
const lambda = mockClient(LambdaClient);
const { stack, aws } = createContext();

const run = (only: readonly Group[], signal = new AbortController().signal): Promise<Report> =>
  verify({ stackName: 'Photos', quick: true, only, skip: [] }, aws, signal, () => {});

const awsError = (name: string, message: string) =>
  Object.assign(new Error(message), { name, $metadata: {} });

beforeEach(() => {
  cloudFormation.reset();
  lambda.reset();
  cloudFormation.on(DescribeStacksCommand).resolves({
    Stacks: [
      {
        StackName: 'Photos',
        CreationTime: new Date(),
        StackStatus: 'UPDATE_ROLLBACK_COMPLETE',
        Outputs: Object.entries(stack.outputs).map(([OutputKey, OutputValue]) => ({
          OutputKey,
          OutputValue,
        })),
      },
    ],
  });
  cloudFormation.on(GetTemplateCommand).resolves({
    TemplateBody: JSON.stringify({
      Resources: {
        IngestFunction: { Properties: { Environment: { Variables: { MAX_INLINE_BYTES: '4700000' } } } },
      },
    }),
  });
  cloudFormation.on(ListStackResourcesCommand).resolves({
    StackResourceSummaries: [
      {
        LogicalResourceId: 'IngestFunction',
        PhysicalResourceId: 'ingest',
        ResourceType: 'AWS::Lambda::Function',
        ResourceStatus: 'UPDATE_COMPLETE',
        LastUpdatedTimestamp: new Date(),
      },
    ],
  });
});

test('finds that the last change of the stack was undone', async () => {
  lambda.on(GetFunctionConfigurationCommand).resolves({});
  expect((await run(['stack'])).results).toMatchObject([
    {
      name: 'stack-complete',
      status: 'failed',
      seen: 'The stack is UPDATE_ROLLBACK_COMPLETE: the last change was undone.',
    },
  ]);
});

test('does not know what the credentials may not read, and says which action is missing', async () => {
  const sentence = 'These credentials may not use lambda:GetFunctionConfiguration.';
  lambda
    .on(GetFunctionConfigurationCommand)
    .rejects(
      awsError(
        'AccessDeniedException',
        'User: x is not authorized to perform: lambda:GetFunctionConfiguration',
      ),
    );
  const { results, left } = await run(['settings', 'broken-image']);
  const unread = `The setting auth cannot be read. ${sentence}`;
  expect(results.map(({ name, status, seen }) => [name, status, seen])).toEqual([
    ['function-environments', 'unknown', sentence],
    ['corrupt-image', 'unknown', unread],
    ['bomb', 'unknown', unread],
    ['next-image', 'unknown', unread],
  ]);
  expect(left).toEqual([]);
});

test('finds a function that cannot start', async () => {
  lambda.on(GetFunctionConfigurationCommand).resolves({ Environment: { Variables: {} } });
  expect((await run(['settings'])).results).toMatchObject([
    {
      name: 'function-environments',
      status: 'failed',
      seen: 'IngestFunction has MAX_INLINE_BYTES=(none), which differs from the template.',
    },
  ]);
});

test('uploads nothing where that needs a token and there is none', async () => {
  const Variables = writeEnvironment(ingestEnvironment, {
    ...(await stack.settings()),
    auth: { jwt: { issuer: 'https://issuer.example.com', audience: ['photos'], ownerClaim: 'sub' } },
  });
  lambda.on(GetFunctionConfigurationCommand).resolves({ Environment: { Variables } });
  expect((await run(['broken-image'])).results).toMatchObject(
    ['corrupt-image', 'bomb', 'next-image'].map((name) => ({
      name,
      status: 'skipped',
      seen: 'Needs a token of the issuer in VERIFY_TOKEN.',
    })),
  );
});

test('says that it was stopped when the credentials expire on the way', async () => {
  lambda
    .on(GetFunctionConfigurationCommand)
    .resolvesOnce({ Environment: { Variables: {} } })
    .rejects(awsError('ExpiredTokenException', 'The security token included in the request is expired'));
  const { results, stoppedBy } = await run(['stack', 'settings', 'events']);
  expect(results.map(({ name }) => name)).toEqual(['stack-complete']);
  expect(stoppedBy).toMatch(/^The AWS credentials have expired\./);
});

test('makes no check after an interruption', async () => {
  lambda.on(GetFunctionConfigurationCommand).resolves({});
  expect(await run(['stack'], AbortSignal.abort())).toMatchObject({ results: [], stoppedBy: 'Interrupted.' });
});
