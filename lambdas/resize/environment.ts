import * as z from 'zod';
import { variantsSchema } from '../image/variant.ts';
import { type EnvironmentOf, json, text, wholeNumber } from '../runtime/environment.ts';

/** Limits that an image's header must respect: the settings of the same names. */
const headerLimits = {
  maxSidePixels: wholeNumber,
  maxPixels: wholeNumber,
  maxFrames: wholeNumber,
  maxAnimationPixels: wholeNumber,
};

export type HeaderLimits = EnvironmentOf<typeof headerLimits>;

/** What one image may cost: the settings of the same names. */
const imageLimits = {
  ...headerLimits,
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
  imageEventsTopicArn: text,
  stackName: text,
  variants: json(variantsSchema),
  ...imageLimits,
};

export type ResizeEnvironment = EnvironmentOf<typeof resizeEnvironment>;

/** A function serves one lane, a container both. */
export const resizeFunctionEnvironment = { ...resizeEnvironment, lane: z.enum(['fast', 'slow']) };
