import { createHash, randomBytes } from 'node:crypto';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  HeadObjectCommand,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { createIntake } from '../../../containers/intake.ts';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import type { Deletion } from '../../../lambdas/image/deletion.ts';
import { thumbnailKey } from '../../../lambdas/image/keys.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { thumbnailContentTypes, type Variants, variantsSchema } from '../../../lambdas/image/variant.ts';
import { type ImageReply, imageReplySchema } from '../../../lambdas/ingest/image-reply.ts';
import { preferredWaitSeconds } from '../../../lambdas/ingest/negotiation.ts';
import { errorCodes } from '../../../lambdas/ingest/problem.ts';
import { routesOf } from '../../../lambdas/ingest/routes.ts';
import type { IngestHost } from '../../../lambdas/ingest/wiring.ts';
import type { Log } from '../../../lambdas/runtime/log.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { heicFile } from '../../heic-files.ts';
import { corruptJpeg, differentPictures, quarteredPicture, svg } from '../../images.ts';
import { createTestApp, type IngestApp } from '../../ingest-app.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

const s3 = mockClient(S3Client);
const sns = mockClient(SNSClient);
const sqs = mockClient(SQSClient);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() } satisfies Log;

const givenVariants = [{ name: 'thumbnail' }, { name: 'square', fit: 'cover', format: 'jpeg' }];
const variants = variantsSchema.parse(givenVariants);
const fingerprint = fingerprintOf(variants);

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;
let stored: Map<string, Buffer>;
let app: IngestApp;

const appWith = (given: readonly object[], host?: Partial<IngestHost>) =>
  createTestApp(valuesWith(server, { variants: variantsSchema.parse(given) }), log, host);

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
  Object.assign(process.env, {
    ...awsVariables(server),
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
  app = appWith(givenVariants);
});
afterAll(() => server.stop());

beforeEach(() => {
  stored = new Map();
  s3.reset();
  s3.on(PutObjectCommand).callsFake(({ Key, Body }) => {
    if (stored.has(Key)) {
      throw new S3ServiceException({
        name: 'PreconditionFailed',
        $fault: 'client',
        $metadata: { httpStatusCode: 412 },
      });
    }
    stored.set(Key, Body);
    return {};
  });
  s3.on(HeadObjectCommand).callsFake(({ Key }) => {
    const body = stored.get(Key);
    if (body !== undefined) return { ContentLength: Buffer.from(body).byteLength };
    throw new NotFound({ message: 'not found', $metadata: { httpStatusCode: 404 } });
  });
  sqs.reset();
  sqs.on(SendMessageCommand).resolves({});
  sns.reset();
  sns.on(PublishCommand).resolves({});
  jest.clearAllMocks();
});

