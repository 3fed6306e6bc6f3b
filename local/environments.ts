import type { IngestEnvironment } from '../lambdas/ingest/environment.ts';
import type { ReconcileEnvironment } from '../lambdas/reconcile/environment.ts';
import type { ResizeEnvironment } from '../lambdas/resize/environment.ts';
import { imageLimitsOf, type Settings } from '../lib/settings.ts';
import { awsEnvironment, queueUrl, resources } from './aws.ts';
import { endpointOf, host, type Ports } from './ports.ts';

/**
 * How long an image may wait for its thumbnails before it counts as lost: longer than a message of a killed worker
 * stays hidden in the queue.
 */
const overdueSeconds = 60;

/** The whole environment of each process, as the deployment would give it. */
export const environmentsFor = (ports: Ports, settings: Settings) => {
  const endpoints = {
    s3: endpointOf(ports.s3),
    sqs: endpointOf(ports.sqs),
    dynamodb: endpointOf(ports.dynamodb),
  };
  const common = {
    ...awsEnvironment(endpoints),
    RAW_BUCKET: resources.rawBucket,
    THUMBNAIL_BUCKET: resources.thumbnailBucket,
    CATALOG_TABLE: resources.catalogTable,
    RESIZE_QUEUE_URL: queueUrl(endpoints.sqs, resources.resizeQueue),
    VARIANTS: JSON.stringify(settings.variants),
  };
  return {
    ingest: {
      ...common,
      MAX_INLINE_BYTES: String(settings.maxInlineBytes),
      MAX_UPLOAD_BYTES: String(settings.maxUploadBytes),
      URL_LIFETIME_SECONDS: String(settings.urlLifetimeSeconds),
      STAGE: settings.stage,
      AUTH: JSON.stringify(settings.auth),
      LINKS: settings.links,
      HOST: host,
      PORT: String(ports.api),
    } satisfies IngestEnvironment & Record<string, string>,
    resize: { ...common, IMAGE_LIMITS: JSON.stringify(imageLimitsOf(settings)) } satisfies ResizeEnvironment &
      Record<string, string>,
    reconcile: { ...common, OVERDUE_SECONDS: String(overdueSeconds) } satisfies ReconcileEnvironment &
      Record<string, string>,
  };
};
