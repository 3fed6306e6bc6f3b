import { Logger } from '@aws-lambda-powertools/logger';
import { handle } from 'hono/aws-lambda';
import { readEnvironment } from '../environment.ts';
import { ingestEnvironment } from './environment.ts';
import { createIngestService } from './service.ts';

const log = new Logger({ serviceName: 'ingest' });

export const handler = handle(createIngestService(readEnvironment(ingestEnvironment), log));
