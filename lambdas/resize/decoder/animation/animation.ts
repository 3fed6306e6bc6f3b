import { ImageError } from '../../../image/errors.ts';
import { originalTypeOf } from '../../../image/original-type.ts';
import type { Variant } from '../../../image/variant.ts';
import type { Acceptance } from '../../environment.ts';
import { type AnimationCosts, animationCostsOf, estimateAnimationMilliseconds } from '../cost.ts';
import { openOriginal } from '../originals/open.ts';
import type { OpenOriginal, Raster } from '../originals/original.ts';
import type { RenderedThumbnail } from '../protocol.ts';
import { createCanvas } from './canvas.ts';
import { exifOrientation } from './exif.ts';
import type { Animation, Frame } from './frames.ts';
import { readGif } from './gif.ts';
import { readPng } from './png.ts';
import { createStrip } from './strip.ts';
import { readWebp } from './webp.ts';

/** An animation that some variants keep. None of its frames has been decoded. */
export interface OpenAnimation {
  /** CPU time to render it, at most. */
  readonly estimatedMilliseconds: number;
  /**
   * Makes the animated thumbnails, one frame after the other, so that only one canvas is in memory.
   *
   * @returns none for a variant that would get too many bytes, or whose frames all look the same; none at all
   *   if it takes too long
   */
  render(): Promise<ReadonlyMap<Variant, RenderedThumbnail>>;
}

export interface AnimationOptions {
  readonly variants: readonly Variant[];
  readonly acceptance: Pick<Acceptance, 'maxFrames' | 'maxAnimationPixels'>;
  /** CPU time to decode the first frame, at most. */
  readonly stillMilliseconds: number;
  /** The CPU time that all of the image may take. */
  readonly maxCpuMilliseconds: number;
}

/** A canvas is held in memory several times. */
const maxCanvasPixels = 25_000_000;

/**
 * Reads the frames of an animation, if a variant keeps it.
 *
 * @param image the same file, of which the first frame is shown otherwise
 * @returns undefined if there is none, or it takes more than is allowed: no image is refused for what only
 *   its animation costs
 */
export const openAnimation = (
  bytes: Uint8Array,
  image: OpenOriginal,
  { variants, acceptance, stillMilliseconds, maxCpuMilliseconds }: AnimationOptions,
): OpenAnimation | undefined => {
  const animated = variants.filter(({ animation }) => animation === 'keep');
  if (animated.length === 0) return undefined;
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const animation = readFrames(file);
  if (animation === undefined || !canBeKept(animation, image, acceptance)) return undefined;
  const costs = animationCostsOf(animation, stillMilliseconds);
  return {
    estimatedMilliseconds: estimateAnimationMilliseconds(animation, costs, animated),
    render: () => render(animation, animated, costs, maxCpuMilliseconds - stillMilliseconds),
  };
};

const readFrames = (file: Buffer): Animation | undefined => {
  switch (originalTypeOf(file)) {
    case 'image/gif':
      return readGif(file);
    case 'image/webp':
      return readWebp(file);
    case 'image/png':
      return readPng(file);
    default:
      return undefined;
  }
};

/**
 * EXIF may turn it, which hardly any does. A frame may be larger than the canvas, and libvips knows only one
 * frame of an animated PNG.
 */
const canBeKept = (
  { width, height, exif, frames }: Animation,
  image: OpenOriginal,
  { maxFrames, maxAnimationPixels }: AnimationOptions['acceptance'],
): boolean => {
  if (width !== image.width || height !== image.height) return false;
  if (exif && exifOrientation(exif) > 1) return false;
  if (frames.length < 2 || frames.length > maxFrames) return false;
  const sizes = [{ width, height }, ...frames].map((size) => size.width * size.height);
  const decodedPixels = sizes.reduce((sum, pixels) => sum + pixels, 0);
  return (
    sizes.every((pixels) => pixels <= maxCanvasPixels) &&
    Math.max(decodedPixels, frames.length * width * height) <= maxAnimationPixels
  );
};

/**
 * Counts the work that is done instead of the time it takes, so that the same image always has the same
 * thumbnail.
 */
const render = async (
  animation: Animation,
  variants: readonly Variant[],
  costs: AnimationCosts,
  maxMilliseconds: number,
): Promise<ReadonlyMap<Variant, RenderedThumbnail>> => {
  const canvas = createCanvas(animation);
  const strips = variants.map((variant) => ({ variant, strip: createStrip(animation, variant) }));
  const thumbnails = new Map<Variant, RenderedThumbnail>();
  let milliseconds = 0;
  for (const frame of animation.frames) {
    milliseconds += costs.ofFrame(frame);
    if (milliseconds > maxMilliseconds) return thumbnails;
    const picture = await decodeFrame(frame);
    // A browser plays what comes before a damaged frame.
    if (picture === undefined) break;
    canvas.draw(frame, picture);
    const encodedPixels = await Promise.all(
      strips.map(({ strip }) => strip.add(canvas.raster, frame.milliseconds)),
    );
    for (const pixels of encodedPixels) milliseconds += costs.ofThumbnail(pixels);
  }
  for (const { variant, strip } of strips) {
    const thumbnail = strip.finish(animation.plays);
    if (thumbnail) thumbnails.set(variant, thumbnail);
  }
  return thumbnails;
};

/** @returns undefined if it is damaged */
const decodeFrame = async ({ width, height, still }: Frame): Promise<Raster | undefined> => {
  // Some encoders write a pause as a frame without pixels.
  if (width * height === 0) return { data: Buffer.alloc(0), width, height, channels: 4 };
  try {
    const image = await openOriginal(still(), { heic: false });
    if (image.width !== width || image.height !== height) return undefined;
    const { raster, damage } = await image.decode({ width, height });
    return damage ? undefined : raster;
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
};
