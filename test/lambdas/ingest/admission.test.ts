import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { createLocalWaitingPlaces } from '../../../lambdas/aws/waiting-places.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { defaultVariants, variantsSchema } from '../../../lambdas/image/variant.ts';
import type { IngestEnvironment } from '../../../lambdas/ingest/environment.ts';
import type { IngestHost } from '../../../lambdas/ingest/wiring.ts';
import { createMailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { differentPictures } from '../../images.ts';
import { createTestApp, type IngestApp } from '../../ingest-app.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

/** The daily budget and the places for waiting callers. */

const s3 = mockClient(S3Client);
const sns = mockClient(SNSClient);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const printed = jest.spyOn(console, 'log').mockImplementation();

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;

/** Each test has its own tables. */
beforeEach(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
  Object.assign(process.env, {
    ...awsVariables(server),
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
  jest.clearAllMocks();
  s3.reset();
  s3.on(PutObjectCommand).resolves({});
  s3.on(HeadObjectCommand).rejects(
    new NotFound({ message: 'not found', $metadata: { httpStatusCode: 404 } }),
  );
  sns.reset();
  sns.on(PublishCommand).resolves({});
});
afterEach(() => server.stop());

const appWith = (given: Partial<IngestEnvironment> = {}, props?: Partial<IngestHost>): IngestApp => {
  const mail = { mailRequestsTable: server.mailRequestsTableName, allowedRecipients: ['example.com'] };
  const limits = { maxUploadBytes: 1_000_000 };
  return createTestApp(valuesWith(server, { stackName: 'Copy', ...mail, ...limits, ...given }), log, props);
};

const picture = differentPictures(90, 'png');
const post = (app: IngestApp, body: Buffer, headers: Record<string, string> = {}) =>
  app.request('http://api.example/upload_image', { method: 'POST', body: new Uint8Array(body), headers });
const announce = (
  app: IngestApp,
  bytes: number,
  sha256 = 'a'.repeat(64),
  headers: Record<string, string> = {},
) =>
  app.request('http://api.example/uploads', {
    method: 'POST',
    body: JSON.stringify({ sha256, bytes }),
    headers,
  });
const finish = (bytes: Buffer) =>
  catalog.finish(imageIdOf(bytes), fingerprintOf(variantsSchema.parse([...defaultVariants])), {
    original: { contentType: 'image/png', width: 90, height: 40, bytes: bytes.length },
    thumbnails: {},
    thumbhash: undefined,
    resizeMilliseconds: 5,
    uploadToReadyMilliseconds: 50,
  });
const itemsOf = async (TableName: string) => {
  const { Items = [] } = await server.client.send(new ScanCommand({ TableName }));
  return Items.map((item) => unmarshall(item));
};
const counted = async () => {
  const [item = { uploads: 0, bytes: 0 }] = await itemsOf(server.admissionTableName);
  return { uploads: item['uploads'], bytes: item['bytes'] };
};
const metrics = (name: string): readonly number[] =>
  printed.mock.calls.flatMap(([line]) => JSON.parse(line)[name] ?? []);

/** The refusal of an upload over the daily budget. */
const expectExhausted = async (response: Response) => {
  expect(response.status).toBe(429);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const body = JSON.parse(await response.text());
  expect(body).toMatchObject({ code: 'daily-budget-exhausted', status: 429 });
  const seconds = Number(response.headers.get('Retry-After'));
  const opensAt = new Date(body.detail.match(/\d{4}-\d\d-\d\dT00:00:00\.000Z/)?.[0] ?? '').getTime();
  expect(Math.abs(opensAt - (Date.now() + seconds * 1000))).toBeLessThan(5000);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(86_400);
};

describe('over the daily budget', () => {
  test('uploads and announcements are refused, with the time when they are accepted again', async () => {
    const app = appWith({ maxUploadsPerDay: 1 });
    expect((await post(app, await picture())).status).toBe(202);
    await expectExhausted(await post(app, await picture()));
    await expectExhausted(await announce(app, 500_000));
    expect(metrics('BudgetRefusals')).toEqual([1, 1]);
    expect(metrics('BudgetUsedPercent')).toEqual([100, 100, 100]);
  });

  test('nothing is stored, recorded, signed, published or mailed', async () => {
    const app = appWith({ maxUploadsPerDay: 1 });
    await announce(app, 5);
    const before = await itemsOf(server.tableName);
    s3.resetHistory();
    sns.resetHistory();
    const mail = { 'X-Notify-Email': 'me@example.com' };
    await expectExhausted(await post(app, await picture(), mail));
    await expectExhausted(await announce(app, 5, 'b'.repeat(64), mail));
    expect(s3.calls()).toEqual([]);
    expect(sns.calls()).toEqual([]);
    expect(await itemsOf(server.tableName)).toEqual(before);
    expect(await itemsOf(server.mailRequestsTableName)).toEqual([]);
  });

  test('records and links still work', async () => {
    const app = appWith({ maxUploadsPerDay: 1 });
    const bytes = await picture();
    await post(app, bytes);
    await finish(bytes);
    await expectExhausted(await post(app, bytes));
    expect((await app.request(`http://api.example/images/${imageIdOf(bytes)}`)).status).toBe(200);
    expect((await app.request(`http://api.example/thumbnails/${imageIdOf(bytes)}`)).status).toBe(302);
    expect((await app.request('http://api.example/openapi.json')).status).toBe(200);
  });

  test('concurrent uploads to several processes are accepted exactly up to the limit', async () => {
    const apps = [1, 2, 3].map(() => appWith({ maxUploadsPerDay: 10 }));
    const bodies = await Promise.all(Array.from({ length: 30 }, () => picture()));
    const responses = await Promise.all(
      bodies.map((body, index) => post(apps[index % 3] as IngestApp, body)),
    );
    expect(responses.filter(({ status }) => status === 202)).toHaveLength(10);
    expect(responses.filter(({ status }) => status === 429)).toHaveLength(20);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(10);
  });

  test('bytes count as well, also announced ones', async () => {
    const app = appWith({ maxUploadBytesPerDay: 1000000 });
    expect((await announce(app, 999_000)).status).toBe(201);
    await expectExhausted(await announce(app, 1001, 'b'.repeat(64)));
    expect((await announce(app, 1000, 'c'.repeat(64))).status).toBe(201);
    await expectExhausted(await post(app, await picture()));
  });
});

describe('the budget counts', () => {
  test('each accepted upload, also of a known image', async () => {
    const app = appWith();
    const bytes = await picture();
    await post(app, bytes);
    await finish(bytes);
    expect((await post(app, bytes)).status).toBe(200);
    expect((await announce(app, bytes.length, imageIdOf(bytes))).status).toBe(200);
    const items = await itemsOf(server.admissionTableName);
    expect(items.reduce((sum, item) => sum + item['uploads'], 0)).toBe(3);
    expect(items.reduce((sum, item) => sum + item['bytes'], 0)).toBe(3 * bytes.length);
  });

  test('no upload that is refused for another reason', async () => {
    const app = appWith({ maxUploadsPerDay: 1 });
    const statuses = [
      await post(app, Buffer.alloc(0)),
      await post(app, Buffer.from('hello')),
      await post(app, Buffer.alloc(100_001)),
      await post(app, await picture(), { 'X-Notify-Email': 'me@elsewhere.example' }),
      await announce(app, 1_000_001),
      await announce(app, 0),
      await announce(app, 5, 'not a hash'),
    ].map(({ status }) => status);
    expect(statuses).toEqual([400, 415, 413, 403, 413, 400, 400]);
    expect(await counted()).toEqual({ uploads: 0, bytes: 0 });
    expect((await post(app, await picture())).status).toBe(202);
  });

  test('before anything is stored, so that uploads fail while its table is unreachable', async () => {
    const app = appWith({ admissionTable: 'no-such-table' });
    expect((await post(app, await picture())).status).toBe(500);
    expect((await announce(app, 5)).status).toBe(500);
    expect(s3.calls()).toEqual([]);
    expect(await itemsOf(server.tableName)).toEqual([]);
  });

  test('and records the used percentage with each upload', async () => {
    const app = appWith({ maxUploadsPerDay: 4 });
    await post(app, await picture());
    await announce(app, 5);
    expect(metrics('BudgetUsedPercent')).toEqual([25, 50]);
  });
});

describe('a caller that prefers to wait', () => {
  const waits = (app: IngestApp, body: Buffer) => post(app, body, { Prefer: 'wait=1' });

  test.each<[where: string, appWithOnePlace: () => IngestApp]>([
    ['among functions', () => appWith({ maxWaitingCallers: 1 })],
    ['in one process', () => appWith({}, { waitingPlaces: createLocalWaitingPlaces(1) })],
  ])('gets its reply immediately when all places are taken, %s', async (_, appWithOnePlace) => {
    const app = appWithOnePlace();
    const bodies = [await picture(), await picture(), await picture()];
    const responses = await Promise.all(bodies.map((body) => waits(app, body)));
    expect(responses.map(({ status }) => status)).toEqual([202, 202, 202]);
    const applied = responses.filter(({ headers }) => headers.get('Preference-Applied') === 'wait=1');
    expect(applied).toHaveLength(1);
    const next = await waits(app, await picture());
    expect(next.headers.get('Preference-Applied')).toBe('wait=1');
  });

  test('gets thumbnails that are ready although no place is free', async () => {
    const app = appWith({ maxWaitingCallers: 0 });
    const bytes = await picture();
    await finish(bytes);
    const response = await waits(app, bytes);
    expect(response.status).toBe(200);
    expect(response.headers.get('Preference-Applied')).toBe('wait=1');
    expect((await waits(app, await picture())).headers.get('Preference-Applied')).toBeNull();
  });

  test('takes no place when there is nothing to wait for, or no wait', async () => {
    const app = appWith();
    const bytes = await picture();
    await finish(bytes);
    await waits(app, bytes);
    await post(app, await picture());
    await post(app, await picture(), { Prefer: 'wait=0' });
    const ids = (await itemsOf(server.admissionTableName)).map(({ id }) => id);
    expect(ids.filter((id) => id.startsWith('waiting'))).toEqual([]);
  });

  test('gets its reply although its place cannot be given back, which is logged', async () => {
    const { take } = createLocalWaitingPlaces(1);
    const giveBack = () => Promise.reject(new Error('unreachable'));
    const app = appWith(
      {},
      { waitingPlaces: { take: async (...args) => (await take(...args)) && giveBack } },
    );
    expect((await waits(app, await picture())).status).toBe(202);
    expect(log.warn).toHaveBeenCalledWith('waiting place not given back', {
      error: new Error('unreachable'),
    });
  });
});

test('the twenty-first recipient of an image is refused as the description says', async () => {
  const app = appWith();
  const bytes = await picture();
  const requests = createMailRequests(server.mailRequestsTableName, server.client);
  for (let person = 1; person <= 20; person += 1)
    await requests.add(imageIdOf(bytes), `person${person}@example.com`);
  const response = await post(app, bytes, { 'X-Notify-Email': 'me@example.com' });
  expect(response.status).toBe(429);
  expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(JSON.parse(await response.text())).toMatchObject({
    code: 'too-many-recipients',
    field: 'X-Notify-Email',
  });
  expect(s3.commandCalls(PutObjectCommand)).toEqual([]);

  const { paths } = JSON.parse(await (await app.request('/openapi.json')).text());
  for (const path of ['/upload_image', '/uploads']) {
    const { content } = paths[path].post.responses[429];
    const codes = Object.keys(content['application/problem+json'].examples);
    expect(codes.sort()).toEqual(['daily-budget-exhausted', 'too-many-recipients']);
  }
});
