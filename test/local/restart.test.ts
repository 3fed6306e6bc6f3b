import { quarteredPicture } from '../images.ts';
import { freePort, startLocal } from './local-run.ts';
import { cleanUp, resume, suspend, temporaryFolder } from './processes.ts';
import { thumbnailOf, upload } from './uploads.ts';

jest.setTimeout(60_000);

afterEach(cleanUp);

/** A different image for each `width`. */
const photo = async (width: number): Promise<Buffer<ArrayBuffer>> =>
  Buffer.from(await quarteredPicture(width, 300).jpeg().toBuffer());

const isGone = async (url: string): Promise<boolean> => {
  try {
    await fetch(url);
    return false;
  } catch {
    return true;
  }
};

test('keeps images, queued work and valid URLs when everything is killed', async () => {
  // GIVEN a ready image, and two that wait for a suspended worker
  const place = { folder: await temporaryFolder(), port: await freePort() };
  const first = startLocal(place);
  await first.ready();
  const finished = await upload(first.uploadUrl, await photo(400));
  const before = await (await thumbnailOf(finished.url)).bytes();
  const resize = await first.pidOf('resize');
  suspend(resize);
  await upload(first.uploadUrl, await photo(401)); // The worker has asked for this one already: it is in its hands.
  const waiting = [
    await upload(first.uploadUrl, await photo(402)),
    await upload(first.uploadUrl, await photo(403)),
  ];

  // WHEN
  process.kill(first.pid, 'SIGKILL');
  resume(resize);
  expect(await first.ended).toBe('SIGKILL');
  expect(await isGone(first.uploadUrl)).toBe(true);
  const second = startLocal(place);
  await second.ready();

  // THEN
  const after = await (await thumbnailOf(finished.url)).bytes();
  expect(Buffer.from(after).equals(before)).toBe(true);
  for (const { url } of waiting) await thumbnailOf(url);
});

test('reports and restarts a killed worker, which soon finishes its work', async () => {
  // GIVEN a worker that polls
  const local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();

  // WHEN it is killed
  process.kill(await local.pidOf('resize'), 'SIGKILL');
  const { url } = await upload(local.uploadUrl, await photo(401));

  // THEN its abandoned polls swallow no message, which would stay hidden for 30 seconds
  await thumbnailOf(url, 25_000);
  expect(local.errors()).toContain('resize died (SIGKILL)');

  // WHEN it is killed with one message in flight, redelivered after 30 seconds, and another one queued
  const resize = await local.pidOf('resize');
  suspend(resize);
  await upload(local.uploadUrl, await photo(402));
  const waiting = await upload(local.uploadUrl, await photo(403));
  process.kill(resize, 'SIGKILL');

  // THEN
  await thumbnailOf(waiting.url);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends everything with exit code 0', async (signal) => {
  const local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  const startedAt = Date.now();
  expect(await local.end(signal)).toBe(0);
  expect(Date.now() - startedAt).toBeLessThan(10_000);
  expect(local.errors()).toBe('');
  expect(local.logs().map(({ message }) => message)).toEqual(
    expect.arrayContaining(['ingest stops', 'resize stops', 'notify stops']),
  );
});

test('ends when the shell of npm ends', async () => {
  // GIVEN
  const local = startLocal({
    folder: await temporaryFolder(),
    port: await freePort(),
    inShell: true,
  });
  await local.ready();
  // WHEN
  const exit = await local.end('SIGTERM');
  // THEN
  expect(exit).toBe('SIGTERM');
  expect(await isGone(local.uploadUrl)).toBe(true);
});
