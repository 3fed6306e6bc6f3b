import { createPlacesOfProcess } from '../lambdas/aws/admission.ts';
import { createCatalog } from '../lambdas/aws/catalog.ts';
import { createS3Client } from '../lambdas/aws/clients.ts';
import { createOriginals } from '../lambdas/aws/originals.ts';
import type { Auth } from '../lambdas/ingest/auth.ts';
import { createJwtGuard, type Guard } from '../lambdas/ingest/jwt-guard.ts';
import { createIngestService } from '../lambdas/ingest/service.ts';
import { readEnvironment } from '../lambdas/runtime/environment.ts';
import { collectGarbageLessOften } from '../lambdas/runtime/heap.ts';
import { createLog } from '../lambdas/runtime/log.ts';
import { ingestContainerEnvironment } from './environment.ts';
import { createHttpServer } from './http-server.ts';
import { createProbes } from './probes.ts';
import { startWatchdog } from './watchdog.ts';

const environment = readEnvironment(ingestContainerEnvironment);
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
  guard: guardOf(environment.auth),
  maxBytesInHand: environment.maxBytesInHand,
  stopping: stopping.signal,
  waitingPlaces: createPlacesOfProcess(environment.maxWaitingCallersOfProcess),
});

/** Nobody has an image with this id: whoever asks for it learns whether an answer comes. */
const noImage = '0'.repeat(64);
const catalog = createCatalog(environment.catalogTable);
const originals = createOriginals(createS3Client(), environment.rawBucket);
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
  stage: environment.stage,
  log,
});
server.listen(environment.port, environment.host, () =>
  log.info('ingest listens', { port: environment.port }),
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
  }, environment.drainSeconds * 1000);
  setTimeout(() => {
    log.warn('requests are cut off', {});
    server.closeAllConnections();
  }, stopMilliseconds);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
