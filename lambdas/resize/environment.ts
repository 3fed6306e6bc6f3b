import * as z from 'zod';
import { json } from '../environment.ts';
import { imageLimitsSchema } from '../image/limits.ts';
import { variantsSchema } from '../image/variant.ts';

/** What resize reads from its environment, in whichever way it runs. */
export const resizeEnvironment = z.object({
  RAW_BUCKET: z.string().min(1),
  THUMBNAIL_BUCKET: z.string().min(1),
  CATALOG_TABLE: z.string().min(1),
  VARIANTS: json(variantsSchema),
  IMAGE_LIMITS: json(imageLimitsSchema),
});

export type ResizeEnvironment = z.input<typeof resizeEnvironment>;
