import type { Hono } from 'hono';
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
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createIngestApp, type IngestAppProps } from './app.ts';
import type { ingestEnvironment } from './environment.ts';
import { createExtensions } from './extensions.ts';
import { createIngest, type IngestDependencies } from './ingest.ts';
import { createReplies } from './reply.ts';

/** What differs between a function, behind a gateway, and a server. */
export interface IngestHost
  extends Pick<IngestAppProps, 'withBody' | 'checkRequest' | 'authenticate'>,
    Pick<IngestDependencies, 'stopping'> {
  /** @default - places that all functions share: each waiting caller keeps one function busy */
  readonly waitingPlaces?: IngestDependencies['waitingPlaces'];
}

/** Builds the API from the environment. */
export const wireIngest = (
  environment: z.output<typeof ingestEnvironment>,
  log: Log,
  { withBody, checkRequest, authenticate, stopping, waitingPlaces }: IngestHost,
): Hono => {
  const s3 = createS3Client();
  // One client for all tables, so that they share its connections.
  const dynamodb = createDynamoDBClient();
  const signingClient = environment.URL_SIGNER_ROLE_ARN
    ? createSigningClient(environment.URL_SIGNER_ROLE_ARN)
    : async () => s3;
  // Assumes the role early, so that a cold function does not wait for STS. After a failure the first
  // signature retries.
  signingClient().catch(() => {});
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
      metrics: createMetrics(environment.STACK_NAME),
      log,
      variants: environment.VARIANTS,
      stopping,
    }),
    replies: createReplies(
      createUrls(signingClient, environment.THUMBNAIL_BUCKET, lifetimeSeconds),
      environment.VARIANTS,
    ),
    extensions: createExtensions(environment, dynamodb),
    withBody,
    maxInlineBytes: environment.MAX_INLINE_BYTES,
    maxUploadBytes: environment.MAX_UPLOAD_BYTES,
    // An upload that is recorded also finds a socket to S3.
    maxUploadsAtOnce: socketsPerClient,
    stage: environment.STAGE,
    publicUrl: environment.PUBLIC_URL,
    auth: environment.AUTH,
    links: environment.LINKS,
    checkRequest,
    authenticate,
    isBusy,
    log,
  });
};
