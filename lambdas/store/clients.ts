import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';

/**
 * When to give up a request, so that a service that does not answer costs one of the SDK's three tries and not the
 * whole function. The idle time is that of a body under way, too.
 */
const timeouts = {
  connectionTimeout: 1000,
  requestTimeout: 5000,
  throwOnRequestTimeout: true,
  socketTimeout: 5000,
} as const;

/**
 * An S3 client that adds no checksum of its own: uploads carry the SHA-256 that names them, and S3 verifies that one
 * (1.25 instead of 1.53 times the cost of a bare PUT of 4.5 MB). Nor does it ask S3 whether it may begin, for which the SDK
 * would open a new connection, with a TLS handshake of its own, for each upload of more than 2 MiB.
 */
export const createS3Client = (config: S3ClientConfig = {}): S3Client =>
  new S3Client({
    requestHandler: timeouts,
    ...config,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
  });

export const createDynamoDBClient = (): DynamoDBClient => new DynamoDBClient({ requestHandler: timeouts });

/** @param pollSeconds how long the queue may take to answer, on purpose. @default 0 */
export const createSQSClient = (pollSeconds = 0): SQSClient => {
  const milliseconds = timeouts.requestTimeout + pollSeconds * 1000;
  return new SQSClient({
    requestHandler: { ...timeouts, requestTimeout: milliseconds, socketTimeout: milliseconds },
  });
};

export const createSTSClient = (): STSClient => new STSClient({ requestHandler: timeouts });

/** Gives up early: a request of ours waits for it. */
export const createSNSClient = (): SNSClient =>
  new SNSClient({
    requestHandler: { ...timeouts, requestTimeout: 2000, socketTimeout: 2000 },
    maxAttempts: 2,
  });

/** Tries once: whoever does not hear that a mail was taken cannot know that it was not. */
export const createSESv2Client = (): SESv2Client =>
  new SESv2Client({ requestHandler: timeouts, maxAttempts: 1 });
