import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { originalKey, thumbnailKey } from '../../../lambdas/image/keys.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables } from '../../environment.ts';
import { differentPictures } from '../../images.ts';
import { appIn, type IngestApp } from '../../ingest-app.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

/** What ingest does when objects were removed from the buckets behind its back. */

const s3 = mockClient(S3Client);
const sns = mockClient(SNSClient);
const sqs = mockClient(SQSClient);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const variants = variantsSchema.parse([{ name: 'thumbnail' }, { name: 'square', fit: 'cover' }]);
const picture = differentPictures(60, 'jpeg');

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;
let app: IngestApp;
/** The keys of the stored objects of both buckets. */
let stored: Set<string>;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
  Object.assign(process.env, { ...awsVariables(server), POWERTOOLS_METRICS_DISABLED: 'true' });
});
afterAll(() => server.stop());

beforeEach(() => {
  stored = new Set();
  s3.reset();
  s3.on(HeadObjectCommand).callsFake(({ Key }) => {
    if (stored.has(Key)) return { ContentLength: 1000 };
    throw new NotFound({ message: 'not found', $metadata: { httpStatusCode: 404 } });
  });
  s3.on(PutObjectCommand).callsFake(({ Key }) => {
    stored.add(Key);
    return {};
  });
  sqs.reset();
  sqs.on(SendMessageCommand).resolves({});
  sns.reset();
  sns.on(PublishCommand).resolves({});
  jest.clearAllMocks();
  app = appIn(server, { variants }, log);
});

const keyOf = (id: string, name: 'thumbnail' | 'square') => {
  const variant = variants.find((each) => each.name === name);
  if (variant === undefined) throw new Error(`There is no variant ${name}.`);
  return thumbnailKey(id, variant);
};

/** A ready image with everything stored. */
const readyImage = async (bytes: Uint8Array = randomBytes(20)): Promise<string> => {
  const id = imageIdOf(bytes);
  await catalog.receive(id, { contentType: 'image/jpeg', bytes: bytes.byteLength }, new Date());
  const entries = variants.map((variant) => {
    const key = thumbnailKey(id, variant);
    stored.add(key);
    return [variant.name, { key, contentType: 'image/webp', width: 60, height: 40, bytes: 99 }] as const;
  });
  stored.add(originalKey(id));
  await catalog.finish(id, fingerprintOf(variants), {
    original: { contentType: 'image/jpeg', width: 60, height: 40, bytes: bytes.byteLength },
    thumbnails: Object.fromEntries(entries),
    thumbhash: undefined,
    resizeMilliseconds: 1,
    uploadToReadyMilliseconds: 1,
  });
  return id;
};

const visit = (id: string, variant = '') => app.request(`http://api.example/thumbnails/${id}${variant}`);
const post = (body: Uint8Array) =>
  app.request('http://api.example/upload_image', { method: 'POST', body: new Uint8Array(body) });
const announce = (id: string) =>
  app.request('http://api.example/uploads', {
    method: 'POST',
    body: JSON.stringify({ sha256: id, bytes: 1000 }),
  });
const requests = () => sqs.commandCalls(SendMessageCommand).length;
const heads = () => s3.commandCalls(HeadObjectCommand).length;
const puts = () => s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input.Key);
const events = () =>
  sns.commandCalls(PublishCommand).map(({ args }) => JSON.parse(args[0].input.Message ?? ''));

describe('a link to a thumbnail that is no longer stored', () => {
  test('has it made again, and keeps the others', async () => {
    const id = await readyImage();
    stored.delete(keyOf(id, 'thumbnail'));
    expect((await visit(id)).status).toBe(202);
    expect(requests()).toBe(1);
    expect(await catalog.find(id)).toMatchObject({ status: 'received', waitingSince: expect.any(String) });
    expect(Object.keys((await catalog.find(id))?.thumbnails ?? {})).toEqual(['square']);
    expect(log.warn).toHaveBeenCalledWith('thumbnails missing', {
      imageId: id,
      missingKeys: [keyOf(id, 'thumbnail')],
      hasOriginal: true,
    });
  });

  test('has it made once, however many visit at the same time', async () => {
    const id = await readyImage();
    stored.delete(keyOf(id, 'square'));
    const replies = await Promise.all(Array.from({ length: 10 }, () => visit(id, '/square')));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
    expect(requests()).toBe(1);
  });

  test('shows that the image is lost when its original is missing too', async () => {
    const id = await readyImage();
    stored.clear();
    const reply = await visit(id);
    expect(reply.status).toBe(422);
    expect(await reply.json()).toMatchObject({ code: 'original-missing' });
    expect(requests()).toBe(0);
    expect(await catalog.find(id)).toMatchObject({ status: 'failed', thumbnails: {} });
    expect(events()).toEqual([
      expect.objectContaining({ type: 'image.failed', imageId: id, code: 'original-missing' }),
    ]);
    // A second visit finds the same, and publishes nothing.
    expect((await visit(id)).status).toBe(422);
    expect(events()).toHaveLength(1);
  });

  test('changes nothing when another process has settled the image meanwhile', async () => {
    const id = await readyImage();
    const before = await catalog.find(id);
    if (before === undefined) throw new Error('no record');
    await catalog.renew(id);
    expect(await catalog.repair(before, {})).toBe(false);
    expect(await catalog.lose(before, { code: 'original-missing', detail: '' }, new Date())).toBeUndefined();
    expect(Object.keys((await catalog.find(id))?.thumbnails ?? {})).toHaveLength(2);
  });
});

