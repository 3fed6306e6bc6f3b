import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { type Catalog, createCatalog } from '../../../lambdas/aws/catalog.ts';
import { createDeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import type { ImageRecord } from '../../../lambdas/image/record.ts';
import { keptForEver, type Retention } from '../../../lambdas/image/retention.ts';
import { createReconcile } from '../../../lambdas/reconcile/reconcile.ts';
import { startCatalogServer } from '../../catalog-server.ts';

const sqs = mockClient(SQSClient);
const retention: Retention = { originalDays: null, imageDays: 30, failedDays: 7 };
const day = 86_400_000;

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let number = 0;

beforeAll(async () => {
  server = await startCatalogServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  sqs.reset();
  sqs.on(SendMessageCommand).resolves({});
});
afterEach(() => jest.useRealTimers());

const catalogWith = (of: Retention): Catalog => createCatalog(server.tableName, server.client, of);

const reconcileWith = (of: Retention) =>
  createReconcile({
    catalog: catalogWith(of),
    originals: { head: async () => undefined },
    resizeRequests: {
      send: () => Promise.reject(new Error('not used')),
      move: () => Promise.reject(new Error('not used')),
      waiting: async () => 0,
    },
    slowResizeRequests: { waiting: async () => 0 },
    deletionRequests: createDeletionRequests('https://sqs.example/delete', new SQSClient({})),
    retention: of,
    overdueSeconds: 900,
    maxBacklog: 10,
  });

/** Sets the clock. Timers still run. */
const inDays = (days: number) =>
  jest.useFakeTimers({
    now: Date.now() + days * day,
    doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  });

const settled = async (ended: 'ready' | 'failed', of = retention): Promise<ImageRecord> => {
  number += 1;
  const id = imageIdOf(Buffer.from(`image ${number}`));
  const catalog = catalogWith(of);
  const before = await catalog.receive(id, { bytes: 9 }, new Date());
  const record =
    ended === 'failed'
      ? await catalog.fail(id, before, 'any', { bytes: 9 }, { code: 'image-corrupt', detail: 'x' })
      : await catalog.finish(id, before, 'any', {
          original: { bytes: 9 },
          thumbnails: {},
          thumbhash: undefined,
          resizeMilliseconds: 1,
          uploadToReadyMilliseconds: 1,
        });
  if (record === undefined) throw new Error('not settled');
  return record;
};

const requestedDeletions = () =>
  sqs.commandCalls(SendMessageCommand).map(({ args }) => JSON.parse(args[0].input.MessageBody ?? '').imageId);

test('deletes a ready image after its days, and not before', async () => {
  const { id } = await settled('ready');
  const reconcile = reconcileWith(retention);
  inDays(29.9);
  expect((await reconcile({ dryRun: false })).outlived).not.toContain(id);
  expect((await catalogWith(retention).state(id))?.status).toBe('ready');
  inDays(0.2);
  expect((await reconcile({ dryRun: false })).outlived).toContain(id);
  expect((await catalogWith(retention).state(id))?.status).toBe('deleting');
  expect(requestedDeletions()).toContain(id);
});

test('deletes a failed image after its own, shorter time', async () => {
  const { id } = await settled('failed');
  inDays(7.1);
  expect((await reconcileWith(retention)({ dryRun: false })).outlived).toContain(id);
  expect((await catalogWith(retention).state(id))?.status).toBe('deleting');
});

test('counts from the upload, however often thumbnails are made again', async () => {
  const { id } = await settled('ready');
  const catalog = catalogWith(retention);
  inDays(20);
  await catalog.renew(id);
  await catalog.finish(id, await catalog.find(id), 'other', {
    original: { bytes: 9 },
    thumbnails: {},
    thumbhash: undefined,
    resizeMilliseconds: 1,
    uploadToReadyMilliseconds: 1,
  });
  inDays(10.1);
  expect((await reconcileWith(retention)({ dryRun: false })).outlived).toContain(id);
});

test('a dry run only reports', async () => {
  const { id } = await settled('ready');
  inDays(31);
  expect((await reconcileWith(retention)({ dryRun: true })).outlived).toContain(id);
  expect((await catalogWith(retention).state(id))?.status).toBe('ready');
  expect(requestedDeletions()).toEqual([]);
});

test('keeps everything when the setting was switched off', async () => {
  const { id } = await settled('ready');
  inDays(4000);
  expect((await reconcileWith(keptForEver)({ dryRun: false })).outlived).toEqual([]);
  expect((await catalogWith(keptForEver).state(id))?.status).toBe('ready');
});

test('a failed image without days of its own is kept as long as a ready one', async () => {
  const both: Retention = { originalDays: null, imageDays: 30, failedDays: null };
  const { id } = await settled('failed', both);
  inDays(29);
  expect((await reconcileWith(both)({ dryRun: false })).outlived).not.toContain(id);
  inDays(1.1);
  expect((await reconcileWith(both)({ dryRun: false })).outlived).toContain(id);
});
