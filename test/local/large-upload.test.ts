import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import * as z from 'zod';
import { shownReplySchema } from '../reply.ts';
import { awsClients } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal } from './local-run.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { post, redirectOf } from './uploads.ts';

jest.setTimeout(60_000);

const run = promisify(execFile);
const isThere = (command: string) => spawnSync(command, ['--version']).error === undefined;
const testWithTools = isThere('curl') && isThere('node') ? test : test.skip;

/** The shell lines that docs/api.md gives for images too large to post. */
const documentedLines = (): string => {
  const [, section = ''] = readFileSync('docs/api.md', 'utf8').split('\n## Large images\n');
  const [, lines = ''] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
  expect(lines).toMatch(/^FILE=.+\nAPI=.+\n/);
  return lines;
};

let folder: string;
let local: LocalRun;
let api: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  local = startLocal({ folder, port: await freePort() });
  await local.ready();
  api = `http://127.0.0.1:${local.port}/dev`;
});

afterAll(cleanUp);

testWithTools('accepts a 60 MB TIFF with the commands of docs/api.md after a POST was refused', async () => {
  // GIVEN noise, which no compression would make smaller
  const side = 4500;
  const tiff = await sharp(randomBytes(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .tiff({ compression: 'none' })
    .toBuffer();
  expect(tiff.byteLength).toBeGreaterThan(60_000_000);
  const id = createHash('sha256').update(tiff).digest('hex');
  await writeFile(join(folder, 'large.tif'), tiff);

  // WHEN
  const curl = `curl --silent --show-error --max-time 30 --request POST --data-binary @large.tif --write-out ' %{http_code}'`;
  const posted = await run('sh', ['-c', `${curl} ${api}/upload_image`], { cwd: folder });
  const lines = documentedLines()
    .replace(/^FILE=.*$/m, 'FILE=large.tif')
    .replace(/^API=.*$/m, `API=${api}`);
  await run('sh', ['-e', '-c', lines], { cwd: folder, timeout: 40_000 });

  const repeated = await run('sh', ['-e', '-c', lines], { cwd: folder, timeout: 40_000 });

  // THEN
  expect(repeated.stdout).toBe(`${api}/thumbnails/${id}\n`);
  expect(posted.stdout).toMatch(/ 413$/);
  expect(JSON.parse(posted.stdout.slice(0, -' 413'.length))).toMatchObject({
    code: 'body-too-large',
    detail: expect.stringContaining('/dev/uploads'),
  });
  const thumbnail = await fetch(await redirectOf(`${api}/thumbnails/${id}`));
  expect(await sharp(await thumbnail.bytes()).metadata()).toMatchObject({ width: 320, height: 320 });
  const record = await (await fetch(`${api}/images/${id}`)).json();
  expect(record).toMatchObject({
    status: 'ready',
    original: { contentType: 'image/tiff', width: side, height: side, bytes: tiff.byteLength },
  });
  // The second run finds the image stored.
  const again = await post(`${api}/uploads`, JSON.stringify({ sha256: id, bytes: tiff.byteLength }));
  expect(again.status).toBe(200);
  expect(await again.json()).not.toHaveProperty('upload');
});

describe('a presigned upload', () => {
  const uploadReply = shownReplySchema.extend({
    upload: z.strictObject({
      method: z.literal('PUT'),
      url: z.url(),
      headers: z.strictObject({
        'x-amz-checksum-sha256': z.string(),
        'if-none-match': z.literal('*'),
        'x-amz-meta-upload-id': z.string(),
      }),
      expiresAt: z.iso.datetime(),
    }),
  });

  const presignUpload = async (image: Buffer) => {
    const sha256 = createHash('sha256').update(image).digest('hex');
    const response = await post(`${api}/uploads`, JSON.stringify({ sha256, bytes: image.byteLength }));
    expect(response.status).toBe(201);
    return uploadReply.parse(await response.json());
  };

  const put = (url: string, body: Buffer<ArrayBuffer>, headers: Record<string, string>) =>
    fetch(url, { method: 'PUT', body, headers });

  test('accepts the declared bytes and nothing else', async () => {
    // GIVEN
    const image = Buffer.from(
      await sharp({ create: { width: 300, height: 200, channels: 3, background: '#336699' } })
        .png()
        .toBuffer(),
    );
    const { id, link, status, upload } = await presignUpload(image);
    expect(status).toBe('received');
    const otherBytes = Buffer.from(image);
    otherBytes[image.byteLength - 1] = (otherBytes.at(-1) ?? 0) ^ 1;
    const otherChecksum = createHash('sha256').update(otherBytes).digest('base64');

    // WHEN
    const refused = await Promise.all([
      put(upload.url, otherBytes, upload.headers),
      put(upload.url, otherBytes, { ...upload.headers, 'x-amz-checksum-sha256': otherChecksum }),
      put(upload.url, Buffer.concat([image, image]), upload.headers),
      put(upload.url, image.subarray(1), upload.headers),
      put(upload.url, image, {}),
    ]);

    // THEN
    expect(refused.map((response) => response.status)).toEqual([400, 403, 403, 403, 403]);
    expect(await refused[0]?.text()).toContain('<Code>BadDigest</Code>');
    expect((await fetch(link)).status).toBe(202);
    expect((await put(upload.url, image, upload.headers)).status).toBe(200);
    const thumbnail = await fetch(await redirectOf(link));
    expect(await sharp(await thumbnail.bytes()).metadata()).toMatchObject({ width: 300, height: 200 });
    await awsClients(local).untilNothingQueued();
    expect(local.resizeLogs(id)).toMatchObject([{ message: 'thumbnails stored' }]);
  });

  test('that is interrupted leaves nothing behind, and can be repeated', async () => {
    // GIVEN
    const image = Buffer.from(
      await sharp({ create: { width: 301, height: 200, channels: 3, background: '#336699' } })
        .png()
        .toBuffer(),
    );
    const { link, upload } = await presignUpload(image);
    // WHEN half of it arrives
    const headers = { ...upload.headers, 'Content-Length': String(image.byteLength) };
    await new Promise<void>((resolve) => {
      const half = request(upload.url, { method: 'PUT', headers });
      half.on('error', () => resolve());
      half.write(image.subarray(0, image.byteLength / 2), () =>
        setTimeout(() => half.destroy(new Error('interrupted')), 200),
      );
    });
    // THEN
    expect((await fetch(link)).status).toBe(202);
    expect((await put(upload.url, image, upload.headers)).status).toBe(200);
    await redirectOf(link);
  });
});

test('one of ten concurrent conditional writes of an original succeeds', async () => {
  const { originals } = awsClients(local);
  const image = Buffer.from('GIF89a, and whatever else');
  const id = createHash('sha256').update(image).digest('hex');
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => originals.put(id, image, 'image/gif')));
  expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
  expect(await originals.put(id, image, 'image/gif')).toBe('already-stored');
});
