import { readFileSync } from 'node:fs';
import type { Template } from 'aws-cdk-lib/assertions';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { createCatalog, type Finished } from '../../../lambdas/aws/catalog.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { thumbnailKey } from '../../../lambdas/image/keys.ts';
import { endedEvent } from '../../../lambdas/image/new-event.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { ingestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { type HttpApiResult, requestOf, resultOf, withEventBody } from '../../../lambdas/ingest/http-api.ts';
import { wireIngest } from '../../../lambdas/ingest/wiring.ts';
import { createMailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { createDecoder } from '../../../lambdas/resize/decoder/pool.ts';
import { resizeEnvironment } from '../../../lambdas/resize/environment.ts';
import type { Lane } from '../../../lambdas/resize/lanes.ts';
import { wireResize } from '../../../lambdas/resize/wiring.ts';
import { readEnvironment, text } from '../../../lambdas/runtime/environment.ts';
import { createLog } from '../../../lambdas/runtime/log.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { createdMessage, postEvent, queueEvent } from '../../events.ts';
import { quarteredPicture, slowTiff } from '../../images.ts';
import { lateCatalog } from '../../late-catalog.ts';
import { allowAllLoaders } from '../../loaders.ts';
import { inContainers, templateWith } from '../stacks.ts';
import { covers, deployedContainer, deployedFunction, type Grant, grantsOf, region } from './policies.ts';
import { type Call, recordAws } from './recorded-aws.ts';

afterAll(allowAllLoaders);

const defaultVariants = variantsSchema.parse([{ name: 'thumbnail' }]);

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

/** The SDK's commands that a file sends. */
const commandsOf = (file: string): readonly string[] => {
  const sent = [...readFileSync(file, 'utf8').matchAll(/new (\w+)Command\(/g)].map(([, name = '']) => name);
  return [...new Set(sent)];
};

/** Permissions that AWS or the loop around a handler uses, not the handler itself. */
const usedAround: readonly { readonly action: string; readonly roles: RegExp; readonly reason: string }[] = [
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
    roles: /^(?:Resize|ResizeSlow|Notify|Deletion)FunctionRole$/,
    reason: 'Lambda polls the queue of an event source',
  },
  {
    action: 'sqs:DeleteMessage',
    roles: /^(?:Resize|ResizeSlow|Notify|Deletion)FunctionRole$/,
    reason: 'Lambda deletes the messages that were processed',
  },
  {
    action: 'sqs:GetQueueAttributes',
    roles: /^(?:Resize|ResizeSlow|Notify|Deletion)FunctionRole$/,
    reason: 'Lambda reads how many messages wait',
  },
  ...['BatchCheckLayerAvailability', 'BatchGetImage', 'GetDownloadUrlForLayer', 'GetAuthorizationToken'].map(
    (name) => ({
      action: `ecr:${name}`,
      roles: /^Containers(?:Ingest|Resize)TaskExecutionRole$/,
      reason: 'ECS fetches the image of a task before it starts it',
    }),
  ),
  ...['CreateLogStream', 'PutLogEvents'].map((name) => ({
    action: `logs:${name}`,
    roles: /^Containers(?:Ingest|Resize)TaskExecutionRole$/,
    reason: 'ECS writes what a container prints into its log',
  })),
  ...commandsOf('containers/queue-worker.ts').map((name) => ({
    action: `sqs:${name}`,
    roles: /^ContainersResizeTaskRole$/,
    reason: 'the loop around a worker sends this command to its queue',
  })),
];

/** Calls without a grant, and grants without a call. */
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
    .filter(({ role, action }) => !usedAround.some((use) => use.action === action && use.roles.test(role)))
    .map(({ role, action, resources }) => `${role} never needs ${action} on ${resources.join()}`);
  return [...new Set([...refused, ...unused])];
};

const from = 'thumbnails@example.com';

const retention = { originalDays: null, imageDays: 1, failedDays: null };

