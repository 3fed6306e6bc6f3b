import { readSettings } from '../lib/settings.ts';
import type { startCatalogServer } from './catalog-server.ts';

type CatalogServer = Awaited<ReturnType<typeof startCatalogServer>>;

const queueUrlOf = (name: string): string => `https://sqs.us-east-2.amazonaws.com/111122223333/${name}`;

/** All values that a function may read from its environment, but for the tables. */
const defaults = {
  ...readSettings({}),
  // Images beyond these limits are still small.
  maxInlineBytes: 100_000,
  maxUploadBytes: 5_000_000,
  urlLifetimeSeconds: 600,
  maxWaitingCallers: 100,
  rawBucket: 'raw-bucket',
  thumbnailBucket: 'thumbnail-bucket',
  resizeQueueUrl: queueUrlOf('resize'),
  slowResizeQueueUrl: queueUrlOf('slow-resize'),
  deleteQueueUrl: queueUrlOf('delete'),
  imageEventsTopicArn: 'arn:aws:sns:us-east-2:111122223333:image-events',
  apiUrl: 'https://api.example/dev',
  mailFrom: 'thumbnails@example.net',
  mailConfigurationSet: 'mails',
  overdueSeconds: 900,
  maxBacklog: 10,
};

/** The values of a deployment without mail, and those that a test changes. */
export const valuesWith = <Given extends object>(
  { tableName, admissionTableName, ownersTableName }: CatalogServer,
  given: Given,
) => ({
  ...defaults,
  catalogTable: tableName,
  admissionTable: admissionTableName,
  ownersTable: ownersTableName,
  ...given,
});

/** What the SDK reads from the environment. */
export const awsVariables = ({ endpoint, credentials }: CatalogServer) => ({
  AWS_REGION: 'us-east-2',
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_ENDPOINT_URL_DYNAMODB: endpoint,
});
