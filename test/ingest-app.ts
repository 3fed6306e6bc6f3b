import type { Hono } from 'hono';
import { createIntake } from '../containers/intake.ts';
import type { IngestEnvironment } from '../lambdas/ingest/environment.ts';
import { type IngestHost, wireIngest } from '../lambdas/ingest/wiring.ts';
import type { Log } from '../lambdas/runtime/log.ts';
import type { startCatalogServer } from './catalog-server.ts';
import { valuesWith } from './environment.ts';

export type IngestApp = Hono;

/** The API as a server runs it: bodies are read from the requests. */
export const createTestApp = (
  environment: IngestEnvironment,
  log: Log,
  host: Partial<IngestHost> = {},
): IngestApp =>
  wireIngest(environment, log, {
    withBody: createIntake({ maxBytesInHand: 300_000_000 }).withBody,
    ...host,
  });

/** The API on the tables of a test, with some values changed. */
export const appIn = (
  server: Awaited<ReturnType<typeof startCatalogServer>>,
  given: Partial<IngestEnvironment>,
  log: Log,
): IngestApp => createTestApp(valuesWith(server, given), log);
