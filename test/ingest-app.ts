import type { Hono } from 'hono';
import { createIntake } from '../containers/intake.ts';
import { type IngestEnvironment, ingestEnvironment } from '../lambdas/ingest/environment.ts';
import { type IngestHost, wireIngest } from '../lambdas/ingest/wiring.ts';
import { readEnvironment } from '../lambdas/runtime/environment.ts';
import type { Log } from '../lambdas/runtime/log.ts';
import type { startCatalogServer } from './catalog-server.ts';

export type IngestApp = Hono;

/** The API as a server runs it: bodies are read from the requests. */
export const createTestApp = (
  environment: Parameters<typeof wireIngest>[0],
  log: Log,
  host: Partial<IngestHost> = {},
): IngestApp =>
  wireIngest(environment, log, {
    withBody: createIntake({ maxBytesInHand: 300_000_000 }).withBody,
    ...host,
  });

/** The API on the tables of a test, with some variables changed. */
export const appIn = (
  { tableName, admissionEnvironment }: Awaited<ReturnType<typeof startCatalogServer>>,
  given: Partial<IngestEnvironment>,
  log: Log,
): IngestApp =>
  createTestApp(
    readEnvironment(ingestEnvironment, {
      RAW_BUCKET: 'raw-bucket',
      THUMBNAIL_BUCKET: 'thumbnail-bucket',
      CATALOG_TABLE: tableName,
      ...admissionEnvironment,
      RESIZE_QUEUE_URL: 'https://sqs.us-east-2.amazonaws.com/111122223333/resize',
      IMAGE_EVENTS_TOPIC_ARN: 'arn:aws:sns:us-east-2:111122223333:image-events',
      STACK_NAME: 'ThumbnailGenerator',
      VARIANTS: '[{"name":"thumbnail"}]',
      MAX_INLINE_BYTES: '100000',
      MAX_UPLOAD_BYTES: '5000000',
      URL_LIFETIME_SECONDS: '600',
      STAGE: 'dev',
      AUTH: '"none"',
      LINKS: 'public',
      ...given,
    }),
    log,
  );
