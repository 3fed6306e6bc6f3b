import * as z from 'zod';
import { variantsSchema } from '../image/variant.ts';
import { json } from '../runtime/environment.ts';

/** What notify reads from its environment, in whichever way it runs. */
export const notifyEnvironment = z.object({
  CATALOG_TABLE: z.string().min(1),
  MAIL_REQUESTS_TABLE: z.string().min(1),
  THUMBNAIL_BUCKET: z.string().min(1),
  VARIANTS: json(variantsSchema),
  /** Where people reach the API: with the stage, without a slash at the end. */
  API_URL: z.url(),
  MAIL_FROM: z.string().min(1),
  MAIL_CONFIGURATION_SET: z.string().min(1),
  STACK_NAME: z.string().min(1),
});

export type NotifyEnvironment = z.input<typeof notifyEnvironment>;
