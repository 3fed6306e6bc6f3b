import { Readable } from 'node:stream';
import { GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { sdkStreamMixin } from '@smithy/core/serde';
import { mockClient } from 'aws-sdk-client-mock';
import sharp, { type Sharp } from 'sharp';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { variantSchema } from '../../../lambdas/image/variant.ts';
import { createPreview } from '../../../lambdas/notify/preview.ts';
import { createThumbnails } from '../../../lambdas/store/thumbnails.ts';
import { quarteredPicture } from '../../images.ts';

const s3 = mockClient(S3Client);
const id = imageIdOf(Buffer.from('an image'));
const thumbnails = createThumbnails(new S3Client({ region: 'us-east-2' }), 'thumbnail-bucket');
const preview = createPreview(thumbnails, variantSchema.parse({ name: 'thumbnail' }));

beforeEach(() => s3.reset());

const previewOf = async (thumbnail: Buffer) => {
  s3.on(GetObjectCommand).resolves({ Body: sdkStreamMixin(Readable.from([thumbnail])) });
  const made = await preview(id);
  if (made === undefined) throw new Error('no preview');
  return { made, metadata: await sharp(made.bytes).metadata() };
};

test.each([
  ['WebP', (picture: Sharp) => picture.webp()],
  ['AVIF', (picture: Sharp) => picture.avif({ effort: 0 })],
  ['JPEG', (picture: Sharp) => picture.jpeg()],
  ['PNG', (picture: Sharp) => picture.png()],
])('of a %s thumbnail is a JPEG of at most 240 pixels a side', async (_, encoded) => {
  const { made, metadata } = await previewOf(await encoded(quarteredPicture(160, 320)).toBuffer());
  expect(made).toMatchObject({ contentType: 'image/jpeg', width: 120, height: 240 });
  expect(metadata).toMatchObject({ format: 'jpeg', width: 120, height: 240 });
});

test('of a small thumbnail is as small', async () => {
  const { made } = await previewOf(await quarteredPicture(40, 30).webp().toBuffer());
  expect(made).toMatchObject({ width: 40, height: 30 });
});

test('lies on white where the thumbnail is transparent', async () => {
  const transparent = sharp({
    create: { width: 20, height: 20, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
  });
  const { made } = await previewOf(await transparent.webp().toBuffer());
  expect([...(await sharp(made.bytes).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 255, 255]);
});

test('has none of the metadata that a thumbnail may have', async () => {
  const thumbnail = await quarteredPicture(40, 30)
    .withExif({ IFD0: { Copyright: 'somebody' } })
    .withIccProfile('p3')
    .jpeg()
    .toBuffer();
  const { exif, icc } = await sharp(thumbnail).metadata();
  expect([exif, icc]).toEqual([expect.any(Buffer), expect.any(Buffer)]);
  const { metadata } = await previewOf(thumbnail);
  expect([metadata.exif, metadata.icc]).toEqual([undefined, undefined]);
});

test('that cannot be fetched at the moment may come later', async () => {
  const slowDown = new S3ServiceException({ name: 'SlowDown', $fault: 'server', $metadata: {} });
  s3.on(GetObjectCommand).rejects(slowDown);
  await expect(preview(id)).rejects.toBe(slowDown);
});
