import { devNull } from 'node:os';
import type { Credentials } from './data-folder.ts';

/** The emulators' own defaults. */
export const region = 'us-east-1';
export const accountId = '000000000000';

/** What the deployment would create. */
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

export interface Endpoints {
  readonly s3: string;
  readonly sqs: string;
  readonly sns: string;
  readonly dynamodb: string;
  readonly ses: string;
}

/**
 * What the AWS SDK reads from its environment, so that it talks to this machine and to nothing else. The files are
 * named as well: a profile in the developer's home could send requests elsewhere.
 */
export const awsEnvironment = (
  { s3, sqs, sns, dynamodb, ses }: Endpoints,
  { accessKeyId, secretAccessKey }: Credentials,
) => ({
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_ENDPOINT_URL_S3: s3,
  AWS_ENDPOINT_URL_SQS: sqs,
  AWS_ENDPOINT_URL_SNS: sns,
  AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
  AWS_ENDPOINT_URL_SESV2: ses,
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
});

export const queueUrl = (endpoint: string, name: string): string => `${endpoint}/${accountId}/${name}`;

export const deadLetterQueueOf = (queue: string): string => `${queue}-dead-letters`;

export const topicArn = (name: string): string => `arn:aws:sns:${region}:${accountId}:${name}`;
