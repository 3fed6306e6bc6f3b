import { rmSync, statSync, writeFileSync } from 'node:fs';
import type { Log } from '../lambdas/runtime/log.ts';

/**
 * Shows by the age of a file that a worker keeps polling its queue: there is no address where it could be asked. It is a
 * file for the check of the container alone; elsewhere no variable names one, and none is written.
 */
export interface Heartbeat {
  /** The worker came round its loop, or all of its places are taken. */
  beat(): void;
  /** The worker is done: the file is removed. */
  end(): void;
}

export const heartbeatFile = (): string | undefined => process.env['HEARTBEAT_FILE'];

export const createHeartbeat = (log: Log, file = heartbeatFile()): Heartbeat => {
  if (file === undefined) return { beat: () => undefined, end: () => undefined };
  return {
    beat: () => {
      try {
        writeFileSync(file, '');
      } catch (error) {
        // The container will be replaced: images would be written to the same disk.
        log.error('the heartbeat cannot be written', { error });
      }
    },
    end: () => rmSync(file, { force: true }),
  };
};

/** A worker beats every 5 seconds; a machine that is very busy may delay it. */
const maxAgeMilliseconds = 60_000;

/** Undefined when there is no such file: then no worker runs here. */
export const isBeating = (file: string): boolean | undefined => {
  const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return written === undefined ? undefined : Date.now() - written < maxAgeMilliseconds;
};
