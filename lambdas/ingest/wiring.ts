import type { Hono } from 'hono';
import { createCatalog } from '../aws/catalog.ts';
import { createDynamoDBClient, createS3Client, isBusy, socketsPerClient } from '../aws/clients.ts';
import { createEvents } from '../aws/events.ts';
import { createOriginals } from '../aws/originals.ts';
import { createResizeRequests } from '../aws/resize-requests.ts';
import { createSigningClient } from '../aws/signing-client.ts';
import { createThumbnails } from '../aws/thumbnails.ts';
import { createUploadBudget } from '../aws/upload-budget.ts';
import { createUploads } from '../aws/uploads.ts';
import { createUrls, type Urls } from '../aws/urls.ts';
import { createSharedPlaces } from '../aws/waiting-places.ts';
import type { OwnedPorts } from '../owners/own-ports.ts';
import { wireOwners } from '../owners/wiring.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createIngestApp, type IngestAppProps } from './app.ts';
import { createCurrentRecords } from './current-records.ts';
import type { IngestEnvironment } from './environment.ts';
import { createExtensions } from './extensions.ts';
import { createIngest, type Ingest, type IngestDependencies } from './ingest.ts';
import { createReplies } from './reply.ts';

/** What differs between a function (behind API Gateway) and a server. */
export interface IngestHost
  extends Pick<IngestAppProps, 'withBody' | 'checkRequest' | 'authenticate'>,
    Pick<IngestDependencies, 'stopping'> {
  /** @default - places that all functions share: each waiting caller keeps one function busy */
  readonly waitingPlaces?: IngestDependencies['waitingPlaces'];
}

/** Builds the API from the environment. */
export const wireIngest = (
  environment: IngestEnvironment,
  log: Log,
  { withBody, checkRequest, authenticate, stopping, waitingPlaces }: IngestHost,
): Hono => {
  const s3 = createS3Client();
  // One client for all tables, so that they share its connections.
  const dynamodb = createDynamoDBClient();
  const signingClient = environment.urlSignerRoleArn
    ? createSigningClient(environment.urlSignerRoleArn)
    : async () => s3;
  // Assumes the role early, so that a cold function does not wait for STS. After a failure the first
  // signature retries.
  signingClient().catch(() => {});
  const lifetimeSeconds = environment.urlLifetimeSeconds;
  const thumbnailUrls = createUrls(signingClient, environment.thumbnailBucket, lifetimeSeconds);
  const ports: OwnedPorts = {
    originals: createOriginals(s3, environment.rawBucket, environment.retention),
    catalog: createCatalog(environment.catalogTable, dynamodb),
    uploads: createUploads(signingClient, environment.rawBucket, lifetimeSeconds),
  };
  const dependencies: Omit<IngestDependencies, keyof OwnedPorts> = {
    thumbnails: createThumbnails(s3, environment.thumbnailBucket),
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
    resizeRequests: createResizeRequests(environment.resizeQueueUrl),
    events: createEvents(environment.imageEventsTopicArn),
    metrics: createMetrics(environment.stackName),
    log,
    variants: environment.variants,
    acceptsHeic: environment.heic,
    stopping,
  };
  const ingestWith = (given: OwnedPorts): Ingest => createIngest({ ...dependencies, ...given });
  const anonymous = ingestWith(ports);
  const owners = environment.auth === 'none' ? undefined : wireOwners(environment, ports, dynamodb);
  return createIngestApp({
    ingestFor: (caller) => {
      if (caller.kind === 'anonymous') return anonymous;
      if (owners === undefined) throw new Error('A caller is known although auth is "none".');
      return ingestWith(owners.portsOf(caller.owner));
    },
    ownImagesFor:
      owners &&
      ((owner) => {
        const { publish } = dependencies.events;
        const records = createCurrentRecords({ ...dependencies, ...owners.portsOf(owner), publish });
        return owners.imagesOf(owner, records.find);
      }),
    replies: createReplies(thumbnailUrls, environment.variants, environment.auth === 'none'),
    bucketOrigins: () =>
      Promise.all([
        originOf(thumbnailUrls),
        originOf(createUrls(signingClient, environment.rawBucket, lifetimeSeconds)),
      ]),
    extensions: createExtensions(environment, dynamodb),
    withBody,
    maxInlineBytes: environment.maxInlineBytes,
    maxUploadBytes: environment.maxUploadBytes,
    // An upload that is recorded also finds a socket to S3.
    maxUploadsAtOnce: socketsPerClient,
    stage: environment.stage,
    publicUrl: environment.publicUrl,
    auth: environment.auth,
    links: environment.links,
    corsOrigins: environment.corsOrigins,
    uploadPage: environment.uploadPage,
    checkRequest,
    authenticate,
    isBusy,
    log,
  });
};

/** The scheme, host and port of the URLs of a bucket. */
const originOf = async (urls: Urls): Promise<string> => {
  const { sign } = await urls.signer();
  return new URL(await sign('any')).origin;
};
