import { randomInt, randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { admissionTable } from './admission-table.ts';
import { createDynamoDBClient } from './clients.ts';
import { createTable } from './table.ts';

/** Places for callers that wait for their thumbnails: each keeps a process busy that does nothing else. */
export interface WaitingPlaces {
  /**
   * @param waitSeconds the longest time for which the place is needed
   * @returns a function that gives the place back, or undefined if there is none
   */
  take(waitSeconds: number): Promise<(() => Promise<void>) | undefined>;
}

const { partitionKey, timeToLive } = admissionTable;

/** How many places a caller tries. */
const maxAttempts = 3;

/** A lease outlives its wait, because the reply has to be made as well. */
const leaseMarginSeconds = 5;

/** Places that many processes share, as leases that end by themselves if their process dies. */
export const createSharedPlaces = (
  tableName: string,
  places: number,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): WaitingPlaces => {
  const table = createTable(tableName, dynamodb);
  const keyOf = (place: number) => ({ [partitionKey]: `waiting#${place}` });

  const lease = async (place: number, holder: string, waitSeconds: number): Promise<boolean> => {
    const now = Date.now();
    const leaseSeconds = waitSeconds + leaseMarginSeconds;
    const { isDone } = await table.update(keyOf(place), {
      set: {
        holder,
        endsAtMilliseconds: now + leaseSeconds * 1000,
        [timeToLive]: Math.ceil(now / 1000) + leaseSeconds,
      },
      condition: {
        expression: 'attribute_not_exists(#endsAtMilliseconds) OR #endsAtMilliseconds <= :now',
        values: { now },
      },
    });
    return isDone;
  };

  /** Changes nothing if the lease has ended and another caller holds the place. */
  const release = async (place: number, holder: string): Promise<void> => {
    await table.update(keyOf(place), {
      set: { endsAtMilliseconds: 0 },
      condition: { expression: '#holder = :holder', values: { holder } },
    });
  };

  return {
    async take(waitSeconds) {
      if (places === 0) return undefined;
      const holder = randomUUID();
      const first = randomInt(places);
      for (let step = 0; step < Math.min(maxAttempts, places); step += 1) {
        const place = (first + step) % places;
        if (await lease(place, holder, waitSeconds)) return () => release(place, holder);
      }
      return undefined;
    },
  };
};

/** Places of one process that serves many callers at the same time. */
export const createLocalWaitingPlaces = (places: number): WaitingPlaces => {
  let taken = 0;
  return {
    async take() {
      if (taken >= places) return undefined;
      taken += 1;
      return async () => {
        taken -= 1;
      };
    },
  };
};
