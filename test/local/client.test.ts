import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { imageIdOf } from '../../lambdas/image/id.ts';
import type { Progress } from '../../lambdas/ingest/web/client.d.ts';
import { UploadError, upload } from '../../lambdas/ingest/web/client.js';
import { corruptJpeg, quarteredPicture } from '../images.ts';
import { type Fault, type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts';
import { freePort, type LocalRun, startLocal } from './local-run.ts';
import { cleanUp, temporaryFolder } from './processes.ts';

jest.setTimeout(60_000);

let local: LocalRun;
let api: string;
const proxies: FaultyProxy[] = [];

beforeAll(async () => {
  local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  api = `http://127.0.0.1:${local.port}/dev`;
});

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
});

afterAll(cleanUp);

/** The API behind a proxy. `Host` names the API, so that it answers. */
const behindProxy = async (faultOf: (request: string, count: number) => Fault | undefined) => {
  const proxy = await startFaultyProxy(local.port, (request, count) => {
    request.headers.host = `127.0.0.1:${local.port}`;
    return faultOf(`${request.method} ${request.url}`, count);
  });
  proxies.push(proxy);
  return { proxy, api: `http://127.0.0.1:${proxy.port}/dev` };
};

let pictures = 0;
/** A different picture each time. */
const picture = (): Promise<Buffer> => {
  pictures += 1;
  return quarteredPicture(100 + pictures, 90)
    .jpeg()
    .toBuffer();
};

const failureOf = async (uploading: Promise<unknown>): Promise<UploadError> => {
  const error: unknown = await uploading.catch((reason) => reason);
  if (error instanceof UploadError) return error;
  throw new Error('Expected an UploadError', { cause: error });
};

const tooBusy: Fault = {
  status: 503,
  headers: { 'Retry-After': '1', 'Content-Type': 'application/problem+json' },
  body: JSON.stringify({ code: 'overloaded', detail: 'The server is at capacity.' }),
};

test('is small, and a module without imports', () => {
  const text = readFileSync('lambdas/ingest/web/client.js');
  expect(gzipSync(text).byteLength).toBeLessThan(5000);
  expect(text.includes('import ')).toBe(false);
});

test('posts a small image and returns its record once it is ready', async () => {
  const bytes = await picture();
  const seen: Progress[] = [];
  const record = await upload(new Blob([bytes]), { api: `${api}/`, onProgress: (at) => seen.push(at) });
  expect(record).toMatchObject({ id: imageIdOf(bytes), status: 'ready', original: { height: 90 } });
  expect((await fetch(record.url ?? '')).status).toBe(200);
  expect(seen.map(({ phase }) => phase)).toEqual(
    expect.arrayContaining(['reading', 'uploading', 'processing']),
  );
  expect(seen.at(-1)).toEqual({ phase: 'processing', loaded: bytes.byteLength, total: bytes.byteLength });
});

test('sends a large image straight to S3', async () => {
  const { proxy, api: proxied } = await behindProxy(() => undefined);
  const side = 1500;
  const bytes = await sharp(randomBytes(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .tiff({ compression: 'none' })
    .toBuffer();
  const record = await upload(bytes, { api: proxied });
  expect(record).toMatchObject({ status: 'ready', original: { bytes: bytes.byteLength, width: side } });
  expect(proxy.requests[0]).toBe('POST /dev/uploads');
  expect(proxy.requests.some((request) => request.includes('upload_image'))).toBe(false);
});

test('goes to S3 when the API takes only smaller bodies', async () => {
  const tooLarge = {
    status: 413,
    headers: { 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({ code: 'body-too-large', detail: 'Use /uploads.' }),
  };
  const { api: proxied } = await behindProxy((request) =>
    request.includes('upload_image') ? tooLarge : undefined,
  );
  expect(await upload(await picture(), { api: proxied })).toMatchObject({ status: 'ready' });
});

test.each([
  ['a byte that changed on the way', 'flip-a-byte'],
  ['a lost connection', 'disconnect'],
  ['a busy server', tooBusy],
] as const)('tries again after %s', async (_, fault) => {
  const bytes = await picture();
  const { proxy, api: proxied } = await behindProxy((__, count) => (count === 1 ? fault : undefined));
  const record = await upload(bytes, { api: proxied });
  expect(record).toMatchObject({ id: imageIdOf(bytes), status: 'ready' });
  expect(proxy.requests.length).toBeGreaterThan(1);
});

test('gives up after some attempts, with the code of the last one', async () => {
  const { proxy, api: proxied } = await behindProxy(() => ({ ...tooBusy, headers: {} }));
  const error = await failureOf(upload(await picture(), { api: proxied }));
  expect(error).toMatchObject({ code: 'overloaded', status: 503, message: 'The server is at capacity.' });
  expect(proxy.requests).toHaveLength(5);
});

test('does not wait for hours', async () => {
  const { proxy, api: proxied } = await behindProxy(() => ({
    status: 429,
    headers: { 'Retry-After': '30000' },
    body: JSON.stringify({ code: 'daily-budget-exhausted', detail: 'Tomorrow.' }),
  }));
  const error = await failureOf(upload(await picture(), { api: proxied }));
  expect(error).toMatchObject({ code: 'daily-budget-exhausted', retryAfterSeconds: 30_000 });
  expect(proxy.requests).toHaveLength(1);
});

test('asks for a fresh token once when one has ended', async () => {
  const ended = { status: 401, body: JSON.stringify({ code: 'unauthorized', detail: 'It has ended.' }) };
  const { proxy, api: proxied } = await behindProxy((_, count) => (count === 1 ? ended : undefined));
  const tokens = ['old', 'new'];
  await upload(await picture(), { api: proxied, token: async () => tokens.shift() ?? 'none' });
  expect(proxy.requests.slice(0, 2)).toEqual([
    'POST /dev/upload_image Bearer old',
    'POST /dev/upload_image Bearer new',
  ]);
});

test('does not repeat a token that was refused', async () => {
  const { proxy, api: proxied } = await behindProxy(() => ({ status: 401, body: '{}' }));
  const error = await failureOf(upload(await picture(), { api: proxied, token: 'old' }));
  expect(error).toMatchObject({ code: 'unexpected-reply', status: 401 });
  expect(proxy.requests).toHaveLength(1);
});

test.each([
  ['a damaged image', corruptJpeg, 'image-corrupt'],
  ['a file that is not an image', () => Buffer.from('hello'), 'unsupported-type'],
  ['an empty file', () => Buffer.alloc(0), 'empty-body'],
])('reports %s by its code', async (_, bytes, code) => {
  expect(await failureOf(upload(bytes(), { api }))).toMatchObject({ code });
});

test('reports a file that changes while it is read', async () => {
  const file = new Blob(['x']);
  file.arrayBuffer = () => Promise.reject(new DOMException('changed', 'NotReadableError'));
  expect(await failureOf(upload(file, { api }))).toMatchObject({ code: 'unreadable-file' });
});

test('stops when its signal says so, with the reason of the signal', async () => {
  const stopping = new AbortController();
  const { api: proxied } = await behindProxy(() => {
    stopping.abort(new Error('changed my mind'));
    return tooBusy;
  });
  await expect(upload(await picture(), { api: proxied, signal: stopping.signal })).rejects.toThrow(
    'changed my mind',
  );
});
