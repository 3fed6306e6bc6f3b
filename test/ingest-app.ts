import type { Hono } from 'hono';
import { createIntake } from '../containers/intake.ts';
import { type IngestHost, wireIngest } from '../lambdas/ingest/wiring.ts';

export type IngestApp = Hono;

/** The API as a server runs it: bodies are read from the requests. */
export const createTestApp = (
  environment: Parameters<typeof wireIngest>[0],
  log: Parameters<typeof wireIngest>[1],
  host: Partial<IngestHost> = {},
): IngestApp =>
  wireIngest(environment, log, {
    withBody: createIntake({ maxBytesInHand: 300_000_000 }).withBody,
    ...host,
  });
