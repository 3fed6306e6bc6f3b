import type { Template } from 'aws-cdk-lib/assertions';
import type { Context } from 'aws-lambda';
import type { APIGatewayProxyResult, LambdaEvent } from 'hono/aws-lambda';
import { endedEvent } from '../../../lambdas/image/event.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { createCatalog } from '../../../lambdas/store/catalog.ts';
import { createMailRequests } from '../../../lambdas/store/mail-requests.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { createdMessage, postEvent, queueEvent } from '../../events.ts';
import { quarteredPicture } from '../../images.ts';
import { templateWith } from '../stacks.ts';
import { covers, deployedFunction, type Grant, grantsOf, region } from './policies.ts';
import { type Call, recordAws } from './recorded-aws.ts';

const mockPresigned = jest.fn();
jest.mock('@aws-sdk/s3-request-presigner', () => {
  const { getSignedUrl } = jest.requireActual('@aws-sdk/s3-request-presigner');
  return {
    getSignedUrl: async (...args: readonly unknown[]) => {
      await mockPresigned(...args);
      return getSignedUrl(...args);
    },
  };
});

/** What no handler calls, because AWS does it with the function's role. */
const usedByAws: readonly { readonly action: string; readonly roles: RegExp; readonly reason: string }[] = [
  {
    action: 'logs:CreateLogStream',
    roles: /FunctionRole$/,
    reason: 'Lambda writes what a function prints into its log',
  },
  {
    action: 'logs:PutLogEvents',
    roles: /FunctionRole$/,
    reason: 'Lambda writes what a function prints into its log',
  },
  {
    action: 'xray:PutTraceSegments',
    roles: /FunctionRole$/,
    reason: 'Lambda sends the traces of a traced function',
  },
  {
    action: 'xray:PutTelemetryRecords',
    roles: /FunctionRole$/,
    reason: 'Lambda sends the traces of a traced function',
  },
  {
    action: 'sqs:ReceiveMessage',
    roles: /^(?:Resize|Notify)FunctionRole$/,
    reason: 'Lambda polls the queue of an event source',
  },
  {
    action: 'sqs:DeleteMessage',
    roles: /^(?:Resize|Notify)FunctionRole$/,
    reason: 'Lambda deletes the messages that were worked off',
  },
  {
    action: 'sqs:GetQueueAttributes',
    roles: /^(?:Resize|Notify)FunctionRole$/,
    reason: 'Lambda reads how many messages wait',
  },
];

/** Every call that no policy allows, and every action on a resource that no call uses. */
const findings = (grants: readonly Grant[], calls: readonly Call[]): readonly string[] => {
  const allows = ({ role, action, resources }: Grant, call: Call) =>
    role === call.role &&
    action === call.action &&
    resources.some((resource) => covers(resource, call.resource));
  const refused = calls
    .filter((call) => !grants.some((grant) => allows(grant, call)))
    .map(({ role, action, resource }) => `${role} may not ${action} on ${resource}`);
  const unused = grants
    .flatMap((grant) => grant.resources.map((resource) => ({ ...grant, resources: [resource] })))
    .filter((grant) => !calls.some((call) => allows(grant, call)))
    .filter(({ role, action }) => !usedByAws.some((use) => use.action === action && use.roles.test(role)))
    .map(({ role, action, resources }) => `${role} never needs ${action} on ${resources.join()}`);
  return [...new Set([...refused, ...unused])];
};

const from = 'thumbnails@example.com';

let template: Template;
let grants: readonly Grant[];
let calls: readonly Call[];
let server: Awaited<ReturnType<typeof startCatalogServer>>;

