import { forkDecoder } from './fork.ts';

/** A process that loads libvips while this one evaluates the modules that are imported after this one. */
export const earlyDecoder = forkDecoder();
