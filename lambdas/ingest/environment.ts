import * as z from 'zod';
import { retentionSchema } from '../image/retention.ts';
import { variantsSchema } from '../image/variant.ts';
import { allowedRecipientsSchema } from '../notify/mail-request.ts';
import { baseUrl, type EnvironmentOf, json, text, wholeNumber } from '../runtime/environment.ts';
import { authSchema, linksSchema, uploadPageSchema } from './auth.ts';
import { corsOriginsSchema } from './cors.ts';

/** Values that ingest reads from its environment, as a function and as a container. */
export const ingestEnvironment = {
  rawBucket: text,
  thumbnailBucket: text,
  catalogTable: text,
  resizeQueueUrl: text,
  deleteQueueUrl: text,
  imageEventsTopicArn: text,
  stackName: text,
  variants: json(variantsSchema),
  retention: json(retentionSchema),
  maxInlineBytes: wholeNumber,
  maxUploadBytes: wholeNumber,
  heic: json(z.boolean()),
  urlLifetimeSeconds: wholeNumber,
  /** Counts uploads, and holds the leases of waiting callers. */
  admissionTable: text,
  maxUploadsPerDay: wholeNumber,
  maxUploadBytesPerDay: wholeNumber,
  /** Callers that wait for thumbnails at a time, in all processes that share the leases. */
  maxWaitingCallers: wholeNumber,
  /** The path segment that API Gateway puts before every route. */
  stage: text,
  /**
   * Start of every link, with the stage. Needed with a load balancer, where callers control `Host`.
   * @default - the URL of the request
   */
  publicUrl: baseUrl.optional(),
  /**
   * Valid values of the header `Host`, for a server that only its own machine may use. It also refuses
   * requests from the pages of other sites. @default - any
   */
  allowedHosts: json(z.array(z.string().min(1)).min(1)).optional(),
  auth: json(authSchema),
  links: linksSchema,
  corsOrigins: json(corsOriginsSchema),
  uploadPage: json(uploadPageSchema),
  /**
   * Role that signs URLs, for a process that cannot know when its own credentials expire.
   * @default - the process signs
   */
  urlSignerRoleArn: text.optional(),
  /** Who owns which image. @default - everyone is anonymous: `auth` is `none` */
  ownersTable: text.optional(),
  /** @default - mail is off */
  mailRequestsTable: text.optional(),
  /** @default - mail is off */
  allowedRecipients: json(allowedRecipientsSchema).optional(),
};

export type IngestEnvironment = EnvironmentOf<typeof ingestEnvironment>;
