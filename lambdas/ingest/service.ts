import type { Hono } from 'hono';
import type * as z from 'zod';
import type { Log } from '../log.ts';
import { createS3Client } from '../store/clients.ts';
import { createOriginals } from '../store/originals.ts';
import { createSigningClient } from '../store/signing-client.ts';
import { createUrls } from '../store/urls.ts';
import { createIngestApp } from './app.ts';
import type { ingestEnvironment } from './environment.ts';
import { createIngest } from './ingest.ts';

/** Everything behind the API, wired to the services that the environment names. */
export const createIngestService = (environment: z.output<typeof ingestEnvironment>, log: Log): Hono => {
  const s3 = createS3Client();
  const signingClient = environment.URL_SIGNER_ROLE_ARN
    ? createSigningClient(environment.URL_SIGNER_ROLE_ARN)
    : async () => s3;
  return createIngestApp({
    ingest: createIngest({
      originals: createOriginals(s3, environment.RAW_BUCKET),
      urls: createUrls(signingClient, environment.THUMBNAIL_BUCKET, environment.URL_LIFETIME_SECONDS),
      variants: environment.VARIANTS,
    }),
    maxInlineBytes: environment.MAX_INLINE_BYTES,
    stage: environment.STAGE,
    log,
  });
};
