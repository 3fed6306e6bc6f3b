import * as z from 'zod';
import { variantsJson, wholeNumber } from '../environment.ts';

/** What ingest reads from its environment, in whichever way it runs. */
export const ingestEnvironment = z.object({
  RAW_BUCKET: z.string().min(1),
  THUMBNAIL_BUCKET: z.string().min(1),
  CATALOG_TABLE: z.string().min(1),
  RESIZE_QUEUE_URL: z.string().min(1),
  VARIANTS: variantsJson,
  MAX_INLINE_BYTES: wholeNumber,
  MAX_UPLOAD_BYTES: wholeNumber,
  URL_LIFETIME_SECONDS: wholeNumber,
  /** The path segment that API Gateway puts before every route. */
  STAGE: z.string().min(1),
  /** The role that signs URLs, where the process cannot tell when its own credentials end. */
  URL_SIGNER_ROLE_ARN: z.string().min(1).optional(),
});

export type IngestEnvironment = z.input<typeof ingestEnvironment>;
