import * as z from 'zod';
import { variantsJson } from '../environment.ts';

/** What resize reads from its environment, in whichever way it runs. */
export const resizeEnvironment = z.object({
  RAW_BUCKET: z.string().min(1),
  THUMBNAIL_BUCKET: z.string().min(1),
  CATALOG_TABLE: z.string().min(1),
  VARIANTS: variantsJson,
});

export type ResizeEnvironment = z.input<typeof resizeEnvironment>;