/** Each handler with the environment that it is deployed with, through everything that it can meet. */
beforeAll(async () => {
  server = await startCatalogServer();
  template = templateWith({ email: { from, allowedRecipients: ['example.com'] } });
  grants = grantsOf(template);
  const aws = recordAws();
  calls = aws.calls;
  mockPresigned.mockImplementation(aws.recordPresigned);
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'FUNCTION',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL_DYNAMODB: server.endpoint,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
  const catalog = createCatalog(server.tableName, server.client);
  const setUp = async (prepare: () => Promise<unknown>) => {
    aws.actAs({ function: 'the test' });
    await prepare();
  };
  const finished = (id: string) =>
    catalog.finish(id, 'earlier', {
      original: { bytes: 9 },
      thumbnails: {},
      thumbhash: undefined,
      resizeMilliseconds: 1,
      uploadToReadyMilliseconds: 1,
    });

  const ingest = deployedFunction(template, 'IngestFunction');
  Object.assign(process.env, ingest.environment);
  const asIngest = { function: ingest.role, assumed: 'IngestUrlSigner' };
  const { handler: ingestHandler }: { handler: (event: LambdaEvent) => Promise<APIGatewayProxyResult> } =
    await import('../../../lambdas/ingest/index.ts');
  const [fresh, stale, abandoned] = await Promise.all(
    [41, 42, 43].map((side) => quarteredPicture(side, side).png().toBuffer()),
  );
  if (!fresh || !stale || !abandoned) throw new Error('no pictures');
  await setUp(() => finished(imageIdOf(stale)));
  await setUp(() => catalog.receive(imageIdOf(abandoned), { bytes: 9 }, new Date(0)));
  aws.actAs(asIngest);
  const large = Buffer.from(JSON.stringify({ sha256: 'a'.repeat(64), bytes: 50_000_000 }));
  for (const event of [
    postEvent('/upload_image', fresh),
    postEvent('/upload_image', fresh),
    postEvent('/upload_image', stale),
    postEvent('/upload_image', abandoned),
    postEvent('/uploads', large),
    postEvent('/upload_image', fresh, '/dev/upload_image', 'X-Notify-Email=me@example.com'),
  ]) {
    expect((await ingestHandler(event)).statusCode).toBeLessThan(300);
  }

  const resize = deployedFunction(template, 'ResizeFunction');
  Object.assign(process.env, resize.environment);
  aws.actAs({ function: resize.role });
  const { handler: resizeHandler } = await import('../../../lambdas/resize/index.ts');
  const context = { functionName: 'resize', getRemainingTimeInMillis: () => 60_000 } as Context;
  for (const key of [`raw/${imageIdOf(fresh)}`, `raw/${'b'.repeat(64)}`]) {
    expect(await resizeHandler(queueEvent(createdMessage(key)), context)).toEqual({ batchItemFailures: [] });
  }

  const notify = deployedFunction(template, 'NotifyFunction');
  Object.assign(process.env, notify.environment);
  const { handler: notifyHandler } = await import('../../../lambdas/notify/index.ts');
  const withoutThumbnail = 'e'.repeat(64);
  await setUp(() => finished(withoutThumbnail));
  await setUp(() =>
    createMailRequests(server.mailRequestsTableName, server.client).add(withoutThumbnail, 'me@example.com'),
  );
  const ended = await Promise.all([imageIdOf(fresh), withoutThumbnail].map((id) => catalog.find(id)));
  aws.actAs({ function: notify.role });
  for (const record of ended) {
    const event = JSON.stringify(record && endedEvent(record));
    expect(await notifyHandler(queueEvent(event), context)).toEqual({ batchItemFailures: [] });
  }

  const reconciler = deployedFunction(template, 'ReconcilerFunction');
  Object.assign(process.env, reconciler.environment);
  const { handler: reconcilerHandler } = await import('../../../lambdas/reconcile/index.ts');
  await setUp(() => catalog.receive('c'.repeat(64), { bytes: 9 }, new Date(0)));
  await setUp(() => catalog.receive('d'.repeat(64), { bytes: 9 }, new Date(0)));
  aws.putObject(reconciler.environment['RAW_BUCKET'] ?? '', `raw/${'c'.repeat(64)}`, fresh);
  aws.actAs({ function: reconciler.role });
  expect(await reconcilerHandler({})).toMatchObject({
    requeued: expect.arrayContaining(['c'.repeat(64)]),
    expired: expect.arrayContaining(['d'.repeat(64)]),
  });
});

afterAll(async () => {
  await server.stop();
});

const ofFunctions = () => calls.filter(({ role }) => role !== 'the test');

test('each role may do all that its function does, and nothing else', () => {
  expect(ofFunctions().length).toBeGreaterThan(20);
  expect(findings(grants, ofFunctions())).toEqual([]);
});

test('a grant that is taken away is noticed, whichever it is', () => {
  const needed = grants.filter(
    ({ role, action }) => !usedByAws.some((use) => use.action === action && use.roles.test(role)),
  );
  expect(needed.length).toBeGreaterThan(15);
  for (const removed of needed) {
    const found = findings(
      grants.filter((grant) => grant !== removed),
      ofFunctions(),
    );
    expect(found).toContainEqual(expect.stringContaining(`${removed.role} may not ${removed.action} on`));
  }
});

test('a grant that nothing needs is noticed, in whichever role', () => {
  const roles = new Set(grants.map(({ role }) => role));
  expect(roles.size).toBe(5);
  for (const role of roles) {
    for (const [action, resource] of [
      ['s3:DeleteObject', 'arn:aws:s3:::raw-bucket/raw/*'],
      ['s3:GetObject', 'arn:aws:s3:::other-bucket/*'],
      ['dynamodb:Scan', '*'],
    ] as const) {
      const found = findings([...grants, { role, action, resources: [resource] }], ofFunctions());
      expect(found).toEqual([`${role} never needs ${action} on ${resource}`]);
    }
  }
});

test('what AWS itself uses is granted, and has a reason', () => {
  for (const { action, roles, reason } of usedByAws) {
    expect(grants.some((grant) => grant.action === action && roles.test(grant.role))).toBe(true);
    expect(reason.length).toBeGreaterThan(20);
  }
});

test('no grant covers more than one kind of thing, but those that AWS knows no resource for', () => {
  for (const { action, resources } of grants) {
    if (resources.includes('*')) expect(action).toMatch(/^xray:/);
    expect(action).not.toContain('*');
  }
});

test('no grant reaches a bucket of another account, even one that took over a name of ours', () => {
  const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );
  const ofBuckets = statements.filter(({ Action }) =>
    [Action].flat().some((action) => action.startsWith('s3:')),
  );
  expect(ofBuckets.length).toBeGreaterThan(8);
  for (const { Condition } of ofBuckets) {
    expect(Condition).toEqual({ StringEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } });
  }
});
