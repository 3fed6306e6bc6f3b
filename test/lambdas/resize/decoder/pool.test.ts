import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openSync, readFileSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { damageSentences } from '../../../../lambdas/image/damage.ts';
import { variantsSchema } from '../../../../lambdas/image/variant.ts';
import type { ForkedDecoder } from '../../../../lambdas/resize/decoder/fork.ts';
import { createDecoder, type Decoder, type DecoderOptions } from '../../../../lambdas/resize/decoder/pool.ts';
import type { ImageLimits } from '../../../../lambdas/resize/environment.ts';
import type { Lane } from '../../../../lambdas/resize/lanes.ts';
import { readSettings } from '../../../../lib/settings.ts';
import { heicFile } from '../../../heic-files.ts';
import { hostilePng, quarteredPicture, slowTiff } from '../../../images.ts';
import { blue, gif, red } from './animation/animations.ts';

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

const decode = (decoder: Decoder, bytes: Buffer) => decoder.decode(Readable.from([bytes]), variants);

/** An image with something to do at its end. Its decoder is ready then, and has not been asked to render. */
const incomingThen = async function* (bytes: Buffer, atEnd: () => void) {
  yield bytes;
  atEnd();
};

/** The decoder processes of this one that still run. */
const decoderPids = (): readonly number[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(
      ([, parent, ...words]) => Number(parent) === process.pid && words.join(' ').includes('decoder/process'),
    )
    .map(([pid]) => Number(pid));

const photo = (width: number): Promise<Buffer> => quarteredPicture(width, 300).jpeg().toBuffer();

test('renders one image after the other in the same process', async () => {
  const decoder = decoderWith();
  const before = decoderPids();
  for (const width of [400, 600]) {
    const { original, thumbnails } = await decode(decoder, await photo(width));
    expect(original).toEqual({ width, height: 300 });
    for (const { bytes, ...size } of thumbnails) expect(await sharp(bytes).metadata()).toMatchObject(size);
    expect(thumbnails.map((each) => each.width)).toEqual([320, 16]);
  }
  expect(decoderPids()).toEqual(before);
});

test('renders several images at a time, each in a process of its own', async () => {
  const decoder = decoderWith();
  const results = await Promise.all(
    [400, 500, 600].map(async (width) => decode(decoder, await photo(width))),
  );
  expect(results.map(({ original }) => original.width)).toEqual([400, 500, 600]);
});

test('says what is wrong with a damaged image, or refuses it', async () => {
  const bytes = (await photo(400)).subarray(0, -400);
  const damage = { kind: 'incomplete', reason: expect.stringContaining('premature end of JPEG image') };
  await expect(decode(decoderWith(), bytes)).resolves.toMatchObject({ damage });
  await expect(decode(decoderWith({ damaged: 'refuse' }), bytes)).rejects.toMatchObject({
    code: 'image-corrupt',
    message: damageSentences.incomplete,
    cause: damage.reason,
  });
});

test('shortens what a library says at length', async () => {
  // GIVEN a HEIC whose first item has more extents than libheif accepts
  const file = Buffer.from(heicFile('tiles'));
  const iloc = file.indexOf('iloc');
  expect(iloc).toBeGreaterThan(0);
  // Type, version, sizes, number of items; then of the first item id, method, reference and base (14496-12).
  const extents = iloc + 4 + 4 + 2 + 2 + (2 + 2 + 2 + 4);
  expect(file.readUInt16BE(extents)).toBe(1);
  file.writeUInt16BE(0x4001, extents);
  // WHEN, THEN
  await expect(decode(decoderWith(), file)).rejects.toMatchObject({ name: 'ImageError' });
  expect(logged.error).not.toHaveBeenCalled();
});

test('kills a process that gets no CPU time, and does not blame the image', async () => {
  // GIVEN a process that is stopped, as on a machine with too much work
  const others = decoderPids();
  const decoder = decoderWith();
  const [stopped = 0] = decoderPids().filter((pid) => !others.includes(pid));
  const image = incomingThen(await photo(400), () => process.kill(stopped, 'SIGSTOP'));
  // WHEN
  await expect(decoder.decode(image, variants)).rejects.toMatchObject({ reason: 'stall' });
  // THEN
  await expect(decode(decoder, await photo(500))).resolves.toMatchObject({ original: { width: 500 } });
  expect(decoderPids()).not.toContain(stopped);
  expect(logged.error).not.toHaveBeenCalled();
});

test('stops a decode that uses up its CPU time, and continues with the next image', async () => {
  const decoder = decoderWith({ decodeTimeoutSeconds: 1 }, 'slow');
  await expect(decode(decoder, slowTiff())).rejects.toMatchObject({ name: 'DecodeStopped', reason: 'cpu' });
  await expect(decode(decoder, await photo(500))).resolves.toMatchObject({ original: { width: 500 } });
});

test('the fast lane does not decode an image whose header promises much work', async () => {
  const before = decoderPids();
  const decoder = decoderWith();
  const [pid] = decoderPids().filter((each) => !before.includes(each));
  await expect(decode(decoder, slowTiff())).rejects.toMatchObject({
    name: 'DecodeStopped',
    reason: 'estimate',
  });
  // The process has done no work, so it stays.
  await expect(decode(decoder, await photo(500))).resolves.toMatchObject({ original: { width: 500 } });
  expect(decoderPids()).toContain(pid);
});

test('an image that waits for its turn is not charged for the time that another one takes', async () => {
  // GIVEN two images that have arrived, of which the first uses up its CPU time
  const decoder = decoderWith({ decodeTimeoutSeconds: 1 }, 'slow', { decodesAtOnce: 1 });
  const [slow, quick] = [slowTiff(), await photo(400)];
  const firstArrived = Promise.withResolvers<void>();
  const first = async function* () {
    yield slow;
    firstArrived.resolve();
  };
  const second = async function* () {
    await firstArrived.promise;
    yield quick;
  };
  // WHEN
  const [exceeding, rendered] = await Promise.allSettled([
    decoder.decode(first(), variants),
    decoder.decode(second(), variants),
  ]);
  // THEN
  expect(exceeding).toMatchObject({ status: 'rejected', reason: { reason: 'cpu' } });
  expect(rendered).toMatchObject({ status: 'fulfilled', value: { original: { width: 400, height: 300 } } });
});

test('refuses 3 x 4,194,305 pixels in less than 300 bytes by the header', async () => {
  const bomb = hostilePng(3, 4_194_305);
  expect(bomb.byteLength).toBeLessThan(300);
  await expect(decode(decoderWith(), bomb)).rejects.toMatchObject({
    code: 'image-too-large',
    message: expect.stringContaining('3 x 4194305'),
  });
});

const interlaced = (side: number): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: 'red' } })
    .png({ progressive: true, compressionLevel: 1 })
    .toBuffer();