describe('an image whose original has expired, after a change of the variants', () => {
  /** The record has one variant of the present ones, and one that was removed. */
  const outdatedImage = async (bytes: Uint8Array = randomBytes(20)): Promise<string> => {
    const id = imageIdOf(bytes);
    const thumbnail = (name: string) => {
      const key = `thumbnails/${id}/${name}/earlier.webp`;
      stored.add(key);
      return { key, contentType: 'image/webp', width: 30, height: 20, bytes: 9 };
    };
    await catalog.receive(id, { bytes: bytes.byteLength }, new Date());
    await catalog.finish(id, fingerprintOf(variants), {
      original: { bytes: bytes.byteLength },
      thumbnails: { dropped: thumbnail('dropped'), thumbnail: thumbnail('thumbnail') },
      thumbhash: undefined,
      outdated: 'The original is no longer stored.',
      resizeMilliseconds: 1,
      uploadToReadyMilliseconds: 1,
    });
    return id;
  };

  test('shows the thumbnails that it has, and says why', async () => {
    const id = await outdatedImage();
    const reply = await app.request(`http://api.example/images/${id}`);
    expect(await reply.json()).toMatchObject({
      status: 'ready',
      outdated: 'The original is no longer stored.',
      url: expect.stringContaining(`/thumbnails/${id}/thumbnail/earlier.webp?`),
      thumbnails: {
        thumbnail: { width: 30, height: 20, url: expect.stringContaining('/thumbnail/earlier.webp?') },
        dropped: { width: 30, url: expect.stringContaining('/dropped/earlier.webp?') },
      },
    });
    const link = await visit(id);
    expect(link.status).toBe(302);
    expect(link.headers.get('Location')).toContain(`/thumbnails/${id}/thumbnail/earlier.webp?`);
    expect((await visit(id, '/dropped')).status).toBe(302);
    expect(await (await visit(id, '/square')).json()).toMatchObject({
      code: 'unknown-variant',
      detail: expect.stringContaining('thumbnail, dropped'),
    });
  });

  test('takes its bytes again', async () => {
    const bytes = await picture();
    const id = await outdatedImage(bytes);
    const announced = await announce(id);
    expect(announced.status).toBe(201);
    expect(await announced.json()).toMatchObject({ status: 'ready', upload: { method: 'PUT' } });
    expect((await post(bytes)).status).toBe(202);
    expect(puts()).toEqual([originalKey(id)]);
    expect((await catalog.find(id))?.outdated).toBeUndefined();
  });
});

test('a link to a stored thumbnail looks for it once in a while, not at each visit', async () => {
  const id = await readyImage();
  expect((await visit(id)).status).toBe(302);
  expect((await visit(id)).status).toBe(302);
  expect(heads()).toBe(1);
  // WHEN ten minutes have passed
  jest.useFakeTimers({
    now: Date.now() + 11 * 60_000,
    doNotFake: ['nextTick', 'setImmediate', 'setTimeout'],
  });
  try {
    stored.delete(keyOf(id, 'thumbnail'));
    expect((await visit(id)).status).toBe(202);
  } finally {
    jest.useRealTimers();
  }
});

describe('the same bytes again', () => {
  test('have a missing thumbnail made again', async () => {
    const bytes = await picture();
    const id = await readyImage(bytes);
    stored.delete(keyOf(id, 'square'));
    expect((await post(bytes)).status).toBe(202);
    expect(requests()).toBe(1);
    expect(puts()).toEqual([]);
  });

  test('are stored again when nothing is left of the image', async () => {
    const bytes = await picture();
    const id = await readyImage(bytes);
    stored.clear();
    expect((await post(bytes)).status).toBe(202);
    expect(puts()).toEqual([originalKey(id)]);
    expect(await catalog.find(id)).toMatchObject({ status: 'received' });
  });

  test('begin anew when a visitor has found out that nothing is left', async () => {
    const bytes = await picture();
    const id = await readyImage(bytes);
    stored.clear();
    await visit(id);
    expect((await post(bytes)).status).toBe(202);
    expect(puts()).toEqual([originalKey(id)]);
    expect(await catalog.find(id)).toMatchObject({ status: 'received', thumbnails: {} });
    expect((await catalog.find(id))?.error).toBeUndefined();
  });

  test('may be announced, and uploaded to S3, when nothing is left of the image', async () => {
    const id = await readyImage();
    stored.clear();
    const reply = await announce(id);
    expect(reply.status).toBe(201);
    expect(await reply.json()).toMatchObject({ status: 'received', upload: { method: 'PUT' } });
    expect(await catalog.find(id)).toMatchObject({ announced: true, thumbnails: {} });
  });

  test('need no announcement while the original is stored: its thumbnails are made again', async () => {
    const id = await readyImage();
    stored.delete(keyOf(id, 'thumbnail'));
    const reply = await announce(id);
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({ status: 'received' });
    expect(requests()).toBe(1);
  });
});
