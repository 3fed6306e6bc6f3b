import { readEnvironment } from '../runtime/environment.ts';
import { createLog } from '../runtime/log.ts';
import { createQueueFunction } from '../runtime/queue-function.ts';
import { notifyEnvironment } from './environment.ts';
import { createNotifyService } from './service.ts';

const log = createLog('notify');

// One after the other: of two events of one image, the second finds what the first has sent.
export const handler = createQueueFunction(createNotifyService(readEnvironment(notifyEnvironment), log), log);
