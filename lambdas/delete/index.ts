import { readEnvironment } from '../runtime/environment.ts';
import { createLog } from '../runtime/log.ts';
import { createQueueFunction } from '../runtime/queue-function.ts';
import { deleteEnvironment } from './environment.ts';
import { wireDelete } from './wiring.ts';

const log = createLog('delete');

export const handler = createQueueFunction(wireDelete(readEnvironment(deleteEnvironment), log), log);
