import { forkDecoder } from './fork.ts';

/** Loads libvips in another process while this one evaluates what is imported after this module. */
export const earlyDecoder = forkDecoder();
