import * as z from 'zod';
import { damagedChoices } from '../image/damage.ts';
import { variantsSchema } from '../image/variant.ts';
import { type EnvironmentOf, json, text, wholeNumber } from '../runtime/environment.ts';

/** What a decoder accepts: the settings of the same names. */
const acceptance = {
  maxSidePixels: wholeNumber,
  maxPixels: wholeNumber,
  maxFrames: wholeNumber,
  maxAnimationPixels: wholeNumber,
  damaged: z.enum(damagedChoices),
  heic: json(z.boolean()),
};

export type Acceptance = EnvironmentOf<typeof acceptance>;

/** What one image may cost: the settings of the same names. */
const imageLimits = {
  ...acceptance,
  maxUploadBytes: wholeNumber,
  decodeTimeoutSeconds: wholeNumber,
  decodeMemoryMiB: wholeNumber,
};

export type ImageLimits = EnvironmentOf<typeof imageLimits>;

/** Values that resize reads from its environment, as a function and as a container. */
export const resizeEnvironment = {
  rawBucket: text,
  thumbnailBucket: text,
  catalogTable: text,
  /** The fast lane moves slow images there. */
  slowResizeQueueUrl: text,
  /** What arrives of a deleted image is removed by the deletion worker. */
  deleteQueueUrl: text,
  imageEventsTopicArn: text,
  stackName: text,
  variants: json(variantsSchema),
  ...imageLimits,
};

export type ResizeEnvironment = EnvironmentOf<typeof resizeEnvironment>;

/** A function serves one lane, a container both. */
export const resizeFunctionEnvironment = { ...resizeEnvironment, lane: z.enum(['fast', 'slow']) };
