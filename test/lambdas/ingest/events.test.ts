import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { imageEventSchema } from '../../../lambdas/image/event.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables } from '../../environment.ts';
import { differentPictures } from '../../images.ts';
import { appIn, type IngestApp } from '../../ingest-app.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

/** The events that ingest publishes. */

const s3 = mockClient(S3Client);
const sns = mockClient(SNSClient);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const printed = jest.spyOn(console, 'log').mockImplementation();
const variants = variantsSchema.parse([{ name: 'thumbnail' }, { name: 'square', fit: 'cover' }]);

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;
let app: IngestApp;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
  Object.assign(process.env, {
    ...awsVariables(server),
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
  app = appIn(server, { variants, stackName: 'Copy' }, log);
});
afterAll(() => server.stop());

beforeEach(() => {
  s3.reset();
  s3.on(PutObjectCommand).resolves({});
  s3.on(HeadObjectCommand).rejects(new NotFound({ message: 'not found', $metadata: {} }));
  sns.reset();
  sns.on(PublishCommand).resolves({});
  jest.clearAllMocks();
});

const picture = differentPictures(90, 'jpeg');
const post = (body: Buffer) =>
  app.request('http://api.example/upload_image', { method: 'POST', body: new Uint8Array(body) });
const announce = (bytes: Buffer) =>
  app.request('http://api.example/uploads', {
    method: 'POST',
    body: JSON.stringify({ sha256: imageIdOf(bytes), bytes: bytes.length }),
  });
const finish = (bytes: Buffer) =>
  catalog.finish(imageIdOf(bytes), fingerprintOf(variants), {
    original: { contentType: 'image/jpeg', width: 90, height: 40, bytes: bytes.length },
    thumbnails: {},
    thumbhash: undefined,
    resizeMilliseconds: 5,
    uploadToReadyMilliseconds: 50,
  });
const published = () =>
  sns
    .commandCalls(PublishCommand)
    .map(({ args }) => imageEventSchema.parse(JSON.parse(args[0].input.Message ?? '')));
const counted = () =>
  printed.mock.calls.flatMap(([line]) => {
    // The used part of the budget is recorded with each upload; admission.test.ts is about it.
    const { _aws: _, service, BudgetUsedPercent: __, ...values } = JSON.parse(line);
    expect(service).toBe('Copy');
    return Object.keys(values).length === 0 ? [] : [values];
  });

describe('ingest publishes', () => {
  test('nothing about a new image: resize does, once the bytes are stored', async () => {
    const bytes = await picture();
    await post(bytes);
    expect(published()).toEqual([]);
    expect(counted()).toEqual([{ Uploads: 1, UploadedBytes: bytes.length }]);
  });

  test('and counts nothing for an announcement, which may be false', async () => {
    const bytes = await picture();
    await announce(bytes);
    await announce(bytes);
    expect(published()).toEqual([]);
    expect(counted()).toEqual([]);
  });

  test('the real size of an announced image that has not been resized yet', async () => {
    const bytes = await picture();
    await announce(bytes);
    s3.on(HeadObjectCommand).resolves({ ContentLength: 123 });
    expect((await announce(bytes)).status).toBe(200);
    expect(published()).toMatchObject([
      { type: 'image.duplicate', status: 'received', original: { bytes: 123 } },
    ]);
  });

  test('each upload of a known image as an event of its own', async () => {
    const bytes = await picture();
    await finish(bytes);
    await post(bytes);
    await announce(bytes);
    const fact = {
      schemaVersion: 1,
      type: 'image.duplicate',
      imageId: imageIdOf(bytes),
      status: 'ready',
      original: { contentType: 'image/jpeg', width: 90, height: 40, bytes: bytes.length },
    };
    expect(published()).toEqual([expect.objectContaining(fact), expect.objectContaining(fact)]);
    expect(new Set(published().map(({ eventId }) => eventId)).size).toBe(2);
    expect(counted()).toEqual([{ Duplicates: 1 }, { Duplicates: 1 }]);
  });

  test('each redirect of a link, with the variant', async () => {
    const bytes = await picture();
    await finish(bytes);
    const path = `/thumbnails/${imageIdOf(bytes)}`;
    expect((await app.request(path)).status).toBe(302);
    expect((await app.request(`${path}/square`)).status).toBe(302);
    expect((await app.request(path, { method: 'HEAD' })).status).toBe(302);
    expect(published()).toMatchObject([
      { type: 'link.served', imageId: imageIdOf(bytes), variant: 'thumbnail' },
      { type: 'link.served', imageId: imageIdOf(bytes), variant: 'square' },
    ]);
  });

  test('nothing for the link of a pending image', async () => {
    const bytes = await picture();
    await post(bytes);
    expect((await app.request(`/thumbnails/${imageIdOf(bytes)}`)).status).toBe(202);
    expect(published()).toEqual([]);
  });

  test('no presigned URL', async () => {
    const bytes = await picture();
    await finish(bytes);
    await post(bytes);
    await app.request(`/thumbnails/${imageIdOf(bytes)}`);
    expect(published()).toHaveLength(2);
    expect(JSON.stringify(published())).not.toMatch(/http|@/);
  });
});

test('replies although the topic is unreachable, and logs the events', async () => {
  const bytes = await picture();
  await finish(bytes);
  sns.on(PublishCommand).rejects(new Error('unreachable'));
  expect((await post(bytes)).status).toBe(200);
  expect((await app.request(`/thumbnails/${imageIdOf(bytes)}`)).status).toBe(302);
  expect(log.error.mock.calls).toEqual([
    [
      'event not published',
      { event: expect.objectContaining({ type: 'image.duplicate' }), error: expect.any(Error) },
    ],
    [
      'event not published',
      { event: expect.objectContaining({ type: 'link.served' }), error: expect.any(Error) },
    ],
  ]);
  expect(log.error.mock.calls.map(([, { event }]) => imageEventSchema.safeParse(event).success)).toEqual([
    true,
    true,
  ]);
  expect(counted()).toEqual([{ Duplicates: 1 }, { EventsUnpublished: 1 }, { EventsUnpublished: 1 }]);
});

test('the description contains every event', async () => {
  const description = JSON.parse(await (await app.request('/openapi.json')).text());
  expect(description.components.schemas.ImageEvent.oneOf).toHaveLength(6);
});
