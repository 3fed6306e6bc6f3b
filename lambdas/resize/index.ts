import { earlyDecoder } from './decoder/early.ts';

// The following modules are evaluated while the decoder's process loads libvips.

import { readEnvironment } from '../runtime/environment.ts';
import { collectGarbageLessOften } from '../runtime/heap.ts';
import { createLog } from '../runtime/log.ts';
import { createQueueFunction } from '../runtime/queue-function.ts';
import { createDecoder } from './decoder/pool.ts';
import { resizeFunctionEnvironment } from './environment.ts';
import { wireResize } from './wiring.ts';

collectGarbageLessOften();
const environment = readEnvironment(resizeFunctionEnvironment);
const { lane } = environment;
const log = createLog('resize');
const decoder = createDecoder(environment, log, { lane, first: earlyDecoder });

// One image at a time: each may need most of the function's memory.
export const handler = createQueueFunction(wireResize(environment, log, { lane, decoder }), log);