/** A template, and the calls of its roles. */
interface Deployment {
  readonly template: Template;
  readonly grants: readonly Grant[];
  readonly calls: () => readonly Call[];
}

let functions: Deployment;
let containers: Deployment;
let server: Awaited<ReturnType<typeof startCatalogServer>>;

const rawBucketOf = (variables: Readonly<Record<string, string>>): string =>
  readEnvironment({ rawBucket: text }, variables).rawBucket;

/** Runs each handler with its deployed environment through every situation that needs a permission. */
beforeAll(async () => {
  server = await startCatalogServer();
  const aws = recordAws();
  const deploymentWith = (given: Readonly<Record<string, unknown>>, others: RegExp): Deployment => {
    const template = templateWith({
      ...given,
      retention,
      email: { from, allowedRecipients: ['example.com'] },
    });
    const isOwn = ({ role }: Call) => role !== 'the test' && !others.test(role);
    return { template, grants: grantsOf(template), calls: () => aws.calls.filter(isOwn) };
  };
  functions = deploymentWith({}, /^Containers/);
  containers = deploymentWith(inContainers, /^Resize(?:Slow)?Function/);
  const { template } = functions;
  mockPresigned.mockImplementation(aws.recordPresigned);
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: server.endpoint,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
  const catalog = lateCatalog(createCatalog(server.tableName, server.client));
  const setUp = async (prepare: () => Promise<unknown>) => {
    aws.actAs({ function: 'the test' });
    await prepare();
  };
  const finished = async (id: string, fingerprint = 'earlier', thumbnails: Finished['thumbnails'] = {}) => {
    const record = await catalog.finish(id, fingerprint, {
      original: { bytes: 9 },
      thumbnails,
      thumbhash: undefined,
      resizeMilliseconds: 1,
      uploadToReadyMilliseconds: 1,
    });
    if (record === undefined) throw new Error('not finished');
    return record;
  };

  type IngestHandler = (event: APIGatewayProxyEventV2) => Promise<HttpApiResult>;
  /** An image whose record names a thumbnail that is not stored. */
  const withoutObjects = (id: string) =>
    finished(id, fingerprintOf(defaultVariants), {
      thumbnail: {
        key: thumbnailKey(id, defaultVariants[0]),
        contentType: 'image/webp',
        width: 1,
        height: 1,
        bytes: 1,
      },
    });
  /** Uploads pictures that are new, known, damaged, or lost by an earlier upload; @returns the new one */
  const runUploads = async (role: string, ingestHandler: IngestHandler, firstSide: number) => {
    const [fresh, stale, abandoned, damaged] = await Promise.all(
      [0, 1, 2, 3]
        .map((number) => firstSide + number)
        .map((side) => quarteredPicture(side, side).png().toBuffer()),
    );
    if (!fresh || !stale || !abandoned || !damaged) throw new Error('no pictures');
    await setUp(() => finished(imageIdOf(stale)));
    await setUp(() => withoutObjects(imageIdOf(damaged)));
    await setUp(() => catalog.receive(imageIdOf(abandoned), { bytes: 9 }, new Date(0)));
    aws.actAs({ function: role, assumed: 'IngestUrlSigner' });
    const large = Buffer.from(JSON.stringify({ sha256: 'a'.repeat(64), bytes: 50_000_000 }));
    for (const event of [
      postEvent('/upload_image', fresh),
      postEvent('/upload_image', fresh),
      postEvent('/upload_image', stale),
      postEvent('/upload_image', abandoned),
      postEvent('/upload_image', damaged),
      postEvent('/uploads', large),
      postEvent('/upload_image', fresh, '/dev/upload_image', 'X-Notify-Email=me@example.com'),
    ]) {
      expect((await ingestHandler(event)).statusCode).toBeLessThan(300);
    }
    return fresh;
  };

  const ingest = deployedFunction(template, 'IngestFunction');
  Object.assign(process.env, ingest.environment);
  aws.actAs({ function: ingest.role });
  const { handler: ingestHandler }: { handler: IngestHandler } = await import(
    '../../../lambdas/ingest/index.ts'
  );
  const fresh = await runUploads(ingest.role, ingestHandler, 41);

  const resize = deployedFunction(template, 'ResizeFunction');
  Object.assign(process.env, resize.environment);
  aws.actAs({ function: resize.role });
  const { handler: resizeHandler } = await import('../../../lambdas/resize/index.ts');
  const context = { functionName: 'resize', getRemainingTimeInMillis: () => 60_000 } as Context;
  const slow = slowTiff();
  aws.putObject(rawBucketOf(resize.environment), `raw/${imageIdOf(slow)}`, slow);
  const deleted = imageIdOf(Buffer.from('deleted'));
  await setUp(async () => catalog.startDeletion(await finished(deleted)));
  aws.actAs({ function: resize.role });
  for (const id of [imageIdOf(fresh), imageIdOf(slow), 'b'.repeat(64), deleted]) {
    expect(await resizeHandler(queueEvent(createdMessage(`raw/${id}`)), context)).toEqual({
      batchItemFailures: [],
    });
  }

  const slowResize = deployedFunction(template, 'ResizeSlowFunction');
  const log = createLog('test');
  const serviceOf = (lane: Lane, variables: Readonly<Record<string, string>>) => {
    const environment = readEnvironment(resizeEnvironment, variables);
    const decoder = createDecoder(environment, log, { lane });
    return wireResize(environment, log, { lane, decoder });
  };
  const inSlowLane = serviceOf('slow', slowResize.environment);
  aws.actAs({ function: slowResize.role });
  for (const id of [imageIdOf(slow), 'b'.repeat(64), deleted])
    await inSlowLane(createdMessage(`raw/${id}`), { receiveCount: 1 });

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

  const deletion = deployedFunction(template, 'DeletionFunction');
  Object.assign(process.env, deletion.environment);
  const { handler: deletionHandler } = await import('../../../lambdas/delete/index.ts');
  const { thumbnailBucket } = readEnvironment({ thumbnailBucket: text }, deletion.environment);
  aws.putObject(rawBucketOf(deletion.environment), `raw/${deleted}`, fresh);
  aws.putObject(thumbnailBucket, `thumbnails/${deleted}/thumbnail/v2.webp`, fresh);
  await setUp(() =>
    createMailRequests(server.mailRequestsTableName, server.client).add(deleted, 'me@example.com'),
  );
  aws.actAs({ function: deletion.role });
  expect(await deletionHandler(queueEvent(JSON.stringify({ imageId: deleted })), context)).toEqual({
    batchItemFailures: [],
  });

  const reconciler = deployedFunction(template, 'ReconcilerFunction');
  Object.assign(process.env, reconciler.environment);
  const { handler: reconcilerHandler } = await import('../../../lambdas/reconcile/index.ts');
  await setUp(() => catalog.receive('c'.repeat(64), { bytes: 9 }, new Date(0)));
  await setUp(() => catalog.receive('d'.repeat(64), { bytes: 9 }, new Date(0)));
  aws.putObject(rawBucketOf(reconciler.environment), `raw/${'c'.repeat(64)}`, fresh);
  const outlived = `9${'0'.repeat(63)}`;
  await setUp(async () => {
    jest.useFakeTimers({ advanceTimers: true, now: 0 });
    const record = await catalog.receive(outlived, { bytes: 9 }, new Date());
    await createCatalog(server.tableName, server.client, retention).finish(outlived, record, 'any', {
      original: { bytes: 9 },
      thumbnails: {},
      thumbhash: undefined,
      resizeMilliseconds: 1,
      uploadToReadyMilliseconds: 1,
    });
    jest.useRealTimers();
  });
  const undeleted = imageIdOf(Buffer.from('undeleted'));
  await setUp(async () => {
    const record = await finished(undeleted);
    jest.useFakeTimers({ advanceTimers: true, now: 0 });
    await catalog.startDeletion(record);
    jest.useRealTimers();
  });
  aws.actAs({ function: reconciler.role });
  expect(await reconcilerHandler({})).toMatchObject({
    deletions: [undeleted],
    outlived: [outlived],
    requeued: expect.arrayContaining(['c'.repeat(64)]),
    expired: expect.arrayContaining(['d'.repeat(64)]),
  });

  const ingestTask = deployedContainer(containers.template, 'ContainersIngestTask');
  aws.actAs({ function: ingestTask.role });
  const ingestInContainer = wireIngest(readEnvironment(ingestEnvironment, ingestTask.environment), log, {
    withBody: withEventBody,
  });
  const sendToContainer: IngestHandler = async (event) => {
    const { rawPath, requestContext } = event;
    const request = requestOf(event, requestContext.http.method, rawPath);
    return resultOf(await ingestInContainer.fetch(request));
  };
  const freshInContainer = await runUploads(ingestTask.role, sendToContainer, 51);

  const resizeTask = deployedContainer(containers.template, 'ContainersResizeTask');
  const resizeInContainer = serviceOf('fast', resizeTask.environment);
  aws.actAs({ function: resizeTask.role });
  const otherSlow = slowTiff('in a container');
  aws.putObject(rawBucketOf(resizeTask.environment), `raw/${imageIdOf(otherSlow)}`, otherSlow);
  for (const id of [imageIdOf(freshInContainer), imageIdOf(otherSlow), 'f'.repeat(64), deleted])
    await resizeInContainer(createdMessage(`raw/${id}`), { receiveCount: 1 });
}, 120_000);

