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

/*
 * Each client has as many places for requests as sockets (AWS SDK for JavaScript v3 Developer Guide,
 * "Configure maxSockets in Node.js"). In the SDK a further request would wait for a socket while its
 * connection time-out runs, and a burst would fail although nothing is wrong. Here it waits for a place, and
 * its time-outs begin once it has one.
 */

/** Requests that one client sends at once. */
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

/** A service that does not reply costs one of the SDK's three attempts, and not the whole function. */
const timeouts = {
  connectionTimeout: 1000,
  requestTimeout: 5000,
  throwOnRequestTimeout: true,
  // Also for each pause within a body.
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

/** Limits the requests of a client to its sockets. */
const gated = <Client extends Sender>(client: Client): Client => {
  const gate = gateOf(client.constructor.name);
  const { requestHandler } = client.config;
  const send = requestHandler.handle.bind(requestHandler);
  // Each attempt of the SDK passes here, and its time-outs begin after the gate.
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

/** @param pollSeconds how long the queue may wait for a message before it replies. @default 0 */
export const createSQSClient = (pollSeconds = 0): SQSClient => {
  const milliseconds = timeouts.requestTimeout + pollSeconds * 1000;
  return gated(
    new SQSClient({
      requestHandler: { ...timeouts, requestTimeout: milliseconds, socketTimeout: milliseconds },
    }),
  );
};

export const createSTSClient = (): STSClient => gated(new STSClient({ requestHandler: timeouts }));

/** Gives up early, because callers wait for it. */
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
