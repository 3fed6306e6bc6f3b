import { devNull } from 'node:os';
import type { Credentials } from './data-folder.ts';
import { endpointOf, type Ports } from './ports.ts';

/** The defaults of the emulators. */
export const region = 'us-east-1';
export const accountId = '000000000000';

/** The names of what a deployment creates. */
export const resources = {
  rawBucket: 'raw-images',
  thumbnailBucket: 'thumbnail-images',
  dataLakeBucket: 'data-lake',
  catalogTable: 'catalog',
  mailRequestsTable: 'mail-requests',
  admissionTable: 'admission',
  resizeQueue: 'resize',
  slowResizeQueue: 'slow-resize',
  notifyQueue: 'notify',
  dataLakeQueue: 'data-lake',
  imageEventsTopic: 'image-events',
  mailConfigurationSet: 'mail',
} as const;

/**
 * What the SDK reads from its environment, so that it uses the emulators and nothing else. The configuration files
 * are named too: a profile in the developer's home could send requests elsewhere.
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

export const queueUrl = (endpoint: string, name: string): string => `${endpoint}/${accountId}/${name}`;

export const deadLetterQueueOf = (queue: string): string => `${queue}-dead-letters`;

export const topicArn = (name: string): string => `arn:aws:sns:${region}:${accountId}:${name}`;