test('stops a decode that takes too much memory, and continues with the next image', async () => {
  const decoder = decoderWith({ decodeMemoryMiB: 160 }, 'slow');
  await expect(decode(decoder, await interlaced(9000))).rejects.toMatchObject({
    name: 'DecodeStopped',
    reason: 'memory',
  });
  await expect(decode(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
  expect(logged.error).not.toHaveBeenCalled();
});

test('memory kept after one image does not count for the next', async () => {
  // GIVEN an image that takes about 50 MiB, of 64 that are allowed
  const bytes = await interlaced(2600);
  const decoder = decoderWith({ decodeMemoryMiB: 64 });
  for (let count = 0; count < 8; count += 1) {
    await expect(decode(decoder, bytes)).resolves.toMatchObject({ original: { width: 2600 } });
  }
});

test('each image of the slow lane gets a process of its own', async () => {
  const others = decoderPids();
  const decoder = decoderWith({}, 'slow');
  const pids: number[] = [];
  for (let count = 0; count < 3; count += 1) {
    const notePid = () => pids.push(...decoderPids().filter((pid) => !others.includes(pid)));
    await decoder.decode(incomingThen(await photo(400), notePid), variants);
  }
  expect(new Set(pids).size).toBe(3);
});

test('does not blame an image for a process that died, and continues with the next image', async () => {
  // GIVEN a decode under way
  const others = decoderPids();
  const decoder = decoderWith();
  const [pid = 0] = decoderPids().filter((each) => !others.includes(each));
  const image = incomingThen(await photo(400), () => {
    process.kill(pid, 'SIGSTOP');
    // WHEN
    setImmediate(() => process.kill(pid, 'SIGKILL'));
  });
  // THEN
  await expect(decoder.decode(image, variants)).rejects.toMatchObject({ reason: 'crash' });
  expect(logged.error).toHaveBeenCalledWith('decoder died', { how: 'SIGKILL' });
  await expect(decode(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
});

const testOnLinux = process.platform === 'linux' ? test : test.skip;

testOnLinux('gives the process no credentials, and no address of any', () => {
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

test('an error of the source is not the image’s fault, and leaves its process to the next image', async () => {
  const decoder = decoderWith();
  const bytes = await photo(400);
  const reset = new Error('connection reset');
  const breaking = async function* () {
    yield bytes.subarray(0, 5000);
    throw reset;
  };
  const large = async function* () {
    yield Buffer.alloc(1_000_000);
    throw reset;
  };
  const before = decoderPids();
  for (let round = 0; round < 20; round += 1) {
    await expect(decoder.decode(breaking(), variants)).rejects.toBe(reset);
    await expect(decoder.decode(large(), variants)).rejects.toBe(reset);
    await expect(decode(decoder, bytes)).resolves.toMatchObject({ original: { width: 400 } });
  }
  expect(decoderPids()).toEqual(before);
});

/** A decoder that an image has taken over: it answers the first request with what the script writes. */
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
  ['no JSON', "onImage(() => say('{\\n'))"],
  ['another shape', 'onImage(() => say(\'{"kind":"rendered"}\\n\'))'],
  ['an endless line', 'onImage(() => { for (;;) say("x".repeat(60000)); })'],
  [
    'a verdict that only the service may return',
    "onImage(() => say(JSON.stringify({ kind: 'refused', code: 'unauthorized', detail: '', residentMiB: 1 }) + '\\n'))",
  ],
  ['“ready”', 'onImage(ready)'],
  ['no thumbnails', 'onImage(() => rendered({ thumbnails: [] }))'],
  [
    'a thumbnail of a gigabyte',
    'onImage(() => rendered({ thumbnails: [{ bytes: 1e9, width: 320, height: 240 }, { bytes: 1, width: 16, height: 12 }] }))',
  ],
  ['fewer bytes than it says', "onImage(() => rendered({}, ''))"],
  ['bytes that are not a thumbnail', "onImage(() => rendered({}, 'a secret'))"],
  ['damage that there is not', "onImage(() => rendered({ damage: { kind: 'hacked', reason: 'x' } }))"],
  ['a reason of two lines', "onImage(() => rendered({ damage: { kind: 'damaged', reason: 'a\\nb' } }))"],
  ['a placeholder that is text', "onImage(() => rendered({ thumbhash: '<script>alert(1)</script>' }))"],
])('a decoder that replies with %s affects that image only', async (_, script) => {
  // GIVEN
  const decoder = decoderWith({}, 'fast', { first: takenOver(`ready(); ${script}`) });
  // WHEN
  await expect(decode(decoder, await photo(400))).rejects.toMatchObject({ reason: 'crash' });
  // THEN
  await expect(decode(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
  expect(logged.error).toHaveBeenCalled();
});

test('a decoder that writes endless warnings does not fill the log', async () => {
  const script =
    "ready(); onImage(() => { for (let i = 0; i < 5000; i += 1) console.error('x'.repeat(5000)); say('{\\n'); })";
  const decoder = decoderWith({}, 'fast', { first: takenOver(script) });
  await expect(decode(decoder, await photo(400))).rejects.toMatchObject({ reason: 'crash' });
  expect(logged.warn.mock.calls.length).toBeLessThanOrEqual(20);
  for (const [, { line }] of logged.warn.mock.calls) expect(line.length).toBeLessThanOrEqual(200);
});

test('replaces a process that holds much memory after an image', async () => {
  const script =
    'ready(); onImage(() => say(JSON.stringify({ kind: "refused", code: "image-corrupt", detail: "no", residentMiB: 300 }) + "\\n"))';
  const first = takenOver(script);
  const decoder = decoderWith({}, 'fast', { first });
  await expect(decode(decoder, await photo(400))).rejects.toMatchObject({ code: 'image-corrupt' });
  await expect(decode(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
  expect(first.child.killed).toBe(true);
});

describe('an animation that a variant keeps', () => {
  const kept = variantsSchema.parse([{ name: 'moving', animation: 'keep' }, { name: 'still' }]);
  const canvas = { width: 60, height: 40 };
  const frames = Array.from({ length: 80 }, (_, index) => ({
    left: 0,
    top: 0,
    ...canvas,
    colour: index % 2 === 0 ? red : blue,
  }));

  const pagesFrom = async (decoder: Decoder, image: Buffer) => {
    const { thumbnails } = await decoder.decode(Readable.from([image]), kept);
    return Promise.all(thumbnails.map(async ({ bytes }) => (await sharp(bytes).metadata()).pages ?? 1));
  };

  test('is rendered in the fast lane if it is short', async () => {
    expect(await pagesFrom(decoderWith(), gif(canvas, frames.slice(0, 3)))).toEqual([3, 1]);
  });

  test('is rendered in the slow lane otherwise', async () => {
    const long = gif(canvas, frames);
    await expect(pagesFrom(decoderWith(), long)).rejects.toMatchObject({ reason: 'estimate' });
    expect(await pagesFrom(decoderWith({}, 'slow'), long)).toEqual([80, 1]);
  });

  test('shows its first frame if it may take longer than the slow lane allows', async () => {
    const many = gif(canvas, Array.from({ length: 3 }, () => frames).flat());
    expect(await pagesFrom(decoderWith({ decodeTimeoutSeconds: 1 }, 'slow'), many)).toEqual([1, 1]);
  });
});
