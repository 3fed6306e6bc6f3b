import { createCatalog } from '../lambdas/aws/catalog.ts';
import { createS3Client } from '../lambdas/aws/clients.ts';
import { createOriginals } from '../lambdas/aws/originals.ts';
import { createLocalWaitingPlaces } from '../lambdas/aws/waiting-places.ts';
import type { Auth } from '../lambdas/ingest/auth.ts';
import { wireIngest } from '../lambdas/ingest/wiring.ts';
import type { Authenticate } from '../lambdas/runtime/caller.ts';
import { readEnvironment } from '../lambdas/runtime/environment.ts';
import { collectGarbageLessOften } from '../lambdas/runtime/heap.ts';
import { createLog } from '../lambdas/runtime/log.ts';
import { ingestContainerEnvironment } from './environment.ts';
import { createHttpServer } from './http-server.ts';
import { createIntake } from './intake.ts';
import { createJwtGuard } from './jwt-guard.ts';
import { createOwnRequestCheck } from './own-requests.ts';
import { createProbes } from './probes.ts';
import { startWatchdog } from './watchdog.ts';

const environment = readEnvironment(ingestContainerEnvironment);
collectGarbageLessOften();
startWatchdog('ingest');
const log = createLog('ingest');

/** @throws Error for `iam`, which only API Gateway can verify: the API would be open to everyone */
const guardOf = (auth: Auth): Authenticate | undefined => {
  if (auth === 'none') return undefined;
  if (auth !== 'iam') return createJwtGuard(auth.jwt, log);
  throw new Error('auth "iam" needs API Gateway, which verifies the signatures. Use {"jwt": …} here.');
};

const stopping = new AbortController();
const app = wireIngest(environment, log, {
  withBody: createIntake({ maxBytesInHand: environment.maxBytesInHand }).withBody,
  checkRequest:
    environment.allowedHosts && createOwnRequestCheck(environment.allowedHosts, environment.corsOrigins),
  authenticate: guardOf(environment.auth),
  stopping: stopping.signal,
  waitingPlaces: createLocalWaitingPlaces(environment.maxWaitingCallersOfProcess),
});

/** An id that no image has: asking for it shows whether the storage responds. */
const noImage = '0'.repeat(64);
const catalog = createCatalog(environment.catalogTable);
const originals = createOriginals(createS3Client(), environment.rawBucket);
const answerProbe = createProbes({
  // The queue is not probed: uploads do not need it, and permission to send cannot be tested without sending.
  dependencies: {
    catalog: () => catalog.find(noImage),
    rawBucket: () => originals.head(noImage),
  },
  stopping: stopping.signal,
  log,
});

/** ECS kills a task 30 s after SIGTERM, so connections that are still open are closed 5 s earlier. */
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

/** Ends waits, closes the port after the drain time, and exits when the open requests are answered. */
const stop = (): void => {
  if (stopping.signal.aborted) return;
  stopping.abort();
  log.info('ingest stops', {});
  setTimeout(() => {
    server.close(() => process.exit(0));
    // Closes keep-alive connections when their last reply is sent; otherwise clients would reuse them.
    setInterval(() => server.closeIdleConnections(), 100);
  }, environment.drainSeconds * 1000);
  setTimeout(() => {
    log.warn('open requests are cut off', {});
    server.closeAllConnections();
  }, stopMilliseconds);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
