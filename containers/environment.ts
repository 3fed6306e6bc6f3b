import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { ingestEnvironment } from '../lambdas/ingest/environment.ts';
import { resizeEnvironment } from '../lambdas/resize/environment.ts';
import { text, wholeNumber } from '../lambdas/runtime/environment.ts';

export const ingestContainerEnvironment = {
  ...ingestEnvironment,
  port: wholeNumber.default(8080),
  host: text.default('0.0.0.0'),
  /** Bytes of uploads held in memory at a time; more uploads get 503. */
  maxBytesInHand: wholeNumber.default(300_000_000),
  /** Callers that wait for thumbnails in this process: each holds a connection and polls the catalog. */
  maxWaitingCallersOfProcess: wholeNumber.default(200),
  /** How long a stopping process accepts connections, until the load balancer sends it no more. */
  drainSeconds: wholeNumber.pipe(z.number().max(20)).default(0),
};

export const resizeContainerEnvironment = {
  ...resizeEnvironment,
  resizeQueueUrl: text,
  /** Images of the fast lane. Each keeps one core busy. */
  decodesAtOnce: wholeNumber.pipe(z.number().min(1)).default(availableParallelism()),
};
