import { rmSync, statSync, writeFileSync } from 'node:fs';
import type { Log } from '../lambdas/runtime/log.ts';

/**
 * A file whose age shows the container's health check that a worker polls its queue. A worker answers no
 * requests. Outside of the image `HEARTBEAT_FILE` is not set, and no file is written.
 */
export interface Heartbeat {
  /** The worker polls, or all of its places are busy. */
  beat(): void;
  /** Removes the file. */
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
        // The container will be replaced. Images are written to the same disk, so they would fail as well.
        log.error('the heartbeat cannot be written', { error });
      }
    },
    end: () => rmSync(file, { force: true }),
  };
};

/** A worker beats every 5 seconds. A busy machine may delay it. */
const maxAgeMilliseconds = 60_000;

/** Undefined without the file: then this container runs no worker. */
export const isBeating = (file: string): boolean | undefined => {
  const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return written === undefined ? undefined : Date.now() - written < maxAgeMilliseconds;
};
