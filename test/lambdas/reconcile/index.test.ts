import { HeadObjectCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import type { ReconcileEnvironment } from '../../../lambdas/reconcile/environment.ts';
import type { ReconcileReport } from '../../../lambdas/reconcile/reconcile.ts';
import { createdObjects } from '../../../lambdas/resize/messages.ts';
import { type Catalog, createCatalog } from '../../../lambdas/store/catalog.ts';
import { startCatalogServer } from '../../catalog-server.ts';

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const overdueSeconds = 900;
let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;
let handler: (event: { readonly dryRun?: boolean }) => Promise<ReconcileReport>;
let stored: Set<string>;
let images = 0;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = createCatalog(server.tableName, server.client);
  Object.assign(process.env, {
    AWS_REGION: 'us-east-2',
    AWS_ACCESS_KEY_ID: 'EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
    AWS_ENDPOINT_URL_DYNAMODB: server.endpoint,
    RAW_BUCKET: 'raw-bucket',
    CATALOG_TABLE: server.tableName,
    RESIZE_QUEUE_URL: 'https://sqs.us-east-2.amazonaws.com/111122223333/resize',
    OVERDUE_SECONDS: String(overdueSeconds),
    MAX_BACKLOG: '10',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  } satisfies ReconcileEnvironment & Record<string, string>);
  ({ handler } = await import('../../../lambdas/reconcile/index.ts'));
});
afterAll(() => server.stop());

beforeEach(() => {
  stored = new Set();
  s3.reset();
  s3.on(HeadObjectCommand).callsFake(({ Key }) => {
    if (stored.has(Key)) return {};
    throw new NotFound({ message: 'not found', $metadata: { httpStatusCode: 404 } });
  });
  sqs.reset();
  sqs.on(SendMessageCommand).resolves({});
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '0' } });
});

const received = async (secondsAgo: number, { withOriginal }: { readonly withOriginal: boolean }) => {
  images += 1;
  const id = imageIdOf(Buffer.from(`image ${images}`));
  if (withOriginal) stored.add(`raw/${id}`);
  await catalog.receive(id, { bytes: 9 }, new Date(Date.now() - secondsAgo * 1000));
  return id;
};
const end = (id: string) =>
  catalog.fail(id, 'any', { bytes: 9 }, { code: 'image-corrupt', detail: 'ended by the test' });
const requested = () =>
  sqs
    .commandCalls(SendMessageCommand)
    .flatMap(({ args }) => createdObjects(args[0].input.MessageBody ?? '').map(({ key }) => key));

test('asks again for the thumbnails of an image whose event was lost', async () => {
  const id = await received(overdueSeconds + 10, { withOriginal: true });
  await expect(handler({})).resolves.toEqual({
    dryRun: false,
    backlog: 0,
    requeued: [id],
    expired: [],
  });
  expect(requested()).toEqual([`raw/${id}`]);
  await expect(handler({})).resolves.toMatchObject({ requeued: [] });
  await end(id);
});

test('leaves alone what may still be on its way', async () => {
  const id = await received(overdueSeconds - 60, { withOriginal: true });
  await expect(handler({})).resolves.toMatchObject({ requeued: [], expired: [] });
  await end(id);
});

test('counts nothing as lost while the queue has a backlog', async () => {
  const id = await received(overdueSeconds + 10, { withOriginal: true });
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '5000' } });
  await expect(handler({})).resolves.toEqual({
    dryRun: false,
    backlog: 5000,
    requeued: [],
    expired: [],
  });
  expect(requested()).toEqual([]);
  await end(id);
});

test('lets a record disappear whose original never came', async () => {
  const id = await received(overdueSeconds + 10, { withOriginal: false });
  await expect(handler({})).resolves.toMatchObject({ requeued: [], expired: [id] });
  expect(requested()).toEqual([]);
  await expect(handler({})).resolves.toMatchObject({ expired: [] });
});

test('only tells what it would do in a dry run', async () => {
  const lost = await received(overdueSeconds + 10, { withOriginal: true });
  const abandoned = await received(overdueSeconds + 10, { withOriginal: false });
  const before = await Promise.all([catalog.find(lost), catalog.find(abandoned)]);
  await expect(handler({ dryRun: true })).resolves.toEqual({
    dryRun: true,
    backlog: 0,
    requeued: [lost],
    expired: [abandoned],
  });
  expect(requested()).toEqual([]);
  expect(await Promise.all([catalog.find(lost), catalog.find(abandoned)])).toEqual(before);
});
