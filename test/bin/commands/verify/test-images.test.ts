import sharp from 'sharp';
import {
  newBomb,
  newCorruptImage,
  newImageOf,
  newPhoto,
} from '../../../../bin/commands/verify/test-images.ts';
import { imageIdOf } from '../../../../lambdas/image/id.ts';

test('makes a JPEG of about 100 KB', async () => {
  const photo = await newPhoto();
  expect((await sharp(photo).metadata()).format).toBe('jpeg');
  expect(photo.length).toBeGreaterThan(80_000);
  expect(photo.length).toBeLessThan(120_000);
});

test('makes an image just below a size', async () => {
  const image = await newImageOf(4_690_000);
  expect((await sharp(image).metadata()).format).toBe('tiff');
  expect(image.length).toBeLessThanOrEqual(4_690_000);
  expect(image.length).toBeGreaterThan(4_640_000);
});

test('makes a small file that claims to have more pixels than any setting allows', async () => {
  const bomb = newBomb();
  expect(bomb.length).toBeLessThan(1000);
  const { width, height } = await sharp(bomb, { limitInputPixels: false }).metadata();
  expect((width ?? 0) * (height ?? 0)).toBeGreaterThan(1_000_000_000);
});

test('makes a corrupt image that cannot be taken for another kind of JPEG', () => {
  const corrupt = newCorruptImage(20_000);
  expect(corrupt).toHaveLength(20_000);
  // Its last marker is the JFIF segment.
  expect(corrupt.lastIndexOf(0xff)).toBe(2);
});

test.each([
  ['a photo', newPhoto],
  ['an image of a size', () => newImageOf(20_000)],
  ['a corrupt image', async () => newCorruptImage()],
  ['a bomb', async () => newBomb()],
])('makes %s that differs each time', async (_what, make) => {
  expect(imageIdOf(await make())).not.toBe(imageIdOf(await make()));
});
