import { handle } from 'hono/aws-lambda';
import { readEnvironment } from '../environment.ts';
import { createLog } from '../log.ts';
import { ingestEnvironment } from './environment.ts';
import { createIngestService } from './service.ts';

const log = createLog('ingest');

export const handler = handle(createIngestService(readEnvironment(ingestEnvironment), log));
