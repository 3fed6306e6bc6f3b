import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openSync, readFileSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { DecoderDied, DecoderStalled } from '../../../lambdas/resize/decode-errors.ts';
import { createDecoder, type Decoder, type DecoderOptions } from '../../../lambdas/resize/decoder.ts';
import type { ImageLimits } from '../../../lambdas/resize/environment.ts';
import type { ForkedDecoder } from '../../../lambdas/resize/fork-decoder.ts';
import type { Lane } from '../../../lambdas/resize/lanes.ts';
import { readSettings } from '../../../lib/settings.ts';
import { hostilePng, quarteredPicture, slowTiff, tiffWithManyTags } from '../../images.ts';

const variants = variantsSchema.parse([{ name: 'thumbnail' }, { name: 'tiny', width: 16 }]);
const logged = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };

beforeEach(() => {
  jest.clearAllMocks();
});

const decoderWith = (
  limits: Partial<ImageLimits> = {},
  lane: Lane = 'fast',
  options: Partial<DecoderOptions> = {},
): Decoder => createDecoder({ ...readSettings({}), ...limits }, logged, { lane, ...options });

const incoming = (bytes: Buffer) => ({ bytes: bytes.byteLength, body: Readable.from([bytes]) });

const render = async (decoder: Decoder, bytes: Buffer) => {
  const image = await decoder.load(incoming(bytes));
  try {
    return await image.render(variants);
  } finally {
    image.close();
  }
};

/** The processes that this one has started for decoding, and that still run. */
const decoderPids = (): readonly number[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(
      ([, parent, ...words]) => Number(parent) === process.pid && words.join(' ').includes('decoder-process'),
    )
    .map(([pid]) => Number(pid));

const photo = (width: number): Promise<Buffer> => quarteredPicture(width, 300).jpeg().toBuffer();

test('makes all variants, of one image after the other, in the same process', async () => {
  const decoder = decoderWith();
  const before = decoderPids();
  for (const width of [400, 600]) {
    const { original, thumbnails } = await render(decoder, await photo(width));
    expect(original).toEqual({ width, height: 300 });
    for (const { bytes, ...size } of thumbnails) expect(await sharp(bytes).metadata()).toMatchObject(size);
    expect(thumbnails.map((each) => each.width)).toEqual([320, 16]);
  }
  expect(decoderPids()).toEqual(before);
});

test('makes several at once, each in a process of its own', async () => {
  const decoder = decoderWith();
  const results = await Promise.all(
    [400, 500, 600].map(async (width) => render(decoder, await photo(width))),
  );
  expect(results.map(({ original }) => original.width)).toEqual([400, 500, 600]);
});

test('kills a process that gets no CPU time, and does not blame the image', async () => {
  // GIVEN a process that is stopped, as on a machine that has too much to do
  const others = decoderPids();
  const decoder = decoderWith();
  const image = await decoder.load(incoming(await photo(400)));
  const [stopped = 0] = decoderPids().filter((pid) => !others.includes(pid));
  process.kill(stopped, 'SIGSTOP');
  // WHEN
  await expect(image.render(variants)).rejects.toBeInstanceOf(DecoderStalled);
  image.close();
  // THEN
  await expect(render(decoder, await photo(500))).resolves.toMatchObject({ original: { width: 500 } });
  expect(decoderPids()).not.toContain(stopped);
  expect(logged.error).not.toHaveBeenCalled();
});

test('ends a decode that uses up its CPU time, and goes on with the next image', async () => {
  const decoder = decoderWith({ decodeTimeoutSeconds: 1 }, 'slow');
  await expect(render(decoder, slowTiff())).rejects.toMatchObject({ name: 'AllowanceExceeded', what: 'cpu' });
  await expect(render(decoder, await photo(500))).resolves.toMatchObject({ original: { width: 500 } });
});

test('ends the parsing of a header that uses up its CPU time', async () => {
  const decoder = decoderWith({ decodeTimeoutSeconds: 1 }, 'slow');
  const manyTags = tiffWithManyTags(60, 4000);
  await expect(render(decoder, manyTags)).rejects.toMatchObject({ name: 'AllowanceExceeded', what: 'cpu' });
  await expect(render(decoder, await photo(500))).resolves.toMatchObject({ original: { width: 500 } });
});

test('the fast lane starts no decode whose header promises much work', async () => {
  const before = decoderPids();
  const decoder = decoderWith();
  const [pid] = decoderPids().filter((each) => !before.includes(each));
  await expect(render(decoder, slowTiff())).rejects.toMatchObject({
    name: 'AllowanceExceeded',
    what: 'estimate',
  });
  // The process has done no work, so it stays.
  await expect(render(decoder, await photo(500))).resolves.toMatchObject({ original: { width: 500 } });
  expect(decoderPids()).toContain(pid);
});

test('refuses 3 x 4,194,305 pixels in less than 300 bytes by the header', async () => {
  const bomb = hostilePng(3, 4_194_305);
  expect(bomb.byteLength).toBeLessThan(300);
  await expect(render(decoderWith(), bomb)).rejects.toMatchObject({
    code: 'image-too-large',
    message: expect.stringContaining('3 x 4194305'),
  });
});

const interlaced = (side: number): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: 'red' } })
    .png({ progressive: true, compressionLevel: 1 })
    .toBuffer();

