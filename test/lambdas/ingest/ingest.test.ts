import { createHash, randomBytes } from 'node:crypto';
import { PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import type { Hono } from 'hono';
import { readEnvironment } from '../../../lambdas/environment.ts';
import type { ImageReply } from '../../../lambdas/image/reply.ts';
import { type IngestEnvironment, ingestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { createIngestService } from '../../../lambdas/ingest/service.ts';
import type { Log } from '../../../lambdas/log.ts';
import { jpegHeaderThenRubbish, quarteredPicture, svg } from '../../images.ts';

const s3 = mockClient(S3Client);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() } satisfies Log;
const environment = {
  RAW_BUCKET: 'raw-bucket',
  THUMBNAIL_BUCKET: 'thumbnail-bucket',
  VARIANTS: JSON.stringify([{ name: 'thumbnail' }, { name: 'square', fit: 'cover', format: 'jpeg' }]),
  MAX_INLINE_BYTES: '100000',
  URL_LIFETIME_SECONDS: '600',
  STAGE: 'dev',
} satisfies IngestEnvironment;
let app: Hono;

beforeAll(() => {
  Object.assign(process.env, {
    AWS_REGION: 'us-east-2',
    AWS_ACCESS_KEY_ID: 'EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'x',
  });
  app = createIngestService(readEnvironment(ingestEnvironment, environment), log);
});

beforeEach(() => {
  s3.reset();
  s3.on(PutObjectCommand).resolves({});
  jest.clearAllMocks();
});

const post = (
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = { 'Content-Type': 'image/jpg' },
  path = '/upload_image',
) => app.request(path, { method: 'POST', body, headers, duplex: 'half' });

const picture = () => quarteredPicture(60, 40).jpeg().toBuffer();

describe('an accepted upload', () => {
  test('is stored exactly as sent, under its hash, with the type that its bytes have', async () => {
    const bytes = await quarteredPicture(60, 40).png().toBuffer();
    const response = await post(bytes, { 'Content-Type': 'image/jpg' });
    expect(response.status).toBe(202);
    const stored = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);
    const id = createHash('sha256').update(bytes).digest('hex');
    expect(stored).toEqual([
      expect.objectContaining({ Bucket: 'raw-bucket', Key: `raw/${id}`, ContentType: 'image/png' }),
    ]);
    expect(bytes.equals(stored[0]?.Body as Uint8Array)).toBe(true);
  });

  test('is answered with all that is known of the image', async () => {
    const bytes = await picture();
    const id = createHash('sha256').update(bytes).digest('hex');
    const reply: ImageReply = JSON.parse(await (await post(bytes)).text());
    const signed = (path: string) =>
      expect.stringMatching(
        new RegExp(
          `^https://thumbnail-bucket\\.s3\\.us-east-2\\.amazonaws\\.com/thumbnails/${id}/${path}\\?.*X-Amz-Signature=`,
        ),
      );
    expect(reply).toEqual({
      id,
      status: 'received',
      url: signed('thumbnail/v1-320x320-inside-q80.webp'),
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
      thumbnails: {
        thumbnail: { url: signed('thumbnail/v1-320x320-inside-q80.webp'), contentType: 'image/webp' },
        square: { url: signed('square/v1-320x320-cover-centre-ffffff-q80.jpeg'), contentType: 'image/jpeg' },
      },
      original: { contentType: 'image/jpeg', bytes: bytes.length },
    });
    const seconds = (Date.parse(reply.expiresAt) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(590);
    expect(seconds).toBeLessThanOrEqual(600);
  });

  test('is answered with the bare url when plain text is asked for', async () => {
    const response = await post(await picture(), { Accept: 'text/plain' });
    expect(response.headers.get('Content-Type')).toMatch(/^text\/plain/);
    expect(await response.text()).toMatch(/^https:\/\/thumbnail-bucket\S+\n$/);
  });

  test.each(['*/*', 'application/json, text/plain;q=0.5', 'image/*'])(
    'is answered with JSON for Accept: %s',
    async (accept) => {
      const response = await post(await picture(), { Accept: accept });
      expect(response.headers.get('Content-Type')).toBe('application/json');
    },
  );

  test('that was there already is a success as well', async () => {
    s3.on(PutObjectCommand).rejects(
      new S3ServiceException({
        name: 'PreconditionFailed',
        $fault: 'client',
        $metadata: { httpStatusCode: 412 },
      }),
    );
    expect((await post(await picture())).status).toBe(202);
  });

  test.each(['/upload_image', '/dev/upload_image'])('may be posted to %s', async (path) => {
    expect((await post(await picture(), {}, path)).status).toBe(202);
  });

  test('leaves one line in the log, without a URL', async () => {
    await post(await picture());
    expect(log.info).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(log.info.mock.calls)).not.toContain('http');
  });
});

