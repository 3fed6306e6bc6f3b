import { earlyDecoder } from './early-decoder.ts';

// All that follows is evaluated while the decoder's process loads libvips.

import { readEnvironment } from '../environment.ts';
import { collectGarbageLessOften } from '../heap.ts';
import { createLog } from '../log.ts';
import { createQueueFunction } from '../queue-function.ts';
import { createDecoder } from './decoder.ts';
import { resizeEnvironment } from './environment.ts';
import { createResizeService } from './service.ts';

collectGarbageLessOften();
const environment = readEnvironment(resizeEnvironment);
const log = createLog('resize');
const decoder = createDecoder(environment.IMAGE_LIMITS, log, { first: earlyDecoder });

// One image at a time: each may need most of the function's memory.
export const handler = createQueueFunction(createResizeService(environment, log, decoder), log);
