import { readEnvironment } from '../environment.ts';
import { createLog } from '../log.ts';
import { createQueueFunction } from '../queue-function.ts';
import { resizeEnvironment } from './environment.ts';
import { createResizeService } from './service.ts';

const log = createLog('resize');

// One image at a time: each may need most of the function's memory.
export const handler = createQueueFunction(createResizeService(readEnvironment(resizeEnvironment), log), log);
