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
 * Sockets, time-outs, gates and retries belong together. The SDK opens at most `socketsPerClient` connections to one
 * host (AWS SDK for JavaScript v3 Developer Guide, "Configure maxSockets in Node.js"), and a request beyond that waits for one inside
 * of the HTTP agent, where the connection time-out already runs. So a burst of small uploads, or a slow S3, failed after
 * a second although nothing was wrong. Therefore each client has a gate with as many places as sockets: a request
 * waits in front of it, and its time-outs begin when a socket is free for it. The wait has a limit as well, so that
 * callers get their 503 with `Retry-After` in time: 5 s in the gate, then up to three tries of 1 s and 5 s end within the 30 s that
 * API Gateway gives a request, unless every try has to wait. A full gate is not tried again: that would only lengthen it.
 * To a queue's worker a full gate is one more error that passes.
 */
export const socketsPerClient = 50;

const gateOf = (client: string) =>
  createGate({
    what: `Requests to ${client}`,
    places: socketsPerClient,
    // Each of them is a request of ours: this bounds memory, the time bounds the wait.
    maxWaiting: 10_000,
    waitMilliseconds: 5000,
  });

const sockets = { maxSockets: socketsPerClient } as const;

/**
 * When to give up a request, so that a service that does not answer costs one of the SDK's three tries and not the
 * whole function. The idle time is that of a body under way, too.
 */
const timeouts = {
  connectionTimeout: 1000,
  requestTimeout: 5000,
  throwOnRequestTimeout: true,
  socketTimeout: 5000,
  httpAgent: sockets,
  httpsAgent: sockets,
} as const;

/** What a gate needs of a client of the SDK: that which sends its requests. */
interface Sends {
  readonly config: {
    readonly requestHandler: Pick<S3Client['config']['requestHandler'], 'handle'>;
  };
}

/** Lets a client have no more requests under way than it has sockets. */
const gated = <Client extends Sends>(client: Client): Client => {
  const gate = gateOf(client.constructor.name);
  const { requestHandler } = client.config;
  const send = requestHandler.handle.bind(requestHandler);
  // Each of the SDK's tries passes here by itself, and its time-outs begin behind this.
  requestHandler.handle = async (request, options) => {
    const leave = await gate.enter();
    try {
      const sent = await send(request, options);
      const body: unknown = sent.response.body;
      // The socket is busy until the reply was read to its end.
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

/**
 * Whether AWS, or our way to it, is only too busy just now: what the SDK has tried in vain may succeed a moment later.
 */
export const isBusy = (error: unknown): boolean =>
  error instanceof BusyError ||
  (error instanceof Error && error.name === 'TimeoutError') ||
  (error instanceof ServiceException && isThrottlingError({ ...error, cause: undefined }));

/**
 * An S3 client that adds no checksum of its own: uploads carry the SHA-256 that names them, and S3 verifies that one
 * (1.25 instead of 1.53 times the cost of a bare PUT of 4.5 MB). Nor does it ask S3 whether it may begin, for which the SDK
 * would open a new connection, with a TLS handshake of its own, for each upload of more than 2 MiB.
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

/** @param pollSeconds how long the queue may take to answer, on purpose. @default 0 */
export const createSQSClient = (pollSeconds = 0): SQSClient => {
  const milliseconds = timeouts.requestTimeout + pollSeconds * 1000;
  return gated(
    new SQSClient({
      requestHandler: { ...timeouts, requestTimeout: milliseconds, socketTimeout: milliseconds },
    }),
  );
};

export const createSTSClient = (): STSClient => gated(new STSClient({ requestHandler: timeouts }));

/** Gives up early: a request of ours waits for it. */
export const createSNSClient = (): SNSClient =>
  gated(
    new SNSClient({
      requestHandler: { ...timeouts, requestTimeout: 2000, socketTimeout: 2000 },
      maxAttempts: 2,
    }),
  );

/** Tries once: whoever does not hear that a mail was taken cannot know that it was not. */
export const createSESv2Client = (): SESv2Client =>
  gated(new SESv2Client({ requestHandler: timeouts, maxAttempts: 1 }));
