import * as z from 'zod';
import { variantsSchema } from '../image/variant.ts';
import { allowedRecipientsSchema } from '../notify/mail-request.ts';
import { json, wholeNumber } from '../runtime/environment.ts';
import { authSchema, linksSchema } from './auth.ts';

/** What ingest reads from its environment, in whichever way it runs. */
export const ingestEnvironment = z.object({
  RAW_BUCKET: z.string().min(1),
  THUMBNAIL_BUCKET: z.string().min(1),
  CATALOG_TABLE: z.string().min(1),
  RESIZE_QUEUE_URL: z.string().min(1),
  IMAGE_EVENTS_TOPIC_ARN: z.string().min(1),
  /** Tells the metrics of this copy of the service from those of another. */
  STACK_NAME: z.string().min(1),
  VARIANTS: json(variantsSchema),
  MAX_INLINE_BYTES: wholeNumber,
  MAX_UPLOAD_BYTES: wholeNumber,
  URL_LIFETIME_SECONDS: wholeNumber,
  /** Where uploads are counted, and leases of callers that wait are kept. */
  ADMISSION_TABLE: z.string().min(1),
  MAX_UPLOADS_PER_DAY: wholeNumber,
  MAX_UPLOAD_BYTES_PER_DAY: wholeNumber,
  /** Callers that wait at once for their thumbnails, of all processes that share leases. */
  MAX_WAITING_CALLERS: wholeNumber,
  /** The path segment that API Gateway puts before every route. */
  STAGE: z.string().min(1),
  /**
   * What links begin with, with the stage and without a slash at the end: behind a load balancer callers may send any
   * `Host`. @default - follows from each request
   */
  PUBLIC_URL: z
    .string()
    .regex(/^https?:\/\/[^\s?#]*[^\s?#/]$/, 'a URL without a slash at the end')
    .optional(),
  /**
   * JSON of what `Host` may be, for a service that only its own machine may use. Requests that pages of other sites make
   * are refused then, too. @default - any `Host`
   */
  ALLOWED_HOSTS: json(z.array(z.string().min(1)).min(1)).optional(),
  /** JSON of the setting `auth`. */
  AUTH: json(authSchema),
  LINKS: linksSchema,
  /** The role that signs URLs, where the process cannot tell when its own credentials end. */
  URL_SIGNER_ROLE_ARN: z.string().min(1).optional(),
  /** Where it is kept who wants a mail. @default - mail is off */
  MAIL_REQUESTS_TABLE: z.string().min(1).optional(),
  /** JSON of the setting `email.allowedRecipients`. */
  ALLOWED_RECIPIENTS: json(allowedRecipientsSchema).prefault('[]'),
});

export type IngestEnvironment = z.input<typeof ingestEnvironment>;
