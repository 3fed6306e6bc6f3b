import type { IngestEnvironment } from '../lambdas/ingest/environment.ts';
import type { NotifyEnvironment } from '../lambdas/notify/environment.ts';
import type { ReconcileEnvironment } from '../lambdas/reconcile/environment.ts';
import type { ResizeEnvironment } from '../lambdas/resize/environment.ts';
import type { EmailSettings } from '../lib/notify/settings.ts';
import { imageLimitsOf, type Settings } from '../lib/settings.ts';
import { awsEnvironment, queueUrl, resources, topicArn } from './aws.ts';
import type { Credentials } from './data-folder.ts';
import { hostsAt } from './emulators/own-requests-only.ts';
import { endpointOf, host, type Ports } from './ports.ts';
import type { LakeWorkerEnvironment } from './workers/lake.ts';

/**
 * How long an image may wait for its thumbnails before it counts as lost: longer than a message of a killed worker
 * stays hidden in the queue.
 */
const overdueSeconds = 60;

export const apiUrlOf = ({ api }: Ports, { stage }: Settings): string => `${endpointOf(api)}/${stage}`;

/** Mail is always on: whoever tries it out need not set it up, and none leaves this machine. */
export const emailOf = ({ email }: Settings): EmailSettings =>
  email ?? { from: 'thumbnails@example.com', allowedRecipients: ['example.com'] };

/** Where an API listens that only this machine may use. */
export const listeningAt = (port: number) => ({
  HOST: host,
  PORT: String(port),
  ALLOWED_HOSTS: JSON.stringify(hostsAt(port)),
});

/** The whole environment of each process, as the deployment would give it. */
export const environmentsFor = (ports: Ports, settings: Settings, credentials: Credentials) => {
  const endpoints = {
    s3: endpointOf(ports.s3),
    sqs: endpointOf(ports.sqs),
    sns: endpointOf(ports.sqs),
    dynamodb: endpointOf(ports.dynamodb),
    ses: endpointOf(ports.mail),
  };
  const email = emailOf(settings);
  const common = {
    ...awsEnvironment(endpoints, credentials),
    RAW_BUCKET: resources.rawBucket,
    THUMBNAIL_BUCKET: resources.thumbnailBucket,
    CATALOG_TABLE: resources.catalogTable,
    RESIZE_QUEUE_URL: queueUrl(endpoints.sqs, resources.resizeQueue),
    SLOW_RESIZE_QUEUE_URL: queueUrl(endpoints.sqs, resources.slowResizeQueue),
    MAIL_REQUESTS_TABLE: resources.mailRequestsTable,
    ADMISSION_TABLE: resources.admissionTable,
    IMAGE_EVENTS_TOPIC_ARN: topicArn(resources.imageEventsTopic),
    VARIANTS: JSON.stringify(settings.variants),
    STACK_NAME: settings.stackName,
    // Nobody counts here, and the log shows what happens without them.
    POWERTOOLS_METRICS_DISABLED: 'true',
  };
  return {
    ingest: {
      ...common,
      MAX_INLINE_BYTES: String(settings.maxInlineBytes),
      MAX_UPLOAD_BYTES: String(settings.maxUploadBytes),
      URL_LIFETIME_SECONDS: String(settings.urlLifetimeSeconds),
      MAX_UPLOADS_PER_DAY: String(settings.maxUploadsPerDay),
      MAX_UPLOAD_BYTES_PER_DAY: String(settings.maxUploadBytesPerDay),
      MAX_WAITING_CALLERS: String(settings.maxWaitingCallers),
      STAGE: settings.stage,
      AUTH: JSON.stringify(settings.auth),
      LINKS: settings.links,
      ALLOWED_RECIPIENTS: JSON.stringify(email.allowedRecipients),
      ...listeningAt(ports.api),
    } satisfies IngestEnvironment & Record<string, string>,
    resize: { ...common, IMAGE_LIMITS: JSON.stringify(imageLimitsOf(settings)) } satisfies ResizeEnvironment &
      Record<string, string>,
    notify: {
      ...common,
      NOTIFY_QUEUE_URL: queueUrl(endpoints.sqs, resources.notifyQueue),
      API_URL: apiUrlOf(ports, settings),
      MAIL_FROM: email.from,
      MAIL_CONFIGURATION_SET: resources.mailConfigurationSet,
    } satisfies NotifyEnvironment & Record<string, string>,
    lake: {
      ...common,
      DATA_LAKE_QUEUE_URL: queueUrl(endpoints.sqs, resources.dataLakeQueue),
      DATA_LAKE_BUCKET: resources.dataLakeBucket,
    } satisfies LakeWorkerEnvironment & Record<string, string>,
    reconcile: {
      ...common,
      OVERDUE_SECONDS: String(overdueSeconds),
      MAX_BACKLOG: '10',
    } satisfies ReconcileEnvironment & Record<string, string>,
  };
};
