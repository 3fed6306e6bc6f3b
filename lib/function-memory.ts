import type { ImageLimits } from '../lambdas/resize/environment.ts';
import { fastMemoryMiB, type Lane } from '../lambdas/resize/lanes.ts';

/** Gives a function one whole CPU (Lambda Developer Guide, "Configure Lambda function memory"). */
const oneCpuMiB = 1769;

/** Memory of the process that starts decoders. */
const parentMiB = 300;

/** Memory of an idle decoder, and how far it may exceed its limit before it is killed. */
const besideImageMiB = 150;

export const ingestMemoryMiB = 1024;
export const deletionMemoryMiB = 512;

type MemoryLimits = Pick<ImageLimits, 'decodeMemoryMiB'>;

const decoderMemoryMiB = (limits: MemoryLimits, lane: Lane): number =>
  besideImageMiB + (lane === 'fast' ? fastMemoryMiB(limits) : limits.decodeMemoryMiB);

/** Memory of a worker that decodes this many images of the fast lane at a time, and one of the slow lane. */
export const workerMemoryMiB = (limits: MemoryLimits, fastDecoders: number): number =>
  parentMiB + fastDecoders * decoderMemoryMiB(limits, 'fast') + decoderMemoryMiB(limits, 'slow');

export const resizeMemoryMiB = (limits: MemoryLimits, lane: Lane): number =>
  Math.max(oneCpuMiB, parentMiB + decoderMemoryMiB(limits, lane));
