import { createSharedPlaces, createUploadBudget } from '../aws/admission.ts';
import { createCatalog } from '../aws/catalog.ts';
import { createDynamoDBClient, createS3Client, isBusy, socketsPerClient } from '../aws/clients.ts';
import { createEvents } from '../aws/events.ts';
import { createOriginals } from '../aws/originals.ts';
import { createResizeRequests } from '../aws/resize-requests.ts';
import { createSigningClient } from '../aws/signing-client.ts';
import { createUploads } from '../aws/uploads.ts';
import { createUrls } from '../aws/urls.ts';
import { createMailRequests } from '../notify/mail-requests.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createIngestApp, type IngestApp, type IngestAppProps } from './app.ts';
import type { IngestEnvironment } from './environment.ts';
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
  environment: IngestEnvironment,
  log: Log,
  { guard, maxBytesInHand, stopping, waitingPlaces }: ServerProps = {},
): IngestApp => {
  const s3 = createS3Client();
  // One for all tables: another would open connections of its own.
  const dynamodb = createDynamoDBClient();
  const signingClient = environment.urlSignerRoleArn
    ? createSigningClient(environment.urlSignerRoleArn)
    : async () => s3;
  // So that it is there when the first URL is to be signed: a cold function need not wait for STS then. If it does not come,
  // whoever signs asks again.
  signingClient().catch(() => {});
  const mailTable = environment.mailRequestsTable;
  const lifetimeSeconds = environment.urlLifetimeSeconds;
  return createIngestApp({
    ingest: createIngest({
      originals: createOriginals(s3, environment.rawBucket),
      catalog: createCatalog(environment.catalogTable, dynamodb),
      budget: createUploadBudget(
        environment.admissionTable,
        {
          uploads: environment.maxUploadsPerDay,
          bytes: environment.maxUploadBytesPerDay,
          maxUploadBytes: environment.maxUploadBytes,
        },
        dynamodb,
      ),
      waitingPlaces:
        waitingPlaces ??
        createSharedPlaces(environment.admissionTable, environment.maxWaitingCallers, dynamodb),
      uploads: createUploads(signingClient, environment.rawBucket, lifetimeSeconds),
      resizeRequests: createResizeRequests(environment.resizeQueueUrl),
      events: createEvents(environment.imageEventsTopicArn),
      mailRequests: mailTable === undefined ? undefined : createMailRequests(mailTable, dynamodb),
      metrics: createMetrics(environment.stackName),
      log,
      variants: environment.variants,
      stopping,
    }),
    replies: createReplies(
      createUrls(signingClient, environment.thumbnailBucket, lifetimeSeconds),
      environment.variants,
    ),
    maxInlineBytes: environment.maxInlineBytes,
    maxUploadBytes: environment.maxUploadBytes,
    stage: environment.stage,
    publicUrl: environment.publicUrl,
    allowedHosts: environment.allowedHosts,
    auth: environment.auth,
    links: environment.links,
    allowedRecipients: environment.allowedRecipients,
    guard,
    maxBytesInHand,
    // Each that is at work finds a socket to S3: what is noted of an image is followed by its bytes.
    maxUploadsAtOnce: socketsPerClient,
    isBusy,
    log,
  });
};