describe('an upload is refused', () => {
  const expectProblem = async (response: Response, status: number, code: string, detail: RegExp) => {
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      title: expect.any(String),
      status,
      code,
      detail: expect.stringMatching(detail),
    });
    expect(response.status).toBe(status);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(0);
  };

  test('without a body', async () => {
    await expectProblem(await post(''), 400, 'empty-body', /no body/);
    await expectProblem(await app.request('/upload_image', { method: 'POST' }), 400, 'empty-body', /no body/);
  });

  test.each([
    ['an SVG that claims to be a JPEG', svg(), /is SVG.*JPEG, PNG, WebP, GIF, AVIF, TIFF/],
    ['a PDF', Buffer.from('%PDF-1.4'), /is PDF/],
    ['an HTML page', Buffer.from('<!DOCTYPE html><html>'), /is HTML/],
    ['text', Buffer.from('hello'), /is text/],
    ['random bytes', Buffer.concat([Buffer.from([0]), randomBytes(100)]), /unknown data/],
  ])('when it is %s', async (_, body, detail) => {
    await expectProblem(await post(body), 415, 'unsupported-type', detail);
  });

  test('when it is larger than the limit', async () => {
    await expectProblem(await post(Buffer.alloc(100_001)), 413, 'body-too-large', /100000 bytes/);
  });

  test('when it grows beyond the limit without having named its length', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    await expectProblem(await post(endless), 413, 'body-too-large', /100000 bytes/);
    expect(sent).toBeLessThan(20);
  });

  test('at another path or with another method', async () => {
    await expectProblem(await app.request('/upload', { method: 'POST' }), 404, 'not-found', /upload_image/);
    await expectProblem(
      await app.request('/development/upload_image', { method: 'POST' }),
      404,
      'not-found',
      /./,
    );
    const response = await app.request('/upload_image');
    expect(response.headers.get('Allow')).toBe('POST');
    await expectProblem(response, 405, 'method-not-allowed', /GET/);
  });
});

test('accepts a JPEG header followed by rubbish: only a decoder can tell', async () => {
  expect((await post(jpegHeaderThenRubbish())).status).toBe(202);
});

test('answers a failure of S3 without its particulars, and logs them', async () => {
  const denied = new S3ServiceException({
    name: 'AccessDenied',
    $fault: 'client',
    $metadata: {},
    message: 'role arn:aws:x',
  });
  s3.on(PutObjectCommand).rejects(denied);
  const response = await post(await picture());
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('arn');
  expect(log.error).toHaveBeenCalledWith('request failed', { error: denied });
});

describe('the environment', () => {
  test('is refused with the name of everything that is missing or wrong', () => {
    expect(() =>
      readEnvironment(ingestEnvironment, {
        ...environment,
        RAW_BUCKET: undefined,
        MAX_INLINE_BYTES: 'many',
        VARIANTS: '{',
      }),
    ).toThrow(/RAW_BUCKET[\s\S]*VARIANTS|VARIANTS[\s\S]*RAW_BUCKET/);
    expect(() => readEnvironment(ingestEnvironment, { ...environment, MAX_INLINE_BYTES: '-1' })).toThrow(
      /whole number/,
    );
    expect(() => readEnvironment(ingestEnvironment, { ...environment, VARIANTS: '[]' })).toThrow(/VARIANTS/);
  });
});
