import type * as z from 'zod';
import { createCatalog } from '../aws/catalog.ts';
import { createDynamoDBClient, createS3Client, isBusy, socketsPerClient } from '../aws/clients.ts';
import { createEvents } from '../aws/events.ts';
import { createOriginals } from '../aws/originals.ts';
import { createResizeRequests } from '../aws/resize-requests.ts';
import { createSigningClient } from '../aws/signing-client.ts';
import { createUploadBudget } from '../aws/upload-budget.ts';
import { createUploads } from '../aws/uploads.ts';
import { createUrls } from '../aws/urls.ts';
import { createSharedPlaces } from '../aws/waiting-places.ts';
import { createMailRequests } from '../notify/mail-requests.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createIngestApp, type IngestApp, type IngestAppProps } from './app.ts';
import type { ingestEnvironment } from './environment.ts';
import { createIngest, type IngestProps } from './ingest.ts';
import { createReplies } from './reply.ts';

/** What a gateway does in front of a function, and a server must do by itself. */
export type ServerProps = Pick<IngestAppProps, 'guard' | 'maxBytesInHand'> &
  Pick<IngestProps, 'stopping'> & {
    /**
     * Where callers wait. @default - in places that all functions share: each that waits keeps one function
     * busy
     */
    readonly waitingPlaces?: IngestProps['waitingPlaces'];
  };

/** Everything behind the API, wired to the services that the environment names. */
export const createIngestService = (
  environment: z.output<typeof ingestEnvironment>,
  log: Log,
  { guard, maxBytesInHand, stopping, waitingPlaces }: ServerProps = {},
): IngestApp => {
  const s3 = createS3Client();
  // One for all tables: another would open connections of its own.
  const dynamodb = createDynamoDBClient();
  const signingClient = environment.URL_SIGNER_ROLE_ARN
    ? createSigningClient(environment.URL_SIGNER_ROLE_ARN)
    : async () => s3;
  // So that it is there when the first URL is to be signed: a cold function need not wait for STS then. If it does not come,
  // whoever signs asks again.
  signingClient().catch(() => {});
  const mailTable = environment.MAIL_REQUESTS_TABLE;
  const lifetimeSeconds = environment.URL_LIFETIME_SECONDS;
  return createIngestApp({
    ingest: createIngest({
      originals: createOriginals(s3, environment.RAW_BUCKET),
      catalog: createCatalog(environment.CATALOG_TABLE, dynamodb),
      budget: createUploadBudget(
        environment.ADMISSION_TABLE,
        {
          uploads: environment.MAX_UPLOADS_PER_DAY,
          bytes: environment.MAX_UPLOAD_BYTES_PER_DAY,
          maxUploadBytes: environment.MAX_UPLOAD_BYTES,
        },
        dynamodb,
      ),
      waitingPlaces:
        waitingPlaces ??
        createSharedPlaces(environment.ADMISSION_TABLE, environment.MAX_WAITING_CALLERS, dynamodb),
      uploads: createUploads(signingClient, environment.RAW_BUCKET, lifetimeSeconds),
      resizeRequests: createResizeRequests(environment.RESIZE_QUEUE_URL),
      events: createEvents(environment.IMAGE_EVENTS_TOPIC_ARN),
      mailRequests: mailTable === undefined ? undefined : createMailRequests(mailTable, dynamodb),
      metrics: createMetrics(environment.STACK_NAME),
      log,
      variants: environment.VARIANTS,
      stopping,
    }),
    replies: createReplies(
      createUrls(signingClient, environment.THUMBNAIL_BUCKET, lifetimeSeconds),
      environment.VARIANTS,
    ),
    maxInlineBytes: environment.MAX_INLINE_BYTES,
    maxUploadBytes: environment.MAX_UPLOAD_BYTES,
    stage: environment.STAGE,
    publicUrl: environment.PUBLIC_URL,
    allowedHosts: environment.ALLOWED_HOSTS,
    auth: environment.AUTH,
    links: environment.LINKS,
    allowedRecipients: mailTable === undefined ? undefined : environment.ALLOWED_RECIPIENTS,
    guard,
    maxBytesInHand,
    // Each that is at work finds a socket to S3: what is noted of an image is followed by its bytes.
    maxUploadsAtOnce: socketsPerClient,
    isBusy,
    log,
  });
};
