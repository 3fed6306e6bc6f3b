import type { Metadata } from 'sharp';
import type { Variant } from '../image/variant.ts';
import type { ImageLimits } from './environment.ts';
import { jpegScans } from './header-cost.ts';

/**
 * Two lanes keep slow images from delaying the others. Every image starts in the fast lane. It moves to the slow lane, a
 * queue with its own concurrency limit, when its header promises much work or when it exceeds the fast lane's allowance.
 * Only the slow lane gives a verdict about time or memory.
 */
export type Lane = 'fast' | 'slow';

/** What the decode of one image may use. It is measured in CPU time, which other processes hardly influence. */
export interface DecodeAllowance {
  readonly cpuMilliseconds: number;
  /** Above what the process held before the image arrived. */
  readonly memoryMiB: number;
  /** An image whose header promises more work is not started. Undefined: any is. */
  readonly maxEstimatedMilliseconds: number | undefined;
}

/** A 48-megapixel phone photo fits: 150 ms. */
const fastDecodeMilliseconds = 250;

/** While other images wait for a place. Forty images that use all of it delay the next by 2.4 s on two cores. */
const crowdedDecodeMilliseconds = 120;

/** An AVIF of 2 megapixels needs about 100 MiB. */
const maxFastMemoryMiB = 512;

/** CPU time for one megapixel of a thumbnail of noise, the worst case, at the encoder settings of render.ts. */
const encodeMillisecondsPerMegapixel = { webp: 150, jpeg: 40, avif: 700, png: 80 } as const;

export const fastMemoryMiB = ({ decodeMemoryMiB }: Pick<ImageLimits, 'decodeMemoryMiB'>): number =>
  Math.min(maxFastMemoryMiB, decodeMemoryMiB);

/** Large variants are no reason to call an image slow: their encoding comes on top of the fast lane's allowance. */
const encodeMilliseconds = (variants: readonly Variant[]): number =>
  variants
    .map(({ width, height, format }) => ((width * height) / 1e6) * encodeMillisecondsPerMegapixel[format])
    .reduce((sum, milliseconds) => sum + milliseconds, 0);

/** @param isCrowded whether other images wait for a place in the fast lane */
export const allowanceOf = (
  lane: Lane,
  limits: ImageLimits,
  variants: readonly Variant[],
  isCrowded: boolean,
): DecodeAllowance => {
  if (lane === 'slow') {
    return {
      cpuMilliseconds: limits.decodeTimeoutSeconds * 1000,
      memoryMiB: limits.decodeMemoryMiB,
      maxEstimatedMilliseconds: undefined,
    };
  }
  const decodeMilliseconds = isCrowded ? crowdedDecodeMilliseconds : fastDecodeMilliseconds;
  return {
    cpuMilliseconds: decodeMilliseconds + encodeMilliseconds(variants),
    memoryMiB: fastMemoryMiB(limits),
    maxEstimatedMilliseconds: decodeMilliseconds,
  };
};

/** CPU time to decode one megapixel of noise with sharp 0.35.5, by format. */
const decodeMillisecondsPerMegapixel: Readonly<Record<string, number>> = {
  jpeg: 5,
  png: 10,
  webp: 40,
  gif: 8,
  heif: 110,
  tiff: 12,
};

/** An interlaced PNG is decoded as a whole before its first row is there. */
const interlacedFactor = 2;

/** What each scan of a progressive JPEG adds, for one megapixel. */
const scanMillisecondsPerMegapixel = 1.2;

/** Colour management of one megapixel, which happens before the image is shrunk. */
const colourMillisecondsPerMegapixel = 33;

/** Estimates without decoding how much CPU time the decode of an image takes. An honest photo takes less. */
export const estimateDecodeMilliseconds = (metadata: Metadata, bytes: Uint8Array): number => {
  const { format, width, height, depth, channels = 3, isProgressive, hasProfile, space } = metadata;
  const isJpeg = format === 'jpeg';
  const decode = decodeMillisecondsPerMegapixel[format] ?? Number.POSITIVE_INFINITY;
  const sampleFactor = isJpeg ? 1 : Math.max(1, channels / 3) * (depth === 'uchar' ? 1 : 2.5);
  // A JPEG is shrunk to an eighth of its sides while it is decoded, so its profile is applied to few pixels.
  const isManaged = !isJpeg && (hasProfile || (space !== 'srgb' && space !== 'b-w'));
  const interlaced = isProgressive && !isJpeg ? interlacedFactor : 1;
  const scans = isProgressive && isJpeg ? scanMillisecondsPerMegapixel * jpegScans(bytes) : 0;
  const colour = isManaged ? colourMillisecondsPerMegapixel : 0;
  return ((width * height) / 1e6) * (decode * sampleFactor * interlaced + scans + colour);
};
