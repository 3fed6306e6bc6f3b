import { readEnvironment } from '../runtime/environment.ts';
import { createLog } from '../runtime/log.ts';
import { createQueueFunction } from '../runtime/queue-function.ts';
import { notifyEnvironment } from './environment.ts';
import { wireNotify } from './wiring.ts';

const log = createLog('notify');

// One message at a time: of two events of one image, the second finds the mails of the first sent.
export const handler = createQueueFunction(wireNotify(readEnvironment(notifyEnvironment), log), log);
