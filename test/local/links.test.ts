import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { quarteredPicture } from '../images.ts';
import { shownReplySchema } from '../reply.ts';
import { type AwsClients, awsClients } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from './local-run.ts';
import { cleanUp, resume, suspend, temporaryFolder } from './processes.ts';
import { post, redirectOf, upload, uploadAndWait, visit } from './uploads.ts';

jest.setTimeout(60_000);

/** A different image for each `width`. */
const photo = async (width: number): Promise<Buffer<ArrayBuffer>> =>
  Buffer.from(await quarteredPicture(width, 300).jpeg().toBuffer());

const sizeOf = async (url: string) => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  const { width, height, format } = await sharp(await response.bytes()).metadata();
  return { width, height, format };
};

describe('one run', () => {
  let folder: string;
  let local: LocalRun;
  let aws: AwsClients;

  beforeAll(async () => {
    folder = await temporaryFolder();
    local = startLocal({ folder, port: await freePort() });
    await local.ready();
    aws = awsClients(local);
  });

  test('a new upload that waits gets a URL that shows the thumbnail immediately', async () => {
    const response = await post(local.uploadUrl, await photo(400), { Prefer: 'wait=20' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Preference-Applied')).toBe('wait=20');
    const reply = shownReplySchema.parse(await response.json());
    expect(await sizeOf(reply.url)).toEqual({ width: 320, height: 240, format: 'webp' });
    expect(reply).toMatchObject({
      status: 'ready',
      original: { contentType: 'image/jpeg', width: 400, height: 300 },
      thumbnails: { thumbnail: { width: 320, height: 240, bytes: expect.any(Number) } },
      thumbhash: expect.any(String),
    });
  });

  test('the same bytes get 200 and are neither stored nor resized again', async () => {
    // GIVEN
    const image = await photo(401);
    const { id } = await uploadAndWait(local.uploadUrl, image);
    // WHEN
    const again = await post(local.uploadUrl, image);
    // THEN
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ id, status: 'ready' });
    await aws.untilNothingQueued();
    expect(local.resizeLogs(id)).toMatchObject([{ message: 'thumbnails stored' }]);
  });

  test('fifty concurrent uploads of one photo cause one original and one resize, and get equal replies', async () => {
    // WHEN
    const image = await photo(402);
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => post(local.uploadUrl, image, { Prefer: 'wait=20' })),
    );

    // THEN
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    const texts = await Promise.all(responses.map((response) => response.text()));
    // Queries hold signatures and times, which differ.
    const unsigned = texts.map((text) =>
      text.replaceAll(/\?X-Amz[^"]*/g, '').replaceAll(/"expiresAt":"[^"]*"/g, ''),
    );
    expect(new Set(unsigned).size).toBe(1);
    const { id, status } = shownReplySchema.parse(JSON.parse(texts[0] ?? ''));
    expect(status).toBe('ready');
    await aws.untilNothingQueued();
    expect(local.resizeLogs(id)).toMatchObject([{ message: 'thumbnails stored' }]);
    const s3 = join(folder, '.local', String(local.port), 's3');
    const kept = await readdir(s3, { recursive: true });
    expect(kept.filter((file) => file.includes(id) && /raw-images.*_object$/.test(file))).toHaveLength(1);
    // The data lake may still be writing their events.
    await until('no unfinished object', async () => {
      const unfinished = await readdir(join(s3, '.unfinished'));
      return unfinished.length === 0 || undefined;
    });
  });

  test('a HEAD of a link leads to a URL that S3 answers with 200', async () => {
    const { link } = await uploadAndWait(local.uploadUrl, await photo(404));
    const head = await fetch(link, { method: 'HEAD' });
    expect([head.status, head.headers.get('Content-Type')]).toEqual([200, 'image/webp']);
    expect(new URL(head.url).searchParams.has('X-Amz-Signature')).toBe(true);
    // A URL signed for one method is refused for another.
    expect((await fetch(head.url)).status).toBe(403);
    expect((await fetch(await redirectOf(link), { method: 'HEAD' })).status).toBe(403);
  });

  test('a link shows a page that refreshes itself while the thumbnail is pending, and then redirects', async () => {
    // GIVEN a suspended worker
    const resize = await local.pidOf('resize');
    suspend(resize);
    const { link } = await upload(local.uploadUrl, await photo(403));

    // WHEN a browser and another client visit the link
    const browser = await visit(link, 'text/html,application/xhtml+xml,*/*;q=0.8');
    const program = await visit(link);

    // THEN
    expect([browser.status, program.status]).toEqual([202, 202]);
    expect(browser.headers.get('Content-Type')).toMatch(/^text\/html/);
    expect(await browser.text()).toContain('<meta http-equiv="refresh" content="1">');
    expect(await program.json()).toMatchObject({ status: 'received', link });
    resume(resize);
    expect(await sizeOf(await redirectOf(link))).toMatchObject({ width: 320 });
    const ready = await visit(link, 'text/html,*/*;q=0.8');
    expect(ready.status).toBe(302);
    expect(ready.headers.get('Cache-Control')).toMatch(/^private, max-age=35\d\d$/);
  });
});

afterAll(cleanUp);

test('after a change of a variant, an existing link never shows the old size', async () => {
  // GIVEN a thumbnail of 100 pixels, and one that does not change
  const place = { folder: await temporaryFolder(), port: await freePort() };
  const startWith = async (width: number): Promise<LocalRun> => {
    const variants = [
      { name: 'card', width },
      { name: 'icon', width: 32 },
    ];
    const local = startLocal({ ...place, args: ['-c', `variants=${JSON.stringify(variants)}`] });
    await local.ready();
    return local;
  };
  const first = await startWith(100);
  const { link } = await uploadAndWait(first.uploadUrl, await photo(400));
  const oldUrl = await redirectOf(link);
  expect(await sizeOf(oldUrl)).toMatchObject({ width: 100 });
  expect(await first.end('SIGTERM')).toBe(0);

  // WHEN
  const second = await startWith(60);
  const resize = await second.pidOf('resize');
  suspend(resize);
  const meanwhile = await visit(link);
  resume(resize);

  // THEN
  expect(meanwhile.status).toBe(202);
  const newUrl = await redirectOf(link);
  expect(await sizeOf(newUrl)).toMatchObject({ width: 60 });
  expect(new URL(newUrl).pathname).not.toBe(new URL(oldUrl).pathname);
  expect(await sizeOf(await redirectOf(`${link}/icon`))).toMatchObject({ width: 32 });
});
