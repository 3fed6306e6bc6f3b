import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { sdkStreamMixin } from '@smithy/core/serde';
import { mockClient } from 'aws-sdk-client-mock';
import sharp, { type Sharp } from 'sharp';
import { createThumbnails } from '../../../lambdas/aws/thumbnails.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { type Variant, variantSchema } from '../../../lambdas/image/variant.ts';
import { createPreview } from '../../../lambdas/notify/preview.ts';
import { writeAnimatedWebp } from '../../../lambdas/resize/decoder/animation/animated-webp.ts';
import { quarteredPicture } from '../../images.ts';
import { allowAllLoaders } from '../../loaders.ts';

afterAll(allowAllLoaders);

const s3 = mockClient(S3Client);
const id = imageIdOf(Buffer.from('an image'));
const thumbnails = createThumbnails(new S3Client({ region: 'us-east-2' }), 'thumbnail-bucket');
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const previewIn = (format: Variant['format']) =>
  createPreview(thumbnails, variantSchema.parse({ name: 'thumbnail', format }), log);

beforeEach(() => {
  s3.reset();
  jest.clearAllMocks();
});

/** The preview of stored bytes; undefined if they are refused. */
const tryOn = (thumbnail: Buffer, format: Variant['format']) => {
  s3.on(GetObjectCommand).resolves({ Body: sdkStreamMixin(Readable.from([thumbnail])) });
  return previewIn(format)(id);
};

const previewOf = async (thumbnail: Buffer, format: Variant['format'] = 'webp') => {
  const made = await tryOn(thumbnail, format);
  if (made === undefined) throw new Error('no preview');
  expect(log.error).not.toHaveBeenCalled();
  return { made, metadata: await sharp(made.bytes).metadata() };
};

const encoders = {
  webp: (picture: Sharp) => picture.webp(),
  avif: (picture: Sharp) => picture.avif({ effort: 0 }),
  jpeg: (picture: Sharp) => picture.jpeg(),
  png: (picture: Sharp) => picture.png(),
} as const;
const formats = ['webp', 'avif', 'jpeg', 'png'] as const;

test.each(formats)('of a %s thumbnail is a JPEG of at most 240 pixels a side', async (format) => {
  const { made, metadata } = await previewOf(
    await encoders[format](quarteredPicture(160, 320)).toBuffer(),
    format,
  );
  expect(made).toMatchObject({ contentType: 'image/jpeg', width: 120, height: 240 });
  expect(metadata).toMatchObject({ format: 'jpeg', width: 120, height: 240 });
});

test('of an animated thumbnail is its first frame', async () => {
  const frames = await Promise.all(
    ['#ff0000', '#0000ff'].map(async (background, index) => {
      const colour = sharp({ create: { width: 40, height: 30, channels: 3, background } });
      const still = await colour.webp({ lossless: true }).toBuffer();
      return { left: 0, top: 0, width: 40, height: 30, still, endsAt: 100 * (index + 1) };
    }),
  );
  const bytes = writeAnimatedWebp({ width: 40, height: 30 }, 0, frames);
  expect((await sharp(bytes).metadata()).pages).toBe(2);
  s3.on(GetObjectCommand).callsFake(() => ({ Body: sdkStreamMixin(Readable.from([bytes])) }));
  const variant = variantSchema.parse({ name: 'thumbnail', animation: 'keep' });
  const made = await createPreview(thumbnails, variant, log)(id);
  expect(made).toMatchObject({ contentType: 'image/jpeg', width: 40, height: 30 });
  const [r = 0, g = 0, b = 0] = await sharp(made?.bytes).raw().toBuffer();
  expect(r).toBeGreaterThan(240);
  expect(g + b).toBeLessThan(20);
  // A variant without animations has none.
  expect(await previewIn('webp')(id)).toBeUndefined();
});

test('of a small thumbnail is not enlarged', async () => {
  const { made } = await previewOf(await quarteredPicture(40, 30).webp().toBuffer());
  expect(made).toMatchObject({ width: 40, height: 30 });
});

test('is white where the thumbnail is transparent', async () => {
  const transparent = sharp({
    create: { width: 20, height: 20, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
  });
  const { made } = await previewOf(await transparent.webp().toBuffer());
  expect([...(await sharp(made.bytes).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 255, 255]);
});

const picture = (): Sharp => quarteredPicture(40, 30);

/** What an attacker who controls a decoder or the bucket may store as a thumbnail. */
const notThumbnails = [
  [
    'with metadata',
    async () =>
      picture()
        .withExif({ IFD0: { Copyright: 'a person' } })
        .webp()
        .toBuffer(),
  ],
  [
    'with appended data',
    async () => Buffer.concat([await picture().webp().toBuffer(), Buffer.from('secret')]),
  ],
  ['in another format', async () => picture().png().toBuffer()],
  [
    'that is an SVG',
    async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  ],
  ['that is a GIF', async () => picture().gif().toBuffer()],
  ['larger than the variant', async () => quarteredPicture(400, 300).webp().toBuffer()],
  ['that is empty', async () => Buffer.alloc(0)],
] as const;

test.each(notThumbnails)('of a file %s is refused and logged', async (_, bytes) => {
  expect(await tryOn(await bytes(), 'webp')).toBeUndefined();
  expect(log.error).toHaveBeenCalledWith('stored thumbnail refused', {
    imageId: id,
    error: expect.objectContaining({ name: 'InvalidThumbnail' }),
  });
});

test('of a valid file with damaged pixels is refused and logged', async () => {
  const bytes = await picture().png().toBuffer();
  const [start, end] = [bytes.indexOf('IDAT'), bytes.indexOf('IEND') - 8];
  bytes.fill(0x55, start + 4, end);
  bytes.writeUInt32BE(crc32(bytes.subarray(start, end)), end);
  expect(await tryOn(bytes, 'png')).toBeUndefined();
  const [, facts] = log.error.mock.calls[0];
  expect(facts.error).toBeInstanceOf(Error);
  expect(facts.error.name).not.toBe('InvalidThumbnail');
});

test('can use only the loaders of the thumbnails’ formats, and none that opens files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thumbnail-generator-preview-'));
  const file = join(folder, 'picture.webp');
  writeFileSync(file, await picture().webp().toBuffer());
  await expect(sharp(file).metadata()).rejects.toThrow(/unsupported image format/);
  rmSync(folder, { recursive: true });
  for (const bytes of [
    await picture().gif().toBuffer(),
    await picture().tiff().toBuffer(),
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  ]) {
    await expect(sharp(bytes).metadata()).rejects.toThrow(/unsupported image format/);
  }
});

test('fails with the error of S3 when the thumbnail cannot be fetched', async () => {
  const slowDown = new S3ServiceException({ name: 'SlowDown', $fault: 'server', $metadata: {} });
  s3.on(GetObjectCommand).rejects(slowDown);
  await expect(previewIn('webp')(id)).rejects.toBe(slowDown);
});
