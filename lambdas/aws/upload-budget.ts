import { randomInt } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dayOf, secondsUntil } from '../runtime/day.ts';
import { RequestError } from '../runtime/request-error.ts';
import { admissionTable } from './admission-table.ts';
import { type DailyBudget, type Share, sharesOf } from './budget-shares.ts';
import { createDynamoDBClient } from './clients.ts';
import { createTable } from './table.ts';

/** Counts what is uploaded in a day, before any of it is stored or signed. */
export interface UploadBudget {
  /**
   * Takes one upload of this size from today's budget. An upload that fails later is not given back: it
   * has cost requests as well.
   *
   * @returns how much of its share of the day is used, in percent: of uploads or of bytes, whichever is more
   * @throws RequestError `daily-budget-exhausted`
   */
  take(bytes: number): Promise<number>;
}

const { partitionKey, timeToLive } = admissionTable;

/** Long enough to look up yesterday's count. */
const countKeptSeconds = 2 * 86_400;

/** One day, and what each share had left when this process last saw it. That only falls during the day. */
interface Day {
  readonly name: string;
  readonly left: Share[];
}

/**
 * A budget as items of one table, one for each share: an upload counts in a random share, and in another one
 * if that is full. Each count is one conditional write, so no share ever exceeds its part, even if many
 * processes count at the same time. A write that the SDK repeats because it got no answer may count twice,
 * never less than once.
 *
 * Counts of the day survive a change of the settings, unless the number of shares changes: what was counted
 * in a share that no longer exists is lost on that day.
 */
export const createUploadBudget = (
  tableName: string,
  budget: DailyBudget,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): UploadBudget => {
  const table = createTable(tableName, dynamodb);
  const shares = sharesOf(budget);
  let today: Day = { name: '', left: [] };

  const dayNamed = (name: string): Day => {
    if (today.name !== name) today = { name, left: [...shares] };
    return today;
  };

  /** @returns how much of the share is used, in percent, or undefined if the upload does not fit */
  const countIn = async (day: Day, index: number, bytes: number): Promise<number | undefined> => {
    const share = shares[index];
    const known = day.left[index];
    if (share === undefined || known === undefined) return undefined;
    // Keeps refusals cheap once the budget is exhausted.
    if (known.uploads < 1 || known.bytes < bytes) return undefined;
    const { isDone, item } = await table.update(
      { [partitionKey]: `uploads#${day.name}#${index}` },
      {
        add: { uploads: 1, bytes },
        set: { [timeToLive]: Math.floor(Date.now() / 1000) + countKeptSeconds },
        condition: {
          // A share without an item has room for any upload that fits into a share.
          expression: '(#uploads < :maxUploads AND #bytes <= :maxBytes) OR attribute_not_exists(#uploads)',
          values: { maxUploads: share.uploads, maxBytes: share.bytes - bytes },
        },
      },
    );
    const used = { uploads: Number(item['uploads'] ?? 0), bytes: Number(item['bytes'] ?? 0) };
    const { uploads, bytes: bytesLeft } = day.left[index] ?? known;
    day.left[index] = {
      uploads: Math.min(uploads, share.uploads - used.uploads),
      bytes: Math.min(bytesLeft, share.bytes - used.bytes),
    };
    return isDone ? 100 * Math.max(used.uploads / share.uploads, used.bytes / share.bytes) : undefined;
  };

  return {
    async take(bytes) {
      const now = Date.now();
      const { day: name, endsAt } = dayOf(now);
      const day = dayNamed(name);
      const first = randomInt(shares.length);
      for (let step = 0; step < shares.length; step += 1) {
        const usedPercent = await countIn(day, (first + step) % shares.length, bytes);
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
