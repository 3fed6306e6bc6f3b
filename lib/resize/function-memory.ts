import type { ImageLimits } from '../../lambdas/resize/environment.ts';
import { fastMemoryMiB, type Lane } from '../../lambdas/resize/lanes.ts';

/** What gives a function one whole CPU (Lambda Developer Guide, "Configure Lambda function memory"). */
const oneCpuMiB = 1769;

/** For the process that starts decoders. */
const parentMiB = 300;

/** What a decoder holds before an image arrives, and what it may be over its limit before it is killed. */
const besideImageMiB = 150;

export const ingestMemoryMiB = 1024;

type MemoryLimits = Pick<ImageLimits, 'decodeMemoryMiB'>;

const decoderMemoryMiB = (limits: MemoryLimits, lane: Lane): number =>
  besideImageMiB + (lane === 'fast' ? fastMemoryMiB(limits) : limits.decodeMemoryMiB);

/** What a worker may need that decodes so many images of the fast lane at once, and one of the slow lane. */
export const workerMemoryMiB = (limits: MemoryLimits, fastDecoders: number): number =>
  parentMiB + fastDecoders * decoderMemoryMiB(limits, 'fast') + decoderMemoryMiB(limits, 'slow');

export const resizeMemoryMiB = (limits: MemoryLimits, lane: Lane): number =>
  Math.max(oneCpuMiB, parentMiB + decoderMemoryMiB(limits, lane));
