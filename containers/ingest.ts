import * as z from 'zod';
import { createCatalog } from '../lambdas/aws/catalog.ts';
import { createS3Client } from '../lambdas/aws/clients.ts';
import { createOriginals } from '../lambdas/aws/originals.ts';
import { createPlacesOfProcess } from '../lambdas/aws/waiting-places.ts';
import type { Auth } from '../lambdas/ingest/auth.ts';
import { ingestEnvironment } from '../lambdas/ingest/environment.ts';
import { createJwtGuard, type Guard } from '../lambdas/ingest/jwt-guard.ts';
import { createIngestService } from '../lambdas/ingest/service.ts';
import { readEnvironment, wholeNumber } from '../lambdas/runtime/environment.ts';
import { collectGarbageLessOften } from '../lambdas/runtime/heap.ts';
import { createLog } from '../lambdas/runtime/log.ts';
import { createHttpServer } from './http-server.ts';
import { createProbes } from './probes.ts';
import { startWatchdog } from './watchdog.ts';

const environment = readEnvironment(
  ingestEnvironment.extend({
    PORT: wholeNumber.default(8080),
    HOST: z.string().default('0.0.0.0'),
    /** Bytes of uploads that are held at once; more are answered 503. */
    MAX_BYTES_IN_HAND: wholeNumber.default(300_000_000),
    /**
     * Callers that this process lets wait at once for their thumbnails: each holds a connection, and asks the
     * catalog.
     */
    MAX_WAITING_CALLERS_OF_PROCESS: wholeNumber.default(200),
    /** How long new connections are still taken once the process is to stop: until a load balancer has seen that. */
    DRAIN_SECONDS: wholeNumber.pipe(z.number().max(20)).default(0),
  }),
);
collectGarbageLessOften();
startWatchdog('ingest');
const log = createLog('ingest');

/** @throws Error for what only API Gateway can check: the service would be open to anyone */
const guardOf = (auth: Auth): Guard | undefined => {
  if (auth === 'none') return undefined;
  if (auth !== 'iam') return createJwtGuard(auth.jwt, log);
  throw new Error(
    'auth "iam" needs API Gateway, which verifies the signatures. In a container use {"jwt": …}.',
  );
};

const stopping = new AbortController();
const app = createIngestService(environment, log, {
  guard: guardOf(environment.AUTH),
  maxBytesInHand: environment.MAX_BYTES_IN_HAND,
  stopping: stopping.signal,
  waitingPlaces: createPlacesOfProcess(environment.MAX_WAITING_CALLERS_OF_PROCESS),
});

/** Nobody has an image with this id: whoever asks for it learns whether an answer comes. */
const noImage = '0'.repeat(64);
const catalog = createCatalog(environment.CATALOG_TABLE);
const originals = createOriginals(createS3Client(), environment.RAW_BUCKET);
const answerProbe = createProbes({
  // Not the queue: uploads do not need it, and its only permission, to send, cannot be tried without sending.
  dependencies: {
    catalog: () => catalog.find(noImage),
    rawBucket: () => originals.head(noImage),
  },
  stopping: stopping.signal,
  log,
});

/** ECS kills a task 30 s after it asked it to stop: what is not answered by then is cut off before. */
const stopMilliseconds = 25_000;

const server = createHttpServer({
  fetch: (request) => answerProbe(request) ?? app.fetch(request),
  stage: environment.STAGE,
  log,
});
server.listen(environment.PORT, environment.HOST, () =>
  log.info('ingest listens', { port: environment.PORT }),
);
server.on('error', (error) => {
  log.error('ingest cannot listen', { error });
  process.exit(1);
});

/** Answers the requests that it holds, at once those that wait, soon takes no new connection, then ends. */
const stop = (): void => {
  if (stopping.signal.aborted) return;
  stopping.abort();
  log.info('ingest stops', {});
  setTimeout(() => {
    server.close(() => process.exit(0));
    // A connection that was busy until now is kept for a next request that nobody is to answer.
    setInterval(() => server.closeIdleConnections(), 100);
  }, environment.DRAIN_SECONDS * 1000);
  setTimeout(() => {
    log.warn('requests are cut off', {});
    server.closeAllConnections();
  }, stopMilliseconds);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