test('ends a decode that takes too much memory, and goes on with the next image', async () => {
  const decoder = decoderWith({ decodeMemoryMiB: 160 }, 'slow');
  await expect(render(decoder, await interlaced(9000))).rejects.toMatchObject({
    name: 'AllowanceExceeded',
    what: 'memory',
  });
  await expect(render(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
  expect(logged.error).not.toHaveBeenCalled();
});

test('what one image leaves in memory does not count against the next', async () => {
  // GIVEN an image that takes about 50 MiB, of 64 that are allowed
  const bytes = await interlaced(2600);
  const decoder = decoderWith({ decodeMemoryMiB: 64 });
  for (let count = 0; count < 8; count += 1) {
    await expect(render(decoder, bytes)).resolves.toMatchObject({ original: { width: 2600 } });
  }
});

test('each image of the slow lane gets a process of its own', async () => {
  const others = decoderPids();
  const decoder = decoderWith({}, 'slow');
  const pids: number[] = [];
  for (let count = 0; count < 3; count += 1) {
    const image = await decoder.load(incoming(await photo(400)));
    pids.push(...decoderPids().filter((pid) => !others.includes(pid)));
    await image.render(variants);
    image.close();
  }
  expect(new Set(pids).size).toBe(3);
});

test('tells a process that died from an image at fault, and goes on with the next image', async () => {
  // GIVEN a decode under way
  const others = decoderPids();
  const decoder = decoderWith();
  const image = await decoder.load(incoming(await photo(400)));
  const [pid = 0] = decoderPids().filter((each) => !others.includes(each));
  process.kill(pid, 'SIGSTOP');
  const rendered = image.render(variants);
  // WHEN
  process.kill(pid, 'SIGKILL');
  // THEN
  await expect(rendered).rejects.toBeInstanceOf(DecoderDied);
  image.close();
  expect(logged.error).toHaveBeenCalledWith('decoder died', { how: 'SIGKILL' });
  await expect(render(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
});

const testOnLinux = process.platform === 'linux' ? test : test.skip;

testOnLinux('gives the process none of its credentials, nor the address of any', () => {
  const others = decoderPids();
  const secrets = ['AWS_SECRET_ACCESS_KEY', 'ECS_CONTAINER_METADATA_URI_V4', 'DATABASE_PASSWORD'];
  for (const name of secrets) process.env[name] = 'secret-of-the-service';
  decoderWith();
  const started = decoderPids().filter((pid) => !others.includes(pid));
  for (const name of secrets) delete process.env[name];
  expect(started).toHaveLength(1);
  for (const pid of started) {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    expect(environment).toContain('VIPS_CONCURRENCY=1');
    expect(environment).not.toContain('secret-of-the-service');
    expect(environment).not.toMatch(/(?:^|\0)AWS_/);
  }
});

test('an error of the source is not the image’s fault, and spoils no other image', async () => {
  const decoder = decoderWith();
  const bytes = await photo(400);
  const reset = new Error('connection reset');
  const breaking = async function* () {
    yield bytes.subarray(0, 5000);
    throw reset;
  };
  await expect(decoder.load({ bytes: bytes.byteLength, body: breaking() })).rejects.toBe(reset);
  await expect(
    decoder.load({ bytes: bytes.byteLength, body: Readable.from([bytes.subarray(1)]) }),
  ).rejects.toThrow('bytes came instead of');
  await expect(render(decoder, bytes)).resolves.toMatchObject({ original: { width: 400 } });
});

test('images that were loaded and not rendered leave the process to the next', async () => {
  const decoder = decoderWith();
  const bytes = await photo(400);
  const before = decoderPids();
  for (let round = 0; round < 20; round += 1) {
    (await decoder.load(incoming(bytes))).close();
    (await decoder.load(incoming(Buffer.alloc(1_000_000)))).close();
    await expect(render(decoder, bytes)).resolves.toMatchObject({ original: { width: 400 } });
  }
  expect(decoderPids()).toEqual(before);
});

/** A decoder that an image has taken over: it answers the first request with whatever the script writes. */
const takenOver = (script: string): ForkedDecoder => {
  const path = join(tmpdir(), `taken-over-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  const code = `const fs = require('node:fs');
    const say = (text) => fs.writeSync(4, text);
    const ready = () => say('{"kind":"ready"}\\n');
    const rendered = (changes, bytes = 'thumbnail') => {
      fs.writeSync(3, bytes, 0);
      const thumbnails = [{ bytes: bytes.length, width: 320, height: 240 }, { bytes: 1, width: 16, height: 12 }];
      const reply = { kind: 'rendered', original: { width: 400, height: 300 }, thumbhash: 'AAAA', thumbnails, residentMiB: 80 };
      say(JSON.stringify({ ...reply, ...changes }) + '\\n');
    };
    process.stdin.on('end', () => process.exit());
    const onImage = (reply) => {
      let lines = 0; // The first one holds the limits.
      process.stdin.on('data', (chunk) => { for (const byte of chunk) if (byte === 10 && ++lines === 2) reply(); });
    };
    ${script}`;
  const child = spawn(process.execPath, ['--eval', code], {
    stdio: ['pipe', 'ignore', 'pipe', file, 'pipe'],
  });
  return { child, file };
};

test.each([
  ['what is no JSON', "onImage(() => say('{\\n'))"],
  ['another shape', 'onImage(() => say(\'{"kind":"rendered"}\\n\'))'],
  ['an endless line', 'onImage(() => { for (;;) say("x".repeat(60000)); })'],
  [
    'a verdict that is not its own',
    "onImage(() => say(JSON.stringify({ kind: 'refused', code: 'unauthorized', detail: '', residentMiB: 1 }) + '\\n'))",
  ],
  ['that it is ready', 'onImage(ready)'],
  ['no thumbnails', 'onImage(() => rendered({ thumbnails: [] }))'],
  [
    'a thumbnail of a gigabyte',
    'onImage(() => rendered({ thumbnails: [{ bytes: 1e9, width: 320, height: 240 }, { bytes: 1, width: 16, height: 12 }] }))',
  ],
  ['fewer bytes than it says', "onImage(() => rendered({}, ''))"],
  ['bytes that are no thumbnail', "onImage(() => rendered({}, 'a secret'))"],
  ['a placeholder that is text', "onImage(() => rendered({ thumbhash: '<script>alert(1)</script>' }))"],
])('a decoder that replies with %s costs that image only', async (_, script) => {
  // GIVEN
  const decoder = decoderWith({}, 'fast', { first: takenOver(`ready(); ${script}`) });
  // WHEN
  await expect(render(decoder, await photo(400))).rejects.toBeInstanceOf(DecoderDied);
  // THEN
  await expect(render(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
  expect(logged.error).toHaveBeenCalled();
});

test('a decoder that complains without end fills no log', async () => {
  const script =
    "ready(); onImage(() => { for (let i = 0; i < 5000; i += 1) console.error('x'.repeat(5000)); say('{\\n'); })";
  const decoder = decoderWith({}, 'fast', { first: takenOver(script) });
  await expect(render(decoder, await photo(400))).rejects.toBeInstanceOf(DecoderDied);
  expect(logged.warn.mock.calls.length).toBeLessThanOrEqual(20);
  for (const [, { line }] of logged.warn.mock.calls) expect(line.length).toBeLessThanOrEqual(200);
});

test('a process that holds much memory after an image is replaced', async () => {
  const script =
    'ready(); onImage(() => say(JSON.stringify({ kind: "refused", code: "image-corrupt", detail: "no", residentMiB: 300 }) + "\\n"))';
  const first = takenOver(script);
  const decoder = decoderWith({}, 'fast', { first });
  await expect(render(decoder, await photo(400))).rejects.toMatchObject({ code: 'image-corrupt' });
  await expect(render(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
  expect(first.child.killed).toBe(true);
});
