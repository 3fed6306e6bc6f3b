import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import sharp from 'sharp';
import { cameraPicture, corruptJpeg, quarterColours, quarters, svg } from '../images.ts';
import { shownReplySchema } from '../reply.ts';
import { accountOf, awsClients, credentialsOf } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from './local-run.ts';
import { cleanUp, resume, suspend, temporaryFolder } from './processes.ts';
import { post, thumbnailOf, upload } from './uploads.ts';

jest.setTimeout(60_000);

const run = promisify(execFile);
const testWithCurl = spawnSync('curl', ['--version']).error === undefined ? test : test.skip;

const maxInlineBytes = 500_000;
/** Larger than the kernel's buffers, so that the reply arrives while the body is still being sent. */
const tooLarge = Buffer.alloc(12_000_000, 'x');

let folder: string;
let local: LocalRun;

beforeAll(async () => {
  folder = await temporaryFolder();
  // GIVEN AWS settings of the developer that point the SDK elsewhere
  await mkdir(join(folder, '.aws'));
  await writeFile(
    join(folder, '.aws/config'),
    '[profile work]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:9\nuse_fips_endpoint = true\n',
  );
  await writeFile(
    join(folder, '.aws/credentials'),
    '[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = secret\n',
  );
  local = startLocal({
    folder,
    port: await freePort(),
    args: ['-c', `maxInlineBytes=${maxInlineBytes}`],
    environment: {
      HOME: folder,
      AWS_PROFILE: 'work',
      AWS_REGION: 'eu-west-1',
      AWS_SESSION_TOKEN: 'token',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9',
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      URL_SIGNER_ROLE_ARN: 'arn:aws:iam::111111111111:role/signer',
    },
  });
  await local.ready();
});

afterAll(cleanUp);

/** A rotated camera picture, different for each `width`. */
const photo = async (width: number): Promise<Buffer<ArrayBuffer>> =>
  Buffer.from(await (await cameraPicture(width, 600, 6)).jpeg().toBuffer());

const nearTo = (colours: readonly (readonly number[])[]) =>
  Object.values(quarters).every((expected, quarter) =>
    expected.every((value, channel) => Math.abs(value - (colours[quarter]?.[channel] ?? -999)) < 40),
  );

describe('an accepted image', () => {
  testWithCurl('gets a URL that shows its thumbnail, with the command that npm start prints', async () => {
    // GIVEN
    const image = await photo(800);
    await writeFile(join(folder, 'photo.jpg'), image);
    const command = local
      .out()
      .split('\n')
      .find((line) => line.includes('curl --request'))
      ?.trim();
    expect(command).toBe(
      `curl --request POST -H "Content-Type: image/jpg" --data-binary "@photo.jpg" ${local.uploadUrl}`,
    );

    // WHEN
    const { stdout } = await run('sh', ['-c', `${command} --silent`], { cwd: folder });

    // THEN
    const reply = shownReplySchema.parse(JSON.parse(stdout));
    const id = createHash('sha256').update(image).digest('hex');
    expect(reply).toMatchObject({ id, original: { contentType: 'image/jpeg', bytes: image.byteLength } });
    expect(Object.keys(reply.thumbnails)).toEqual(['thumbnail']);
    expect(reply.thumbnails['thumbnail']).toEqual({ url: reply.url, contentType: 'image/webp' });
    expect(Date.parse(reply.expiresAt) - Date.now()).toBeGreaterThan(3_500_000);
    const thumbnail = await thumbnailOf(reply.url);
    expect(thumbnail.headers.get('Content-Type')).toBe('image/webp');
    const bytes = Buffer.from(await thumbnail.arrayBuffer());
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 320, height: 240 });
    expect(nearTo(await quarterColours(bytes))).toBe(true);
  });

  test('gets the same reply without the stage in the path, and the bare URL on request', async () => {
    const response = await fetch(`http://127.0.0.1:${local.port}/upload_image`, {
      method: 'POST',
      body: await photo(801),
      headers: { Accept: 'text/plain' },
    });
    expect(response.status).toBe(202);
    const url = await response.text();
    expect(url).toMatch(/^http:\S+\n$/);
    await thumbnailOf(url.trim());
  });

  test('stays on this machine, whatever AWS settings the developer has', async () => {
    const { url } = await upload(local.uploadUrl, await photo(802));
    const { host, searchParams } = new URL(url);
    expect(host).toBe(`127.0.0.1:${local.port + 1}`);
    const [accessKeyId, , ...scope] = searchParams.get('X-Amz-Credential')?.split('/') ?? [];
    expect(accessKeyId).toBe(credentialsOf(local).accessKeyId);
    expect(scope).toEqual(['us-east-1', 's3', 'aws4_request']);
    expect(searchParams.has('X-Amz-Security-Token')).toBe(false);
    await thumbnailOf(url);
  });
});

