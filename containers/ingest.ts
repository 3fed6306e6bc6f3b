import { Logger } from '@aws-lambda-powertools/logger';
import { serve } from '@hono/node-server';
import * as z from 'zod';
import { readEnvironment, wholeNumber } from '../lambdas/environment.ts';
import { ingestEnvironment } from '../lambdas/ingest/environment.ts';
import { createIngestService } from '../lambdas/ingest/service.ts';

const environment = readEnvironment(
  ingestEnvironment.extend({ PORT: wholeNumber.default(8080), HOST: z.string().default('0.0.0.0') }),
);
const log = new Logger({ serviceName: 'ingest' });
const app = createIngestService(environment, log);

const server = serve({ fetch: app.fetch, port: environment.PORT, hostname: environment.HOST }, ({ port }) =>
  log.info('ingest listens', { port }),
);
server.on('error', (error) => {
  log.error('ingest cannot listen', { error });
  process.exit(1);
});

/** Takes no new connection, finishes what it holds, then ends. */
const stop = (): void => {
  log.info('ingest stops', {});
  server.close(() => process.exit(0));
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
