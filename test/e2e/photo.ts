import sharp from 'sharp';
import { cameraPicture, quarterColours, quarters } from '../images.ts';

/** A photo of 12 megapixels and about 4 MB, with grain, taken with the camera on its side. */
export const largePhoto = async (): Promise<Buffer> => {
  const side = 512;
  const grain = await sharp({
    create: {
      width: side,
      height: side,
      channels: 3,
      background: 'grey',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  })
    .png()
    .toBuffer();
  return (await cameraPicture(3024, 4032, 6))
    .composite([{ input: grain, tile: true, blend: 'overlay' }])
    .jpeg({ quality: 90 })
    .toBuffer();
};

/** @param quality a different value makes a different image */
export const smallPhoto = async (quality: number): Promise<Buffer> =>
  (await cameraPicture(480, 640, 6)).jpeg({ quality }).toBuffer();

/** The colours of the four quarters, in reading order. */
export const coloursOf = async (image: Buffer): Promise<readonly string[]> =>
  (await quarterColours(image)).map((pixel) => {
    const distance = (colour: readonly number[]) =>
      Math.hypot(...colour.map((value, channel) => value - (pixel[channel] ?? 0)));
    const [nearest] = Object.entries(quarters).sort(([, a], [, b]) => distance(a) - distance(b));
    return nearest?.[0] ?? 'none';
  });
