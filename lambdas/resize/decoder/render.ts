import { damageSentences } from '../../image/damage.ts';
import { ImageError } from '../../image/errors.ts';
import type { Variant } from '../../image/variant.ts';
import type { Acceptance } from '../environment.ts';
import { isCostlyHeader } from './cost.ts';
import { encode, scaled, scaleFor } from './encode.ts';
import { requireWithinLimits } from './header-limits.ts';
import { openOriginal } from './originals/open.ts';
import type { Raster } from './originals/original.ts';
import { placeholderOf } from './placeholder.ts';
import type { Rendering } from './protocol.ts';

/** The header promises more work than is allowed. No pixel was decoded. */
export class ExceedsEstimate extends Error {
  override readonly name = 'ExceedsEstimate';
}

/**
 * Makes all the variants from one decode: upright, sRGB, without metadata, never enlarged.
 *
 * @param maxEstimatedMilliseconds the largest estimate with which an image is decoded
 * @throws ImageError `unsupported-type`, `image-too-large`, `image-corrupt`
 * @throws ExceedsEstimate
 */
export const renderImage = async (
  bytes: Uint8Array,
  variants: readonly Variant[],
  acceptance: Acceptance,
  maxEstimatedMilliseconds = Number.POSITIVE_INFINITY,
): Promise<Rendering> => {
  if (maxEstimatedMilliseconds !== Number.POSITIVE_INFINITY && isCostlyHeader(bytes)) {
    throw new ExceedsEstimate();
  }
  const image = await openOriginal(bytes, acceptance);
  requireWithinLimits(image, acceptance);
  if (image.coded) requireWithinLimits({ ...image.coded, frames: image.frames }, acceptance);
  const original = { width: image.width, height: image.height };
  // The image is decoded once, shrinking on load, at the largest scale that a variant needs.
  const scale = Math.max(...variants.map((variant) => scaleFor(original, variant)));
  const size = scaled(original, scale);
  if (image.estimateMilliseconds(size) > maxEstimatedMilliseconds) throw new ExceedsEstimate();
  const { raster, damage } = await image.decode(size);
  if (damage && acceptance.damaged === 'refuse') {
    throw new ImageError('image-corrupt', damageSentences[damage.kind], { cause: damage.reason });
  }
  clearHiddenColours(raster);
  const encoded = Promise.all(variants.map((variant) => encode(raster, original, variant)));
  // The encoders run in other threads meanwhile.
  const thumbhash = placeholderOf(raster);
  return { original, damage, thumbnails: await encoded, thumbhash };
};

/** Transparent pixels may hide colours, even a whole picture, which PNG and AVIF would keep. */
const clearHiddenColours = ({ data, channels }: Raster): void => {
  if (channels % 2 !== 0) return;
  for (let alpha = channels - 1; alpha < data.byteLength; alpha += channels) {
    if (data[alpha] !== 0) continue;
    for (let sample = alpha - channels + 1; sample < alpha; sample += 1) data[sample] = 0;
  }
};
