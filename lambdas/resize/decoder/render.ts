import { damageSentences } from '../../image/damage.ts';
import { ImageError } from '../../image/errors.ts';
import type { Variant } from '../../image/variant.ts';
import type { Acceptance } from '../environment.ts';
import { openAnimation } from './animation/animation.ts';
import { isCostlyHeader } from './cost.ts';
import { encode, scaled, scaleFor } from './encode.ts';
import { graphicsOf } from './graphics.ts';
import { requireWithinLimits } from './header-limits.ts';
import { clearHiddenColours } from './hidden-colours.ts';
import { openOriginal } from './originals/open.ts';
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
 * @param maxCpuMilliseconds an animation that takes more is replaced by its first frame
 * @throws ImageError `unsupported-type`, `image-too-large`, `image-corrupt`
 * @throws ExceedsEstimate
 */
export const renderImage = async (
  bytes: Uint8Array,
  variants: readonly Variant[],
  acceptance: Acceptance,
  maxEstimatedMilliseconds = Number.POSITIVE_INFINITY,
  maxCpuMilliseconds = Number.POSITIVE_INFINITY,
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
  const stillMilliseconds = image.estimateMilliseconds(size);
  const animation = openAnimation(bytes, image, {
    variants,
    acceptance,
    stillMilliseconds,
    maxCpuMilliseconds,
  });
  const estimate = stillMilliseconds + (animation?.estimatedMilliseconds ?? 0);
  if (estimate > maxEstimatedMilliseconds) throw new ExceedsEstimate();
  const { raster, damage } = await image.decode(size);
  if (damage && acceptance.damaged === 'refuse') {
    throw new ImageError('image-corrupt', damageSentences[damage.kind], { cause: damage.reason });
  }
  clearHiddenColours(raster);
  const graphics = graphicsOf(raster);
  const animated = await animation?.render();
  const encoded = Promise.all(
    variants.map((variant) => animated?.get(variant) ?? encode(raster, original, variant, graphics)),
  );
  // The encoders run in other threads meanwhile.
  const thumbhash = placeholderOf(raster);
  return { original, damage, thumbnails: await encoded, thumbhash };
};