describe('a presigned URL', () => {
  test('returns 404, not 403, while its thumbnail is pending', async () => {
    // GIVEN a suspended worker
    const resize = await local.pidOf('resize');
    suspend(resize);
    // WHEN
    const { url } = await upload(local.uploadUrl, await photo(803));
    const early = await fetch(url);
    resume(resize);
    // THEN
    expect(early.status).toBe(404);
    await thumbnailOf(url);
  });

  test('is refused when its signature, key or time is changed, or without a signature', async () => {
    const { url } = await upload(local.uploadUrl, await photo(804));
    await thumbnailOf(url);
    const changed = (change: (url: URL) => void): Promise<Response> => {
      const copy = new URL(url);
      change(copy);
      return fetch(copy);
    };
    const responses = await Promise.all([
      changed(({ searchParams }) => searchParams.set('X-Amz-Signature', '0'.repeat(64))),
      changed(({ searchParams }) => searchParams.set('X-Amz-Expires', '36000')),
      changed((copy) => {
        copy.pathname += 'x';
      }),
      changed((copy) => {
        copy.search = '';
      }),
      changed(({ searchParams }) => searchParams.delete('X-Amz-Algorithm')),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
  });

  test('is refused after its expiry', async () => {
    // GIVEN
    const { url } = await upload(local.uploadUrl, await photo(805));
    await thumbnailOf(url);
    const [, Bucket = '', ...Key] = new URL(url).pathname.split('/');
    const s3 = new S3Client({ ...accountOf(local), endpoint: new URL(url).origin, forcePathStyle: true });
    const sign = (signedBefore: number) =>
      getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: Key.join('/') }), {
        expiresIn: 60,
        signingDate: new Date(Date.now() - signedBefore),
      });
    // WHEN
    const [valid, expired] = await Promise.all([fetch(await sign(0)), fetch(await sign(61_000))]);
    // THEN
    expect([valid.status, expired.status]).toEqual([200, 403]);
    expect(await expired.text()).toContain('Request has expired');
  });
});

describe('the API', () => {
  const expectProblem = async (response: Response, status: number, code: string): Promise<string> => {
    expect(response.status).toBe(status);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    const problem: unknown = await response.json();
    expect(problem).toEqual({ status, code, title: expect.any(String), detail: expect.any(String) });
    return JSON.stringify(problem);
  };

  test('refuses an empty body', async () => {
    await expectProblem(await post(local.uploadUrl, ''), 400, 'empty-body');
  });

  test.each([
    ['SVG', svg()],
    ['PDF', Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj\n')],
    ['text', Buffer.from('an ordinary letter')],
    ['HTML', Buffer.from('<!DOCTYPE html><html lang="en"><body>hello</body></html>')],
  ])('refuses and names %s, although the Content-Type is JPEG', async (kind, body) => {
    const problem = await expectProblem(
      await post(local.uploadUrl, Buffer.from(body)),
      415,
      'unsupported-type',
    );
    expect(problem).toContain(kind);
  });

  test('refuses more bytes than allowed, with and without a Content-Length', async () => {
    await expectProblem(await post(local.uploadUrl, tooLarge), 413, 'body-too-large');
    const chunked = await fetch(local.uploadUrl, {
      method: 'POST',
      body: new Blob([tooLarge]).stream(),
      duplex: 'half',
    });
    const problem = await expectProblem(chunked, 413, 'body-too-large');
    expect(problem).toContain(`${maxInlineBytes / 1e6} MB`);
  });

  testWithCurl.each([
    ['with a length', []],
    ['with a length, sent immediately', ['--header', 'Expect:']],
    ['with a length, sent slowly', ['--header', 'Expect:', '--limit-rate', '4M']],
    ['chunked', ['--header', 'Transfer-Encoding: chunked']],
    ['chunked, sent slowly', ['--header', 'Transfer-Encoding: chunked', '--limit-rate', '4M']],
  ])('lets curl read why too large a body was refused, %s', async (_, flags) => {
    const file = join(folder, 'large.jpg');
    await writeFile(file, tooLarge);
    const { stdout } = await run('curl', [
      ...['--silent', '--show-error', '--max-time', '20', '--request', 'POST', ...flags],
      ...['--data-binary', `@${file}`, '--write-out', ' %{http_code}', local.uploadUrl],
    ]);
    expect(stdout).toMatch(/"code":"body-too-large".*\n 413$/);
  });

  test('refuses other paths and methods', async () => {
    await expectProblem(await post(`${local.uploadUrl}/x`, 'x'), 404, 'not-found');
    const response = await fetch(local.uploadUrl);
    expect(response.headers.get('Allow')).toBe('POST');
    await expectProblem(response, 405, 'method-not-allowed');
  });

  test('logs a damaged image once, with the reason, and does not retry', async () => {
    // WHEN
    const { id, url } = await upload(local.uploadUrl, Buffer.from(corruptJpeg()));
    // THEN
    await until('the reason in the log', () => local.resizeLogs(id)[0]);
    expect(local.resizeLogs(id)).toMatchObject([{ level: 'WARN', code: 'image-corrupt' }]);
    const aws = awsClients(local);
    await aws.untilNothingQueued();
    expect(await aws.deadLetters()).toBe(0);
    expect((await fetch(url)).status).toBe(404);
  });
});
