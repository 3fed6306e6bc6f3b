import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import type { ImageLimits } from '../../../lambdas/image/limits.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { createDecoder, type Decoder, DecoderDied } from '../../../lambdas/resize/decoder.ts';
import { imageLimitsOf, readSettings } from '../../../lib/settings.ts';
import { hostilePng, quarteredPicture } from '../../images.ts';

const variants = variantsSchema.parse([{ name: 'thumbnail' }, { name: 'tiny', width: 16 }]);
const logged = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };

beforeEach(() => {
  jest.clearAllMocks();
});

const decoderWith = (limits: Partial<ImageLimits> = {}): Decoder =>
  createDecoder({ ...imageLimitsOf(readSettings({})), ...limits }, logged);

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

test('ends a decode that comes to no end, and goes on with the next image', async () => {
  // GIVEN a process that is stuck, whatever its threads or its timers would do
  const others = decoderPids();
  const decoder = decoderWith({ decodeTimeoutSeconds: 1 });
  const image = await decoder.load(incoming(await photo(400)));
  const [stuck = 0] = decoderPids().filter((pid) => !others.includes(pid));
  process.kill(stuck, 'SIGSTOP');
  // WHEN
  await expect(image.render(variants)).rejects.toMatchObject({
    name: 'ImageError',
    code: 'decode-timeout',
    message: expect.stringContaining('1 seconds'),
  });
  image.close();
  // THEN
  await expect(render(decoder, await photo(500))).resolves.toMatchObject({ original: { width: 500 } });
  expect(decoderPids()).not.toContain(stuck);
  expect(logged.error).not.toHaveBeenCalled();
});

test('refuses 3 x 4,194,305 pixels in less than 300 bytes by the header', async () => {
  const bomb = hostilePng(3, 4_194_305);
  expect(bomb.byteLength).toBeLessThan(300);
  await expect(render(decoderWith(), bomb)).rejects.toMatchObject({
    code: 'image-too-large',
    message: expect.stringContaining('3 x 4194305'),
  });
});

test('ends a decode that takes too much memory, and goes on with the next image', async () => {
  const decoder = decoderWith({ decodeMemoryMiB: 160 });
  const interlaced = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: 'red' } })
    .png({ progressive: true, compressionLevel: 1 })
    .toBuffer();
  await expect(render(decoder, interlaced)).rejects.toMatchObject({
    name: 'ImageError',
    code: 'decode-memory',
    message: expect.stringContaining('160 MiB'),
  });
  await expect(render(decoder, await photo(400))).resolves.toMatchObject({ original: { width: 400 } });
  expect(logged.error).not.toHaveBeenCalled();
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

testOnLinux('gives the process none of its credentials', () => {
  const others = decoderPids();
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret-of-the-service';
  decoderWith();
  const started = decoderPids().filter((pid) => !others.includes(pid));
  delete process.env['AWS_SECRET_ACCESS_KEY'];
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
  const decoder = decoderWith({ decodeTimeoutSeconds: 5 });
  const bytes = await photo(400);
  const before = decoderPids();
  for (let round = 0; round < 20; round += 1) {
    (await decoder.load(incoming(bytes))).close();
    (await decoder.load(incoming(Buffer.alloc(1_000_000)))).close();
    await expect(render(decoder, bytes)).resolves.toMatchObject({ original: { width: 400 } });
  }
  expect(decoderPids()).toEqual(before);
});
