import { readEnvironment } from '../environment.ts';
import { createLog } from '../log.ts';
import { createDecoder } from './decoder.ts';
import { resizeEnvironment } from './environment.ts';

/** What a function needs to start its first decoder, which this module does when it is imported. */
export const environment = readEnvironment(resizeEnvironment);
export const log = createLog('resize');
export const decoder = createDecoder(environment.IMAGE_LIMITS, log);
