import { devNull } from 'node:os';
import type { Credentials } from './data-folder.ts';
import { endpointOf, type Ports } from './ports.ts';

/** The defaults of the emulators. */
export const region = 'us-east-1';
export const accountId = '000000000000';

/** The names of what a deployment would create. */
export const resources = {
  rawBucket: 'raw-images',
  thumbnailBucket: 'thumbnail-images',
  dataLakeBucket: 'data-lake',
  catalogTable: 'catalog',
  mailRequestsTable: 'mail-requests',
  admissionTable: 'admission',
  resizeQueue: 'resize',
  slowResizeQueue: 'slow-resize',
  deleteQueue: 'delete',
  notifyQueue: 'notify',
  dataLakeQueue: 'data-lake',
  imageEventsTopic: 'image-events',
  mailConfigurationSet: 'mail',
} as const;

/**
 * The variables that make the AWS SDK talk to this machine only. They name empty configuration files as well,
 * because a profile in the developer's home folder could send requests elsewhere.
 */
export const awsEnvironment = (ports: Ports, { accessKeyId, secretAccessKey }: Credentials) => ({
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_ENDPOINT_URL_S3: endpointOf(ports.s3),
  AWS_ENDPOINT_URL_SQS: endpointOf(ports.sqs),
  AWS_ENDPOINT_URL_SNS: endpointOf(ports.sqs),
  AWS_ENDPOINT_URL_DYNAMODB: endpointOf(ports.dynamodb),
  AWS_ENDPOINT_URL_SESV2: endpointOf(ports.mail),
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
});

/** The options that make one client talk to this machine only, whatever the developer's AWS settings are. */
export const clientConfig = (endpoint: string, { accessKeyId, secretAccessKey }: Credentials) => ({
  endpoint,
  region,
  credentials: { accessKeyId, secretAccessKey },
  // The SDK refuses both together with an endpoint.
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
});

export const queueUrl = (endpoint: string, name: string): string => `${endpoint}/${accountId}/${name}`;

export const deadLetterQueueOf = (queue: string): string => `${queue}-dead-letters`;

export const topicArn = (name: string): string => `arn:aws:sns:${region}:${accountId}:${name}`;
