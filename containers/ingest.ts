import { Logger } from '@aws-lambda-powertools/logger';
import { serve } from '@hono/node-server';
import * as z from 'zod';
import { readEnvironment, wholeNumber } from '../lambdas/environment.ts';
import type { Auth } from '../lambdas/ingest/auth.ts';
import { ingestEnvironment } from '../lambdas/ingest/environment.ts';
import { createJwtGuard, type Guard } from '../lambdas/ingest/jwt-guard.ts';
import { createIngestService } from '../lambdas/ingest/service.ts';

const environment = readEnvironment(
  ingestEnvironment.extend({ PORT: wholeNumber.default(8080), HOST: z.string().default('0.0.0.0') }),
);
const log = new Logger({ serviceName: 'ingest' });

/** @throws Error for what only API Gateway can check: the service would be open to anyone */
const guardOf = (auth: Auth): Guard | undefined => {
  if (auth === 'none') return undefined;
  if (auth !== 'iam') return createJwtGuard(auth.jwt);
  throw new Error(
    'auth "iam" needs API Gateway, which verifies the signatures. In a container use {"jwt": …}.',
  );
};

const app = createIngestService(environment, log, guardOf(environment.AUTH));

/** Longer than a load balancer keeps an idle connection (60 s), so that it never reuses one that ends just then. */
const keepAliveMilliseconds = 65_000;

const server = serve(
  {
    fetch: app.fetch,
    port: environment.PORT,
    hostname: environment.HOST,
    serverOptions: { keepAliveTimeout: keepAliveMilliseconds },
  },
  ({ port }) => log.info('ingest listens', { port }),
);
server.on('error', (error) => {
  log.error('ingest cannot listen', { error });
  process.exit(1);
});

let isStopping = false;

/** Takes no new connection, finishes what it holds, then ends. */
const stop = (): void => {
  if (isStopping) return;
  isStopping = true;
  log.info('ingest stops', {});
  server.close(() => process.exit(0));
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
