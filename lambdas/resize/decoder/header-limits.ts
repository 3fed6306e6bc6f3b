import { ImageError } from '../../image/errors.ts';
import type { Acceptance } from '../environment.ts';
import type { OpenOriginal } from './originals/original.ts';

/** @throws ImageError `image-too-large`, which names the limit */
export const requireWithinLimits = (
  { width, height, frames }: Pick<OpenOriginal, 'width' | 'height' | 'frames'>,
  { maxSidePixels, maxPixels, maxFrames, maxAnimationPixels }: Omit<Acceptance, 'damaged'>,
): void => {
  const tooLarge = (what: string, rule: string) =>
    new ImageError('image-too-large', `The image has ${what}. At most ${rule} are accepted.`);
  if (width > maxSidePixels || height > maxSidePixels) {
    throw tooLarge(`${width} x ${height} pixels`, `${maxSidePixels} on a side`);
  }
  if (width * height > maxPixels) throw tooLarge(`${width} x ${height} pixels`, `${maxPixels} in all`);
  if (frames > maxFrames) throw tooLarge(`${frames} frames`, `${maxFrames}`);
  if (width * height * frames > maxAnimationPixels) {
    throw tooLarge(`${frames} frames of ${width} x ${height} pixels`, `${maxAnimationPixels} in all frames`);
  }
};