/** The part of the description about a reply; undefined when there is none. */
const documented = async (method: string, path: string, response: Response) => {
  const { paths } = JSON.parse(await (await app.request('/openapi.json')).text());
  const route = Object.keys(paths).find((template) =>
    new RegExp(`^(?:/dev)?${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  const answer = route && paths[route][method.toLowerCase()]?.responses[response.status];
  return answer?.content?.[(response.headers.get('Content-Type') ?? '').split(';')[0] ?? ''] ?? answer;
};

/** Sends a request. The description of the API must contain every reply of a route. */
const send = async (method: string, path: string, init: RequestInit = {}): Promise<Response> => {
  const response = await app.request(`http://api.example${path}`, { method, ...init });
  expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
  const isRoute =
    response.status !== 405 &&
    !(response.status === 404 && !/^\/(?:dev\/)?(?:images|thumbnails)\//.test(path));
  if (isRoute) {
    const answer = await documented(method, path, response);
    expect({ method, path, status: response.status, documented: answer !== undefined }).toEqual({
      method,
      path,
      status: response.status,
      documented: true,
    });
    if (response.headers.get('Content-Type') === 'application/problem+json') {
      const { code } = JSON.parse(await response.clone().text());
      expect(answer.schema.allOf[1].properties.code.enum).toContain(code);
    }
  }
  return response;
};

const post = (
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
  path = '/upload_image',
) => send('POST', path, { body, headers: { 'Content-Type': 'image/jpg', ...headers }, duplex: 'half' });

const replyOf = async (response: Response): Promise<ImageReply> =>
  imageReplySchema.parse(JSON.parse(await response.text()));

const picture = differentPictures(60, 'jpeg');
const idOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const puts = () => s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);
const requests = () => sqs.commandCalls(SendMessageCommand).map(({ args }) => args[0].input);

/** Records an image as resize does. */
const finish = (id: string, of: Variants = variants) =>
  catalog.finish(id, fingerprintOf(of), {
    original: { contentType: 'image/jpeg', width: 60, height: 40, bytes: 999 },
    thumbnails: Object.fromEntries(
      of.map((variant) => [
        variant.name,
        {
          key: thumbnailKey(id, variant),
          contentType: thumbnailContentTypes[variant.format],
          width: 60,
          height: 40,
          bytes: 99,
        },
      ]),
    ),
    thumbhash: '3OcRJYB4d3h/iIeHeEh3eIhw+j2w',
    resizeMilliseconds: 5,
    uploadToReadyMilliseconds: 50,
  });
const fail = (id: string) =>
  catalog.fail(
    id,
    fingerprint,
    { bytes: 9 },
    { code: 'image-corrupt', detail: 'The file is damaged <in all parts>.' },
  );

const expectProblem = async (
  response: Response,
  status: number,
  code: string,
  detail: RegExp,
  field?: string,
) => {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  expect(JSON.parse(await response.text())).toEqual({
    title: expect.any(String),
    status,
    code,
    detail: expect.stringMatching(detail),
    ...(field === undefined ? {} : { field }),
  });
  expect(response.status).toBe(status);
};

describe('an upload', () => {
  test('is stored unchanged under its hash, with the type that its bytes have', async () => {
    const bytes = await quarteredPicture(61, 40).png().toBuffer();
    expect((await post(bytes)).status).toBe(202);
    expect(puts()).toEqual([
      expect.objectContaining({ Bucket: 'raw-bucket', Key: `raw/${idOf(bytes)}`, ContentType: 'image/png' }),
    ]);
    expect(bytes.equals(stored.get(`raw/${idOf(bytes)}`) ?? Buffer.alloc(0))).toBe(true);
  });

  test('gets a reply with the record of the image', async () => {
    const bytes = await picture();
    const id = idOf(bytes);
    const reply = await replyOf(await post(bytes));
    const signed = (path: string) =>
      expect.stringMatching(
        new RegExp(
          `^https://thumbnail-bucket\\.s3\\.us-east-2\\.amazonaws\\.com/thumbnails/${id}/${path}\\?.*X-Amz-Signature=`,
        ),
      );
    expect(reply).toEqual({
      id,
      status: 'received',
      url: signed('thumbnail/v2-320x320-inside-q80.webp'),
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
      link: `http://api.example/dev/thumbnails/${id}`,
      thumbnails: {
        thumbnail: { url: signed('thumbnail/v2-320x320-inside-q80.webp'), contentType: 'image/webp' },
        square: { url: signed('square/v2-320x320-cover-centre-ffffff-q80.jpeg'), contentType: 'image/jpeg' },
      },
      original: { contentType: 'image/jpeg', bytes: bytes.length },
    });
    const seconds = (Date.parse(reply.expiresAt ?? '') - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(590);
    expect(seconds).toBeLessThanOrEqual(600);
  });

  test('gets only the URL with Accept: text/plain', async () => {
    const response = await post(await picture(), { Accept: 'text/plain' });
    expect(response.headers.get('Content-Type')).toMatch(/^text\/plain/);
    expect(await response.text()).toMatch(/^https:\/\/thumbnail-bucket\S+\n$/);
  });

  test.each(['*/*', 'application/json, text/plain;q=0.5', 'image/*'])(
    'gets JSON with Accept: %s',
    async (accept) => {
      const response = await post(await picture(), { Accept: accept });
      expect(response.headers.get('Content-Type')).toBe('application/json');
    },
  );

  test.each(['/upload_image', '/dev/upload_image'])('may be posted to %s', async (path) => {
    expect((await post(await picture(), {}, path)).status).toBe(202);
  });

  test('leaves one line in the log, without a URL', async () => {
    await post(await picture());
    expect(log.info).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(log.info.mock.calls)).not.toContain('http');
  });

  test('is accepted when only a decoder can find it damaged', async () => {
    expect((await post(corruptJpeg())).status).toBe(202);
  });
});

describe('the same bytes again', () => {
  test('get the reply of the finished image, without another write or event', async () => {
    const bytes = await picture();
    await post(bytes);
    await finish(idOf(bytes));
    const response = await post(bytes);
    expect(response.status).toBe(200);
    expect(await replyOf(response)).toMatchObject({
      status: 'ready',
      thumbnails: { thumbnail: { contentType: 'image/webp', width: 60, height: 40, bytes: 99 } },
      original: { contentType: 'image/jpeg', width: 60, height: 40, bytes: 999 },
      thumbhash: '3OcRJYB4d3h/iIeHeEh3eIhw+j2w',
    });
    expect(puts()).toHaveLength(1);
    expect(requests()).toHaveLength(0);
  });

  test('are not stored again while their thumbnails are pending', async () => {
    const bytes = await picture();
    await post(bytes);
    expect((await post(bytes)).status).toBe(202);
    expect(puts()).toHaveLength(1);
  });

  test('are stored once when they come fifty times at the same time, with equal replies', async () => {
    const bytes = await picture();
    const responses = await Promise.all(Array.from({ length: 50 }, () => post(bytes)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([202]));
    const replies = await Promise.all(responses.map(replyOf));
    const withoutSignature = replies.map(({ url: signed, expiresAt: _, thumbnails: __, ...rest }) => ({
      ...rest,
      path: new URL(signed ?? '').pathname,
    }));
    expect(new Set(withoutSignature.map((reply) => JSON.stringify(reply))).size).toBe(1);
    expect(puts()).toHaveLength(1);
  });

  test('are stored by the next upload when the first one died before storing them', async () => {
    const bytes = await picture();
    await catalog.receive(idOf(bytes), { bytes: bytes.length }, new Date());
    expect((await post(bytes)).status).toBe(202);
    expect(stored.has(`raw/${idOf(bytes)}`)).toBe(true);
  });

  test('that have lost their record are resized, although S3 does not accept them again', async () => {
    const bytes = await picture();
    stored.set(`raw/${idOf(bytes)}`, bytes);
    expect((await post(bytes)).status).toBe(202);
    expect(requests()).toHaveLength(1);
    expect((await post(bytes)).status).toBe(202);
    expect(requests()).toHaveLength(1);
  });

  test('are refused with the recorded reason when the image is broken', async () => {
    const bytes = await picture();
    await post(bytes);
    await fail(idOf(bytes));
    await expectProblem(await post(bytes), 422, 'image-corrupt', /is damaged <in all parts>/);
    expect(puts()).toHaveLength(1);
  });

  test('are resized again when the image was given up', async () => {
    const bytes = await picture();
    const id = idOf(bytes);
    await post(bytes);
    await catalog.fail(
      id,
      fingerprint,
      { bytes: 9 },
      { code: 'processing-failed', detail: 'asked for too often' },
    );
    expect((await send('GET', `/thumbnails/${id}`)).status).toBe(422);
    expect(requests()).toHaveLength(0);
    expect((await post(bytes)).status).toBe(202);
    expect(requests()).toHaveLength(1);
    expect(puts()).toHaveLength(1);
  });

  test('request the new variants once after a change of the settings', async () => {
    const bytes = await picture();
    const id = idOf(bytes);
    await post(bytes);
    await finish(id, variantsSchema.parse([{ name: 'thumbnail', width: 100 }]));
    const responses = await Promise.all([post(bytes), post(bytes), send('GET', `/thumbnails/${id}`)]);
    expect(responses.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(puts()).toHaveLength(1);
    expect(
      requests().map(({ MessageBody }) => JSON.parse(MessageBody ?? '').Records[0].s3.object.key),
    ).toEqual([`raw/${id}`]);
  });
});

describe('an upload that prefers to wait', () => {
  test('gets its reply as soon as the thumbnails are ready', async () => {
    const bytes = await picture();
    setTimeout(() => void finish(idOf(bytes)), 300);
    const response = await post(bytes, { Prefer: 'wait=20' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Preference-Applied')).toBe('wait=20');
    expect((await replyOf(response)).status).toBe('ready');
  });

  test('gets its reply in time when they are not ready', async () => {
    const startedAt = Date.now();
    const response = await post(await picture(), { Prefer: 'wait=1' });
    expect(response.status).toBe(202);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1000);
  });

  test('gets the error of an image that turns out to be broken', async () => {
    const bytes = await picture();
    setTimeout(() => void fail(idOf(bytes)), 200);
    await expectProblem(
      await post(bytes, { Prefer: 'wait=20' }),
      422,
      'image-corrupt',
      /is damaged <in all parts>/,
    );
  });

  test.each([
    ['wait=5', 5],
    ['respond-async, wait=5', 5],
    ['Wait = "7"; foo', 7],
    ['wait=100', 20],
    ['wait=0', 0],
    ['wait=-1', undefined],
    ['wait=soon', undefined],
    ['wait=1.5', undefined],
    ['await=3', undefined],
    [undefined, undefined],
  ])('reads the wait of %s', (prefer, seconds) => {
    expect(preferredWaitSeconds(prefer)).toBe(seconds);
  });
});

describe('an upload is refused', () => {
  afterEach(() => expect(puts()).toHaveLength(0));

  test.each(['/upload_image', '/uploads'])('at %s when its body stalls', async (path) => {
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{"sha')) });
    await expectProblem(await post(body, {}, path), 408, 'upload-too-slow', /4096 bytes per second/);
  });

  test('without a body', async () => {
    await expectProblem(await post(''), 400, 'empty-body', /no body/);
    await expectProblem(await send('POST', '/upload_image'), 400, 'empty-body', /no body/);
  });

  test.each([
    ['an SVG with the type of a JPEG', svg(), /is SVG.*JPEG, PNG, WebP, GIF, AVIF, TIFF/],
    ['a PDF', Buffer.from('%PDF-1.4'), /is PDF/],
    ['an HTML page', Buffer.from('<!DOCTYPE html><html>'), /is HTML/],
    ['text', Buffer.from('hello'), /is text/],
    ['random bytes', Buffer.concat([Buffer.from([0]), randomBytes(100)]), /unknown data/],
  ])('when it is %s', async (_, body, detail) => {
    await expectProblem(await post(body), 415, 'unsupported-type', detail);
  });

  test('when it is HEIC and HEIC is switched off, and says how to enable it', async () => {
    const without = createTestApp(valuesWith(server, { heic: false }), log);
    const body = new Uint8Array(heicFile('tiles'));
    const response = await without.request('/upload_image', { method: 'POST', body });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      code: 'unsupported-type',
      detail: expect.stringMatching(/is HEIC.*"heic": true in cdk\.json.* Accepted are .*TIFF\.$/),
    });
  });

  test('when it is larger than the limit, with a hint at large uploads', async () => {
    await expectProblem(
      await post(Buffer.alloc(100_001)),
      413,
      'body-too-large',
      /takes 0.1 MB. POST \/dev\/uploads takes images of up to 5 MB/,
    );
  });

  test('when it exceeds the limit without a declared length', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    await expectProblem(await post(endless), 413, 'body-too-large', /takes 0.1 MB/);
    expect(sent).toBeLessThan(20);
  });

  test('when its body breaks off', async () => {
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new Error('aborted'));
      },
    });
    await expectProblem(await post(broken), 400, 'invalid-request', /incomplete/);
  });

  test('while there is no memory for its bytes, and no longer', async () => {
    // GIVEN memory for ten bytes, eight of which an unfinished upload holds
    app = appWith(givenVariants, createIntake({ maxBytesInHand: 10 }));
    const slow = new TransformStream<Uint8Array, Uint8Array>();
    const first = post(slow.readable);
    const writer = slow.writable.getWriter();
    await writer.write(Buffer.alloc(8));
    let isRead = false;
    const declared = new ReadableStream(
      {
        pull(controller) {
          isRead = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    // WHEN others send three more, with and without a declared length
    const refused = await post(declared, { 'Content-Length': '3' });
    // THEN
    expect(refused.headers.get('Retry-After')).toBe('1');
    await expectProblem(refused, 503, 'overloaded', /at capacity/);
    expect(isRead).toBe(false);
    await expectProblem(await post(new Blob(['abc']).stream()), 503, 'overloaded', /at capacity/);
    // WHEN one sends less, or the first one breaks off
    expect((await post(Buffer.alloc(2))).status).toBe(415);
    await writer.abort();
    expect((await first).status).toBe(400);
    // THEN there is memory again
    expect((await post(Buffer.alloc(10))).status).toBe(415);
    app = appWith(givenVariants);
  });

  test('at another path or with another method', async () => {
    await expectProblem(await send('POST', '/upload'), 404, 'not-found', /openapi\.json/);
    await expectProblem(await send('POST', '/development/upload_image'), 404, 'not-found', /./);
    const response = await send('GET', '/upload_image');
    expect(response.headers.get('Allow')).toBe('POST');
    await expectProblem(response, 405, 'method-not-allowed', /GET/);
  });
});

describe('an announced upload', () => {
  const announce = (body: unknown) =>
    send('POST', '/uploads', { body: typeof body === 'string' ? body : JSON.stringify(body) });
  const sha256 = () => idOf(randomBytes(8));

  test('gets a presigned PUT that is bound to its bytes', async () => {
    const id = sha256();
    const response = await announce({ sha256: id, bytes: 4_000_000 });
    expect(response.status).toBe(201);
    const { upload, ...reply } = JSON.parse(await response.text());
    expect(imageReplySchema.parse(reply)).toMatchObject({
      id,
      status: 'received',
      original: {},
    });
    expect(upload).toEqual({
      method: 'PUT',
      url: expect.stringMatching(/^https:\/\/raw-bucket\.s3\.us-east-2\.amazonaws\.com\/raw\//),
      headers: {
        'x-amz-checksum-sha256': Buffer.from(id, 'hex').toString('base64'),
        'if-none-match': '*',
        'x-amz-meta-upload-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
      expiresAt: expect.stringMatching(/Z$/),
    });
    expect(new URL(upload.url).searchParams.get('X-Amz-SignedHeaders')).toBe(
      'content-length;host;if-none-match;x-amz-checksum-sha256;x-amz-meta-upload-id',
    );
    expect(await catalog.find(id)).toMatchObject({
      status: 'received',
      announced: true,
      waitingSince: upload.expiresAt,
    });
  });

  test('may be announced again until it is stored', async () => {
    const body = { sha256: sha256(), bytes: 1000 };
    await announce(body);
    expect((await announce(body)).status).toBe(201);
    stored.set(`raw/${body.sha256}`, Buffer.alloc(0));
    const response = await announce(body);
    expect(response.status).toBe(200);
    expect(JSON.parse(await response.text())).not.toHaveProperty('upload');
  });

  test('that is abandoned expires two days after its URL', async () => {
    const id = sha256();
    const { upload } = JSON.parse(await (await announce({ sha256: id, bytes: 1000 })).text());
    const { Item } = await server.client.send(
      new GetItemCommand({ TableName: server.tableName, Key: { id: { S: id } } }),
    );
    const expires = Number(Item?.['expiresAtSeconds']?.N) - Date.parse(upload.expiresAt) / 1000;
    expect(Math.round(expires)).toBe(2 * 86_400);
  });

  test('with false facts neither delays the image nor changes its record', async () => {
    const bytes = await picture();
    const id = idOf(bytes);
    expect((await announce({ sha256: id, bytes: 1 })).status).toBe(201);
    expect((await replyOf(await send('GET', `/images/${id}`))).original).toEqual({});
    s3.resetHistory();
    const { original } = await replyOf(await post(bytes));
    expect(original).toEqual({ contentType: 'image/jpeg', bytes: bytes.length });
    expect(await catalog.find(id)).toMatchObject({ announced: false, original });
    // It does not wait for another upload of the same bytes.
    expect(s3.commandCalls(HeadObjectCommand)).toHaveLength(0);
    expect(puts()).toHaveLength(1);
    // WHEN it is announced again THEN the record stays
    await announce({ sha256: id, bytes: 2 });
    expect(await catalog.find(id)).toMatchObject({ announced: false, original });
  });

  test('of bytes that have lost their record gets them resized, although S3 does not accept them again', async () => {
    const id = sha256();
    stored.set(`raw/${id}`, Buffer.from('whatever they are'));
    const response = await announce({ sha256: id, bytes: 1 });
    expect(response.status).toBe(200);
    expect(await replyOf(response)).toMatchObject({ status: 'received', original: { bytes: 17 } });
    expect(requests()).toHaveLength(1);
    expect((await announce({ sha256: id, bytes: 1 })).status).toBe(200);
    expect(requests()).toHaveLength(1);
  });

  test('needs no upload when the image is ready', async () => {
    const id = sha256();
    await finish(id);
    const response = await announce({ sha256: id, bytes: 1000 });
    expect(response.status).toBe(200);
    expect(await replyOf(response)).toMatchObject({ id, status: 'ready' });
  });

  test('is resized again when it was given up', async () => {
    const id = sha256();
    await catalog.fail(
      id,
      fingerprint,
      { bytes: 9 },
      { code: 'processing-failed', detail: 'asked for too often' },
    );
    stored.set(`raw/${id}`, Buffer.alloc(0));
    const response = await announce({ sha256: id, bytes: 1000 });
    expect(response.status).toBe(200);
    expect(await replyOf(response)).toMatchObject({ id, status: 'received' });
    expect(requests()).toHaveLength(1);
  });

  test.each([
    ['a malformed hash', { sha256: 'abc', bytes: 1 }, 'sha256', /64 lower-case hex/],
    ['an upper-case hash', { sha256: 'A'.repeat(64), bytes: 1 }, 'sha256', /64 lower-case hex/],
    ['no hash', { bytes: 1 }, 'sha256', /64 lower-case hex/],
    ['no length', { sha256: 'a'.repeat(64) }, 'bytes', /whole number/],
    ['an empty image', { sha256: 'a'.repeat(64), bytes: 0 }, 'bytes', /at least 1/],
    ['half a byte', { sha256: 'a'.repeat(64), bytes: 1.5 }, 'bytes', /whole number/],
    ['a length as text', { sha256: 'a'.repeat(64), bytes: '7' }, 'bytes', /whole number/],
    ['something unknown', { sha256: 'a'.repeat(64), bytes: 1, type: 'x' }, undefined, /type/],
    ['no JSON', 'sha256=abc', undefined, /not JSON/],
    ['a list', [], undefined, /object/],
  ])('is refused with %s', async (_, body, field, detail) => {
    await expectProblem(await announce(body), 400, 'invalid-request', detail, field);
  });

  test('is refused when it is too large', async () => {
    const response = await announce({ sha256: sha256(), bytes: 5_000_001 });
    await expectProblem(response, 413, 'body-too-large', /At most 5 MB/, 'bytes');
  });
});

describe('the record of an image', () => {
  test('contains its state', async () => {
    const bytes = await picture();
    const id = idOf(bytes);
    await post(bytes);
    expect(await replyOf(await send('GET', `/images/${id}`))).toMatchObject({ id, status: 'received' });
    await finish(id);
    const response = await send('GET', `/dev/images/${id}`);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await replyOf(response)).toMatchObject({ id, status: 'ready' });
  });

  test('contains the reason of a failure, and no thumbnail URL', async () => {
    const id = idOf(randomBytes(8));
    await fail(id);
    const response = await send('GET', `/images/${id}`);
    expect(response.status).toBe(200);
    expect(await replyOf(response)).toEqual({
      id,
      status: 'failed',
      link: `http://api.example/dev/thumbnails/${id}`,
      thumbnails: {},
      original: { bytes: 9 },
      error: { code: 'image-corrupt', detail: 'The file is damaged <in all parts>.' },
    });
  });

  test('is refused for an unknown or malformed id', async () => {
    await expectProblem(await send('GET', `/images/${'a'.repeat(64)}`), 404, 'not-found', /no image/);
    for (const id of ['abc', 'A'.repeat(64), `${'a'.repeat(64)}0`, '%00', '..%2f..']) {
      await expectProblem(await send('GET', `/images/${id}`), 400, 'invalid-request', /64 lower-case/, 'id');
    }
  });
});

describe('a permanent link', () => {
  const readyId = async () => {
    const id = idOf(randomBytes(8));
    await finish(id);
    return id;
  };
  const browser = { headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

  test('redirects to a fresh URL of the first variant, and is cached for less time than that works', async () => {
    const id = await readyId();
    const response = await send('GET', `/thumbnails/${id}`);
    expect(response.status).toBe(302);
    const location = new URL(response.headers.get('Location') ?? '');
    expect(location.pathname).toBe(`/thumbnails/${id}/thumbnail/v2-320x320-inside-q80.webp`);
    expect(location.searchParams.get('X-Amz-Expires')).toBe('600');
    const [, seconds] = /^private, max-age=(\d+)$/.exec(response.headers.get('Cache-Control') ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(500);
    expect(Number(seconds)).toBeLessThan(600);
  });

  test('redirects to the variant in its path', async () => {
    const id = await readyId();
    const response = await send('GET', `/thumbnails/${id}/square`);
    expect(response.headers.get('Location')).toContain('/square/v2-320x320-cover');
  });

  test('answers HEAD requests', async () => {
    const response = await app.request(`http://api.example/thumbnails/${await readyId()}`, {
      method: 'HEAD',
    });
    expect(response.status).toBe(302);
  });

  test('asks for a retry while the thumbnail is pending', async () => {
    const bytes = await picture();
    await post(bytes);
    const response = await send('GET', `/thumbnails/${idOf(bytes)}`);
    expect(response.status).toBe(202);
    expect(response.headers.get('Retry-After')).toBe('1');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await replyOf(response)).toMatchObject({ status: 'received' });
  });

  test('shows a browser a page that reloads itself meanwhile', async () => {
    const bytes = await picture();
    await post(bytes);
    const response = await send('GET', `/thumbnails/${idOf(bytes)}`, browser);
    expect(response.status).toBe(202);
    expect(response.headers.get('Content-Type')).toMatch(/^text\/html/);
    expect(await response.text()).toContain('<meta http-equiv="refresh" content="1">');
  });

  test('shows pages that run no script, load nothing, send nothing and cannot be framed', async () => {
    const pending = await picture();
    await post(pending);
    const failed = idOf(randomBytes(8));
    await fail(failed);
    for (const id of [idOf(pending), failed]) {
      const { headers, ...response } = await send('GET', `/thumbnails/${id}`, browser).then(
        async (answer) => ({
          headers: answer.headers,
          html: await answer.text(),
        }),
      );
      const styles = [...response.html.matchAll(/<style>([^<]*)<\/style>/g)].map(([, style = '']) =>
        createHash('sha256').update(style).digest('base64'),
      );
      expect(styles).toHaveLength(1);
      expect(headers.get('Content-Security-Policy')).toBe(
        `default-src 'none'; style-src 'sha256-${styles[0]}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      );
      expect(headers.get('Referrer-Policy')).toBe('no-referrer');
      expect(headers.get('X-Frame-Options')).toBe('DENY');
      expect(response.html).not.toMatch(/<script|style=|<img|<link|<form/);
    }
  });

  test('shows the reason of a failure to programs and to people', async () => {
    const id = idOf(randomBytes(8));
    await fail(id);
    await expectProblem(
      await send('GET', `/thumbnails/${id}`),
      422,
      'image-corrupt',
      /is damaged <in all parts>/,
    );
    const response = await send('GET', `/thumbnails/${id}`, browser);
    expect(response.status).toBe(422);
    const html = await response.text();
    expect(html).toContain('is damaged &lt;in all parts&gt;');
    expect(html).not.toContain('http-equiv');
  });

  test('returns 422 also when only a decoder found that the upload is no image', async () => {
    const id = idOf(randomBytes(8));
    await catalog.fail(
      id,
      fingerprint,
      { bytes: 9 },
      { code: 'unsupported-type', detail: 'The image is PDF.' },
    );
    await expectProblem(await send('GET', `/thumbnails/${id}`), 422, 'unsupported-type', /PDF/);
  });

  test('is refused for an unknown or malformed id, and for an unknown variant', async () => {
    await expectProblem(await send('GET', `/thumbnails/${'b'.repeat(64)}`), 404, 'not-found', /no image/);
    await expectProblem(await send('GET', '/thumbnails/x'), 400, 'invalid-request', /64/, 'id');
    const response = await send('GET', `/thumbnails/${await readyId()}/huge`);
    await expectProblem(response, 404, 'unknown-variant', /thumbnail, square\./, 'variant');
  });

  test('serves only the new size after a change of the settings', async () => {
    const id = await readyId();
    const changedVariants = [{ name: 'thumbnail', width: 100 }];
    const changed = appWith(changedVariants);
    stored.set(`raw/${id}`, Buffer.alloc(0));
    expect((await changed.request(`/thumbnails/${id}`)).status).toBe(202);
    expect(requests()).toHaveLength(1);
    await finish(id, variantsSchema.parse(changedVariants));
    expect((await changed.request(`/thumbnails/${id}`)).headers.get('Location')).toContain(
      '/v2-100x320-inside',
    );
  });
});

describe('the description', () => {
  test('has every route and every code that a caller may get', async () => {
    const { openapi, paths, components, servers } = JSON.parse(
      await (await send('GET', '/openapi.json')).text(),
    );
    expect(openapi).toBe('3.1.0');
    expect(servers).toEqual([{ url: 'http://api.example/dev' }]);
    const described = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(
      routesOf({ auth: 'none', uploadPage: null })
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    );
    const codes = [...JSON.stringify(paths).matchAll(/"enum":(\[[^\]]+\])/g)].flatMap(([, list = '[]']) =>
      JSON.parse(list),
    );
    // Only logged; without a route; with authentication; with mail.
    const notHere = [
      'original-missing',
      'method-not-allowed',
      'unauthorized',
      'owner-unknown',
      'invalid-cursor',
      'issuer-unavailable',
      'invalid-address',
      'recipient-not-allowed',
      'mail-needs-bytes',
      'too-many-recipients',
    ];
    expect([...new Set(codes)].sort()).toEqual(errorCodes.filter((code) => !notHere.includes(code)).sort());
    expect(Object.keys(components.schemas).sort()).toEqual([
      'Image',
      'ImageEvent',
      'Problem',
      'Upload',
      'UploadRequest',
    ]);
  });

  test('contains the largest image that may be announced', async () => {
    const { components } = JSON.parse(await (await send('GET', '/openapi.json')).text());
    expect(components.schemas.UploadRequest.properties.bytes).toMatchObject({
      minimum: 1,
      maximum: 5_000_000,
    });
  });

  test('has examples that its own schemas accept', async () => {
    const { paths } = JSON.parse(await (await send('GET', '/openapi.json')).text());
    const ready = paths['/images/{id}'].get.responses['200'].content['application/json'].example;
    const received = paths['/upload_image'].post.responses['202'].content['application/json'].example;
    expect(imageReplySchema.parse(ready)).toEqual(ready);
    expect(imageReplySchema.parse(received)).toEqual(received);
  });
});

test('hides the details of a failure of S3 from callers, and logs them', async () => {
  const denied = new S3ServiceException({
    name: 'AccessDenied',
    $fault: 'client',
    $metadata: {},
    message: 'role arn:aws:x',
  });
  s3.on(PutObjectCommand).rejects(denied);
  const response = await post(await picture());
  await expectProblem(response, 500, 'internal-error', /Retry/);
  expect(log.error).toHaveBeenCalledWith('request failed', { error: denied });
});

describe('an image that is deleted', () => {
  const deleting = async (bytes: Buffer) => {
    const record = await catalog.receive(idOf(bytes), { bytes: bytes.length }, new Date());
    const deletion = record && (await catalog.startDeletion(record));
    if (deletion === undefined) throw new Error('not started');
    return deletion;
  };
  const finish = async (deletion: Deletion) => {
    const soon = new Date(Date.now() + 60_000);
    await catalog.takeLease(deletion, 'worker', soon);
    await catalog.finishDeletion(deletion, 'worker', soon);
  };
  const announce = (bytes: Buffer) =>
    send('POST', '/uploads', { body: JSON.stringify({ sha256: idOf(bytes), bytes: bytes.length }) });

  test('is a new one for an upload that waits for the deletion', async () => {
    const bytes = await picture();
    const deletion = await deleting(bytes);
    const reply = post(bytes);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(puts()).toEqual([]);
    await finish(deletion);
    expect((await reply).status).toBe(202);
    expect(puts()).toHaveLength(1);
    const record = await catalog.find(idOf(bytes));
    expect(record?.createdAt).not.toBe(deletion.createdAt);
  });

  test('is signed for an announcement that waits for the deletion', async () => {
    const bytes = await picture();
    const deletion = await deleting(bytes);
    const reply = announce(bytes);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await finish(deletion);
    expect((await reply).status).toBe(201);
    expect(await catalog.find(idOf(bytes))).toMatchObject({ announced: true });
  });

  test('tells so with its link, and is unknown otherwise, until it is uploaded again', async () => {
    const bytes = await picture();
    const id = idOf(bytes);
    await finish(await deleting(bytes));
    const link = await send('GET', `/thumbnails/${id}`);
    expect(link.status).toBe(410);
    expect(link.headers.get('Cache-Control')).toBe('no-store');
    expect((await send('GET', `/images/${id}`)).status).toBe(404);
    const shown = await send('GET', `/thumbnails/${id}`, { headers: { Accept: 'image/*' } });
    expect(shown.headers.get('Content-Type')).toBe('image/svg+xml');
    await post(bytes);
    expect((await send('GET', `/thumbnails/${id}`)).status).toBe(202);
  });

  test('tells nothing where links are for owners', async () => {
    const bytes = await picture();
    await finish(await deleting(bytes));
    const jwt = { issuer: 'https://idp.example', audience: ['thumbnails'], ownerClaim: 'sub' };
    const guarded = createTestApp(
      valuesWith(server, { variants: variantsSchema.parse(givenVariants), auth: { jwt }, links: 'same' }),
      log,
      { authenticate: async () => ({ kind: 'known', owner: 'somebody' }) },
    );
    const deleted = await guarded.request(`http://api.example/thumbnails/${idOf(bytes)}`);
    const unknown = await guarded.request(`http://api.example/thumbnails/${'e'.repeat(64)}`);
    expect([deleted.status, await deleted.text()]).toEqual([unknown.status, await unknown.text()]);
    expect(deleted.status).toBe(404);
  });
});
