import { randomInt, randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { dayOf, secondsUntil } from '../runtime/day.ts';
import { RequestError } from '../runtime/request-error.ts';
import { admissionTable } from './admission-table.ts';
import { type DailyBudget, sharesOf } from './budget-shares.ts';
import { createDynamoDBClient } from './clients.ts';

/** Counts what is uploaded in a day, before any of it is stored or signed. */
export interface UploadBudget {
  /**
   * Takes one upload of so many bytes from the budget of the present day. What is taken is not given back: an
   * upload that fails later has cost requests as well.
   *
   * @returns how much of its share of the day is used by now, in percent: of uploads or of bytes, whichever
   *   is more
   * @throws RequestError `daily-budget-exhausted`
   */
  take(bytes: number): Promise<number>;
}

/** Places for callers that wait for their thumbnails: each keeps a process busy that does nothing else. */
export interface WaitingPlaces {
  /**
   * @param waitSeconds how long it is needed at most
   * @returns a function that gives the place back, or undefined if there is none
   */
  take(waitSeconds: number): Promise<(() => Promise<void>) | undefined>;
}

const { partitionKey, timeToLive } = admissionTable;

const keyOf = (...parts: readonly (string | number)[]) => marshall({ [partitionKey]: parts.join('#') });

/** Long enough to look up yesterday's count. */
const countKeptSeconds = 2 * 86_400;

const numberOf = (item: Readonly<Record<string, AttributeValue>> | undefined, name: string): number =>
  Number(item?.[name]?.N ?? 0);

/** What a share had left when this process last saw it. It only falls as the day goes on. */
interface Left {
  readonly uploads: number;
  readonly bytes: number;
}

/**
 * The budget as items of one table, each with its share: an upload takes from a random one, and from the
 * others if it is full. Each take is one conditional write, so that no share ever exceeds its part, however
 * many processes take at once. A write that the SDK repeats after it got no answer may count twice, never
 * less than once.
 *
 * After a change of the settings the counts of the day go on, unless the new budget has another number of
 * shares: then what was counted in a share that is gone no longer counts, on that day.
 */
export const createUploadBudget = (
  TableName: string,
  budget: DailyBudget,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): UploadBudget => {
  const shares = sharesOf(budget);
  let known = { day: '', left: shares.map<Left>((share) => share) };

  /** @returns the share's count after the upload was added, or undefined if it does not fit */
  const add = async (day: string, index: number, bytes: number, left: Left[]) => {
    const share = shares[index];
    const leftBefore = left[index];
    if (share === undefined || leftBefore === undefined) return undefined;
    // Known to be full: this keeps refusals cheap once the budget is exhausted.
    if (leftBefore.uploads < 1 || leftBefore.bytes < bytes) return undefined;
    const noteCount = (item: Readonly<Record<string, AttributeValue>> | undefined) => {
      const used = { uploads: numberOf(item, 'uploads'), bytes: numberOf(item, 'bytes') };
      const now = left[index] ?? leftBefore;
      left[index] = {
        uploads: Math.min(now.uploads, share.uploads - used.uploads),
        bytes: Math.min(now.bytes, share.bytes - used.bytes),
      };
      return used;
    };
    try {
      const { Attributes } = await dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf('uploads', day, index),
          UpdateExpression: 'ADD #uploads :one, #bytes :bytes SET #expires = :expires',
          // A share that has no item yet has room: `left` was looked at above.
          ConditionExpression: '(#uploads < :uploads AND #bytes <= :room) OR attribute_not_exists(#uploads)',
          ExpressionAttributeNames: { '#uploads': 'uploads', '#bytes': 'bytes', '#expires': timeToLive },
          ExpressionAttributeValues: marshall({
            ':one': 1,
            ':bytes': bytes,
            ':uploads': share.uploads,
            ':room': share.bytes - bytes,
            ':expires': Math.floor(Date.now() / 1000) + countKeptSeconds,
          }),
          ReturnValues: 'UPDATED_NEW',
          // Free of charge (DynamoDB API Reference, UpdateItem). Without it each smaller upload would be
          // tried anew.
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      const used = noteCount(Attributes);
      return 100 * Math.max(used.uploads / share.uploads, used.bytes / share.bytes);
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      noteCount(error.Item);
      return undefined;
    }
  };

  return {
    async take(bytes) {
      const now = Date.now();
      const { day, endsAt } = dayOf(now);
      if (known.day !== day) known = { day, left: shares.map((share) => share) };
      const { left } = known;
      const first = randomInt(shares.length);
      for (let step = 0; step < shares.length; step += 1) {
        const usedPercent = await add(day, (first + step) % shares.length, bytes, left);
        if (usedPercent !== undefined) return usedPercent;
      }
      throw new RequestError(
        'daily-budget-exhausted',
        `The daily upload budget is used up. Uploads of this size are accepted again from ${endsAt.toISOString()}.`,
        { retryAfterSeconds: secondsUntil(endsAt, now) },
      );
    },
  };
};

/** How often a caller looks for a place among those that all functions share. */
const attempts = 3;

/** A lease outlives the wait that it is for, as a reply still has to be made. */
const leaseMarginSeconds = 5;

/** Places that many processes share, as leases that end by themselves if their process dies. */
export const createSharedPlaces = (
  TableName: string,
  places: number,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): WaitingPlaces => {
  const lease = async (place: number, holder: string, waitSeconds: number): Promise<boolean> => {
    const now = Date.now();
    const leaseSeconds = waitSeconds + leaseMarginSeconds;
    try {
      await dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf('waiting', place),
          UpdateExpression: 'SET #holder = :holder, #ends = :ends, #expires = :expires',
          ConditionExpression: 'attribute_not_exists(#ends) OR #ends <= :now',
          ExpressionAttributeNames: {
            '#holder': 'holder',
            '#ends': 'endsAtMilliseconds',
            '#expires': timeToLive,
          },
          ExpressionAttributeValues: marshall({
            ':holder': holder,
            ':ends': now + leaseSeconds * 1000,
            ':now': now,
            ':expires': Math.ceil(now / 1000) + leaseSeconds,
          }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };

  const release = async (place: number, holder: string): Promise<void> => {
    try {
      await dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf('waiting', place),
          UpdateExpression: 'SET #ends = :ended',
          ConditionExpression: '#holder = :holder',
          ExpressionAttributeNames: { '#holder': 'holder', '#ends': 'endsAtMilliseconds' },
          ExpressionAttributeValues: marshall({ ':holder': holder, ':ended': 0 }),
        }),
      );
    } catch (error) {
      // The lease had ended, and somebody else holds the place or it has expired.
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  };

  return {
    async take(waitSeconds) {
      if (places === 0) return undefined;
      const holder = randomUUID();
      const first = randomInt(places);
      for (let step = 0; step < Math.min(attempts, places); step += 1) {
        const place = (first + step) % places;
        if (await lease(place, holder, waitSeconds)) return () => release(place, holder);
      }
      return undefined;
    },
  };
};

/** Places of one process that serves many callers at once. */
export const createPlacesOfProcess = (places: number): WaitingPlaces => {
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
