import type { ImageLimits } from '../lambdas/image/limits.ts';

/** What gives a function one whole CPU (Lambda Developer Guide, "Configure Lambda function memory"). */
const oneCpuMiB = 1769;

/** For the function itself, and for what a decoder may be over its limit before it is ended. */
const besideDecoderMiB = 400;

export const ingestMemoryMiB = 1024;

export const resizeMemoryMiB = ({ decodeMemoryMiB }: ImageLimits): number =>
  Math.max(oneCpuMiB, decodeMemoryMiB + besideDecoderMiB);
