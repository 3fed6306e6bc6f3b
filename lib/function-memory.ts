import type { ImageLimits } from '../lambdas/image/limits.ts';

/** What gives a function one whole CPU (Lambda Developer Guide, "Configure Lambda function memory"). */
const oneCpuMiB = 1769;

/** For the process that starts a decoder, and for what a decoder may be over its limit before it is ended. */
const besideDecoderMiB = 400;

export const ingestMemoryMiB = 1024;

/** What so many decoders at once may come to take. */
export const decodersMemoryMiB = (
  { decodeMemoryMiB }: Pick<ImageLimits, 'decodeMemoryMiB'>,
  count: number,
): number => count * (decodeMemoryMiB + besideDecoderMiB);

export const resizeMemoryMiB = (limits: ImageLimits): number =>
  Math.max(oneCpuMiB, decodersMemoryMiB(limits, 1));