afterAll(async () => {
  await server.stop();
});

const deployments: readonly (readonly [name: string, of: () => Deployment])[] = [
  ['functions', () => functions],
  ['containers', () => containers],
];

describe.each(deployments)('with %s', (_, of) => {
  test('each role has exactly the permissions that its code uses', () => {
    const { grants, calls } = of();
    expect(calls().length).toBeGreaterThan(20);
    expect(findings(grants, calls())).toEqual([]);
  });

  test('fails when any grant is missing', () => {
    const { grants, calls } = of();
    const needed = grants.filter(
      ({ role, action }) => !usedAround.some((use) => use.action === action && use.roles.test(role)),
    );
    expect(needed.length).toBeGreaterThan(15);
    for (const removed of needed) {
      const found = findings(
        grants.filter((grant) => grant !== removed),
        calls(),
      );
      expect(found).toContainEqual(expect.stringContaining(`${removed.role} may not ${removed.action} on`));
    }
  });

  test('fails when any role has an unused grant', () => {
    const { grants, calls } = of();
    const roles = new Set(grants.map(({ role }) => role));
    expect(roles.size).toBeGreaterThanOrEqual(5);
    for (const role of roles) {
      for (const [action, resource] of [
        ['s3:DeleteObject', 'arn:aws:s3:::raw-bucket/raw/*'],
        ['s3:GetObject', 'arn:aws:s3:::other-bucket/*'],
        ['dynamodb:Scan', '*'],
      ] as const) {
        const found = findings([...grants, { role, action, resources: [resource] }], calls());
        expect(found).toEqual([`${role} never needs ${action} on ${resource}`]);
      }
    }
  });

  test('no grant covers more than one kind of resource, except for actions without resources', () => {
    for (const { action, resources } of of().grants) {
      if (resources.includes('*')) expect(action).toMatch(/^xray:|^ecr:GetAuthorizationToken$/);
      expect(action).not.toContain('*');
    }
  });

  test('no grant reaches a bucket of another account, even under the name of a deleted one', () => {
    const statements = Object.values(of().template.findResources('AWS::IAM::Policy')).flatMap(
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
});

test('every permission that is used outside of the code is granted, with a reason', () => {
  const grants = deployments.flatMap(([, of]) => of().grants);
  for (const { action, roles, reason } of usedAround) {
    expect(grants.some((grant) => grant.action === action && roles.test(grant.role))).toBe(true);
    expect(reason.length).toBeGreaterThan(20);
  }
});
