import { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { ServiceException } from '@smithy/core/client';
import { isThrottlingError } from '@smithy/core/retry';
import { BusyError, createGate } from '../runtime/gate.ts';

/**
 * A client sends at most as many requests at a time as it has sockets (SDK for JavaScript v3, "Configure
 * maxSockets in Node.js"). The SDK would let further ones wait for a socket while their connection timeout
 * already runs, so bursts would fail. Here they wait first.
 */
export const socketsPerClient = 50;

const gateOf = (client: string) =>
  createGate({
    what: `Requests to ${client}`,
    places: socketsPerClient,
    // Bounds memory.
    maxWaiting: 10_000,
    // With three attempts of 1 s and 5 s, callers get their 503 within the 30 s of API Gateway.
    waitMilliseconds: 5000,
  });

const agentOptions = { maxSockets: socketsPerClient } as const;

/** A service that does not reply costs one of three attempts, instead of the function's whole timeout. */
const timeouts = {
  connectionTimeout: 1000,
  requestTimeout: 5000,
  throwOnRequestTimeout: true,
  // Also limits each pause while a body arrives.
  socketTimeout: 5000,
  httpAgent: agentOptions,
  httpsAgent: agentOptions,
} as const;

/** The part of an SDK client that sends its requests. */
interface Sender {
  readonly config: {
    readonly requestHandler: Pick<S3Client['config']['requestHandler'], 'handle'>;
  };
}

const gated = <Client extends Sender>(client: Client): Client => {
  const gate = gateOf(client.constructor.name);
  const { requestHandler } = client.config;
  const send = requestHandler.handle.bind(requestHandler);
  // Each attempt of the SDK passes here, and its timeouts begin after the gate.
  requestHandler.handle = async (request, options) => {
    const leave = await gate.enter();
    try {
      const sent = await send(request, options);
      const body: unknown = sent.response.body;
      // The socket is busy until the reply has been read.
      if (body instanceof Readable && !body.closed) body.once('close', leave);
      else leave();
      return sent;
    } catch (error) {
      leave();
      throw error;
    }
  };
  return client;
};

/** Whether AWS, or the way to it, is only busy: the same request may succeed a moment later. */
export const isBusy = (error: unknown): boolean =>
  error instanceof BusyError ||
  (error instanceof Error && error.name === 'TimeoutError') ||
  (error instanceof ServiceException && isThrottlingError({ ...error, cause: undefined }));

/**
 * An S3 client that adds no checksum of its own: S3 verifies the SHA-256 that each upload carries. It also
 * does not send `Expect: 100-continue`, for which the SDK would open a new connection for each upload of more
 * than 2 MiB.
 */
export const createS3Client = (config: S3ClientConfig = {}): S3Client =>
  gated(
    new S3Client({
      requestHandler: timeouts,
      ...config,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      expectContinueHeader: false,
    }),
  );

export const createDynamoDBClient = (): DynamoDBClient =>
  gated(new DynamoDBClient({ requestHandler: timeouts }));

/** @param pollSeconds how long a receive waits for a message (long polling). @default 0 */
export const createSQSClient = (pollSeconds = 0): SQSClient => {
  const milliseconds = timeouts.requestTimeout + pollSeconds * 1000;
  return gated(
    new SQSClient({
      requestHandler: { ...timeouts, requestTimeout: milliseconds, socketTimeout: milliseconds },
    }),
  );
};

export const createSTSClient = (): STSClient => gated(new STSClient({ requestHandler: timeouts }));

/** Callers wait for this, so it gives up early. */
export const createSNSClient = (): SNSClient =>
  gated(
    new SNSClient({
      requestHandler: { ...timeouts, requestTimeout: 2000, socketTimeout: 2000 },
      maxAttempts: 2,
    }),
  );

/** Tries once: without a reply it is unknown whether the mail was accepted. */
export const createSESv2Client = (): SESv2Client =>
  gated(new SESv2Client({ requestHandler: timeouts, maxAttempts: 1 }));
