import type { Variant } from '../image/variant.ts';
import { estimateEncodeMilliseconds } from './decoder/cost.ts';
import type { ImageLimits } from './environment.ts';

/**
 * Two lanes keep slow images from delaying the others. Every image starts in the fast lane. It moves to the
 * slow lane, a queue with its own concurrency limit, when its header promises much work or when it exceeds
 * the fast lane's allowance. Only in the slow lane does an image fail for its time or memory.
 */
export type Lane = 'fast' | 'slow';

/**
 * What the decode of one image may use. It is measured in CPU time, which other processes hardly influence.
 */
export interface DecodeAllowance {
  readonly cpuMilliseconds: number;
  /** Above what the process held before the image arrived. */
  readonly memoryMiB: number;
  /** An image whose header promises more work is not decoded. Undefined: every image is. */
  readonly maxEstimatedMilliseconds: number | undefined;
}

/** A 48-megapixel phone photo takes 150 ms. */
const fastDecodeMilliseconds = 250;

/** While other images wait. Forty images that use all of it delay the next by 2.4 s on two cores. */
const crowdedDecodeMilliseconds = 120;

/** An AVIF of 2 megapixels needs about 100 MiB. */
const maxFastMemoryMiB = 512;

export const fastMemoryMiB = ({ decodeMemoryMiB }: Pick<ImageLimits, 'decodeMemoryMiB'>): number =>
  Math.min(maxFastMemoryMiB, decodeMemoryMiB);

/**
 * Large variants alone do not make an image slow: the time to encode them is added to the fast lane's
 * allowance.
 *
 * @param isCrowded whether other images wait in the fast lane
 */
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
    cpuMilliseconds: decodeMilliseconds + estimateEncodeMilliseconds(variants),
    memoryMiB: fastMemoryMiB(limits),
    maxEstimatedMilliseconds: decodeMilliseconds,
  };
};
