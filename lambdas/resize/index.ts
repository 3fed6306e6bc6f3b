import { createQueueFunction } from '../queue-function.ts';
// Before the service, and with it the SDK: the decoder's process loads libvips meanwhile.
import { decoder, environment, log } from './early-decoder.ts';
import { createResizeService } from './service.ts';

// One image at a time: each may need most of the function's memory.
export const handler = createQueueFunction(createResizeService(environment, log, decoder), log);
