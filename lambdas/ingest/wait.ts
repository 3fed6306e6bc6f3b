import { setTimeout as sleep } from 'node:timers/promises';
import type { WaitingPlaces } from '../aws/waiting-places.ts';
import type { ImageRecord } from '../image/record.ts';
import type { Log } from '../runtime/log.ts';

export interface WaitDependencies {
  /** Reads the present record of an image. */
  readonly find: (id: string) => Promise<ImageRecord>;
  readonly waitingPlaces: WaitingPlaces;
  /** Ends all waits once aborted. @default - the process does not stop while callers wait */
  readonly stopping?: AbortSignal | undefined;
  readonly log: Log;
}

export interface Waited {
  readonly record: ImageRecord;
  /** False when too many callers were waiting, so that the reply came immediately. */
  readonly waited: boolean;
}

/** Waits until an image is settled, `ready` or `failed`, or the time is over. */
export type WaitUntilSettled = (record: ImageRecord, waitSeconds: number) => Promise<Waited>;

export const createWait = ({ find, waitingPlaces, stopping, log }: WaitDependencies): WaitUntilSettled => {
  const poll = async (record: ImageRecord, waitSeconds: number): Promise<ImageRecord> => {
    const endsAt = Date.now() + waitSeconds * 1000;
    let latest = record;
    // Growing pauses: a tenth of the wait is lost at most, and a wait of 0.6 s takes 14 reads.
    let pauseMilliseconds = 15;
    while (latest.status === 'received') {
      const leftMilliseconds = endsAt - Date.now();
      if (leftMilliseconds <= 0 || stopping?.aborted) break;
      await sleep(Math.min(pauseMilliseconds, leftMilliseconds));
      pauseMilliseconds = Math.min(pauseMilliseconds * 1.15, 1000);
      latest = await find(record.id);
    }
    return latest;
  };

  return async (record, waitSeconds) => {
    if (record.status !== 'received' || waitSeconds === 0) return { record, waited: true };
    const giveBack = await waitingPlaces.take(waitSeconds);
    if (giveBack === undefined) return { record, waited: false };
    try {
      return { record: await poll(record, waitSeconds), waited: true };
    } finally {
      // The place also becomes free by itself, so the caller gets its reply.
      await giveBack().catch((error) => log.warn('waiting place not given back', { error }));
    }
  };
};
