import * as z from 'zod';
import { imageLimitsSchema } from '../image/limits.ts';
import { variantsSchema } from '../image/variant.ts';
import { json } from '../runtime/environment.ts';

/** What resize reads from its environment, in whichever way it runs. */
export const resizeEnvironment = z.object({
  RAW_BUCKET: z.string().min(1),
  THUMBNAIL_BUCKET: z.string().min(1),
  CATALOG_TABLE: z.string().min(1),
  /** Where the fast lane sends slow images. */
  SLOW_RESIZE_QUEUE_URL: z.string().min(1),
  IMAGE_EVENTS_TOPIC_ARN: z.string().min(1),
  /** Tells the metrics of this copy of the service from those of another. */
  STACK_NAME: z.string().min(1),
  VARIANTS: json(variantsSchema),
  IMAGE_LIMITS: json(imageLimitsSchema),
});

export type ResizeEnvironment = z.input<typeof resizeEnvironment>;

/** A function serves one lane, a container both. */
export const resizeFunctionEnvironment = resizeEnvironment.extend({ LANE: z.enum(['fast', 'slow']) });

export type ResizeFunctionEnvironment = z.input<typeof resizeFunctionEnvironment>;
