import sharp from 'sharp';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { openOriginal } from '../../../lambdas/resize/decoder/originals/open.ts';
import { allowanceOf } from '../../../lambdas/resize/lanes.ts';
import { readSettings } from '../../../lib/settings.ts';
import { slowTiff } from '../../images.ts';

const limits = readSettings({});
const thumbnail = variantsSchema.parse([{ name: 'thumbnail' }]);
const { maxEstimatedMilliseconds = Number.NaN } = allowanceOf('fast', limits, thumbnail, false);

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'teal' } });

const estimate = async (image: Buffer): Promise<number> => {
  const original = await openOriginal(image, { heic: false });
  return original.estimateMilliseconds(original);
};

test.each([
  ['a 12-megapixel JPEG', () => picture(4000, 3000).jpeg().toBuffer()],
  ['a 48-megapixel JPEG', () => picture(8000, 6000).jpeg().toBuffer()],
  ['a JPEG with a profile', () => picture(4000, 3000).withIccProfile('p3').jpeg().toBuffer()],
  ['a screenshot', () => picture(2560, 1440).png().toBuffer()],
  ['a GIF', () => picture(800, 600).gif().toBuffer()],
])('%s stays in the fast lane', async (_, image) => {
  expect(await estimate(await image())).toBeLessThanOrEqual(maxEstimatedMilliseconds);
});

test.each([
  ['99 megapixels of L*a*b*', async () => slowTiff()],
  ['a 12-megapixel AVIF', () => picture(4000, 3000).avif({ effort: 0 }).toBuffer()],
  ['a large interlaced PNG', () => picture(5000, 4000).png({ progressive: true }).toBuffer()],
  ['a large PNG of 16 bits', () => picture(4000, 3000).toColourspace('rgb16').png().toBuffer()],
  ['a large progressive JPEG', () => picture(8000, 6000).jpeg({ progressive: true }).toBuffer()],
  ['a large TIFF with a profile', () => picture(4000, 3000).withIccProfile('p3').tiff().toBuffer()],
])('%s moves to the slow lane', async (_, image) => {
  expect(await estimate(await image())).toBeGreaterThan(maxEstimatedMilliseconds);
});

test('the fast lane allows for large variants', () => {
  const large = variantsSchema.parse([{ name: 'large', width: 4000, height: 4000, format: 'avif' }]);
  expect(allowanceOf('fast', limits, large, false).cpuMilliseconds).toBeGreaterThan(10_000);
  expect(allowanceOf('fast', limits, large, false).maxEstimatedMilliseconds).toBe(maxEstimatedMilliseconds);
});

test('no lane allows more memory than the settings', () => {
  const small = { ...limits, decodeMemoryMiB: 128 };
  expect(allowanceOf('fast', small, thumbnail, false).memoryMiB).toBe(128);
  expect(allowanceOf('slow', limits, thumbnail, true)).toMatchObject({
    memoryMiB: 1280,
    cpuMilliseconds: 20_000,
  });
});

test('the fast lane allows less while others wait', () => {
  const [alone, crowded] = [false, true].map((isCrowded) =>
    allowanceOf('fast', limits, thumbnail, isCrowded),
  );
  expect(crowded?.cpuMilliseconds).toBeLessThan(alone?.cpuMilliseconds ?? 0);
  expect(crowded?.maxEstimatedMilliseconds).toBeLessThan(alone?.maxEstimatedMilliseconds ?? 0);
});
