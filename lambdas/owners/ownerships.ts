import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { createDynamoDBClient } from '../aws/clients.ts';
import { type Condition, createTable, type PageStart } from '../aws/table.ts';
import type { Deletion } from '../image/deletion.ts';
import type { ImageId } from '../image/id.ts';
import type { ImageRecord } from '../image/record.ts';
import { ownersTable } from './owners-table.ts';

const { partitionKey, sortKey, timeToLive, newestIndex } = ownersTable;

const ownershipSchema = z.object({
  imageId: z.string(),
  owner: z.string(),
  /** Since when the owner has uploaded or announced the image: ISO 8601, UTC. It never changes. */
  createdAt: z.string(),
  /** When the owner last proved to have the bytes. Absent for an announcement. */
  claimedAt: z.string().optional(),
  /** When an announcement ends, or a claim whose image has no record yet. */
  [timeToLive]: z.int().optional(),
});

/** That a caller has uploaded an image, or has announced it. */
export type Ownership = Readonly<z.output<typeof ownershipSchema>>;

export interface OwnershipPage {
  readonly ownerships: readonly Ownership[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: Position | undefined;
}

/** A place in the list of an owner: between the image here and the next older one. */
export type Position = Pick<Ownership, 'imageId' | 'createdAt'>;

/** Who owns which image. Every change is one write to one item. */
export interface Ownerships {
  /** Undefined where there is none, or only an announcement that has ended. */
  find(imageId: ImageId, owner: string): Promise<Ownership | undefined>;
  /**
   * Records that the owner has sent the bytes. The claim counts, but ends by itself unless `settle` follows;
   * one that was settled before stays.
   */
  claim(imageId: ImageId, owner: string): Promise<Ownership>;
  /**
   * Claims an announced image, whose bytes have arrived.
   *
   * @returns false where the owner has deleted the image since then
   */
  confirm(imageId: ImageId, owner: string): Promise<boolean>;
  /**
   * Makes a claim stay, whose image has a record now.
   *
   * @returns false where the claim is gone: the owner has deleted the image meanwhile
   */
  settle(imageId: ImageId, owner: string): Promise<boolean>;
  /**
   * Records that the owner may upload an image until `expiresAt`.
   *
   * @param seen what was found before: a claim that was made since then stays, and false is returned
   */
  announce(imageId: ImageId, owner: string, expiresAt: Date, seen: Ownership | undefined): Promise<boolean>;
  /** Removes what was found, unless the owner has claimed, announced or settled the image since then. */
  release(seen: Ownership): Promise<boolean>;
  /** Whether anyone owns the image. Reads consistently: sees every claim that has ended. */
  isOwned(record: ImageRecord): Promise<boolean>;
  /** The images of an owner, the newest first. A claim of the last second may be missing. */
  ofOwner(owner: string, limit: number, after?: Position): Promise<OwnershipPage>;
  /**
   * Removes all settled claims of a deleted image. The others, and announcements, are about an upload that
   * may wait for the end of the deletion. They end by themselves unless it succeeds.
   */
  forget(imageId: ImageId, stopping: AbortSignal): Promise<void>;
}

/** An ownership counts while a record is written after it: longer than any request lasts. */
const inTimeMilliseconds = 120_000;

/**
 * Whether a claim is about this image, and not left over from an upload that failed before it had a record:
 * such a claim is older than the record of any later upload. So a process that dies between the two leaves
 * nothing that could keep an image alive.
 */
export const countsFor = ({ claimedAt }: Ownership, { createdAt }: ImageRecord): boolean =>
  claimedAt !== undefined && Date.parse(claimedAt) + inTimeMilliseconds >= Date.parse(createdAt);

/** An arrival waits as long as a dead letter can be redriven (SQS Developer Guide, "Message quotas"). */
const waitingDays = 14;

/** Whether the upload of a claim has yet to write the image's record, maybe after the end of a deletion. */
export const isUnderWay = ({ claimedAt }: Ownership, deletion: Deletion | undefined): boolean => {
  if (claimedAt === undefined) return true;
  const ageMilliseconds = Date.now() - Date.parse(claimedAt);
  if (deletion === undefined) return ageMilliseconds <= inTimeMilliseconds;
  return claimedAt >= deletion.changedAt && ageMilliseconds <= waitingDays * 86_400_000;
};

/** Items of one query. An image has as many as it has owners, and is seldom uploaded by many. */
const pageSize = 100;

/** How often a claim is written again that its owner deletes at the same time. */
const maxAttempts = 5;

const exists: Condition = { expression: `attribute_exists(#${partitionKey})` };
const ends: Condition = { expression: `attribute_exists(#${timeToLive})` };
const isAbsentOrEnds: Condition = {
  expression: `attribute_not_exists(#${partitionKey}) OR ${ends.expression}`,
};
const isClaimed: Condition = { expression: 'attribute_exists(#claimedAt)' };

/** Nothing has changed since an ownership was found. */
const isUnchanged = ({ claimedAt, [timeToLive]: expiresAt }: Ownership): Condition => ({
  expression: [
    claimedAt === undefined ? 'attribute_not_exists(#claimedAt)' : '#claimedAt = :seen',
    expiresAt === undefined ? `attribute_not_exists(#${timeToLive})` : ends.expression,
  ].join(' AND '),
  ...(claimedAt === undefined ? {} : { values: { seen: claimedAt } }),
});

export const createOwnerships = (
  tableName: string,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): Ownerships => {
  const table = createTable(tableName, dynamodb);
  const keyOf = (imageId: ImageId, owner: string) => ({ [partitionKey]: imageId, [sortKey]: owner });
  const now = (): string => new Date().toISOString();
  const epochSeconds = (time: number): number => Math.floor(time / 1000);
  const endOf = (days: number): number => epochSeconds(Date.now() + days * 86_400_000);

  /** A settled claim stays so: if the upload fails, its owner still owns the image. */
  const write = async (
    imageId: ImageId,
    owner: string,
    isUnsettled: Condition,
  ): Promise<Ownership | undefined> => {
    const key = keyOf(imageId, owner);
    const claimedAt = now();
    const begun = await table.update(key, {
      set: { claimedAt, [timeToLive]: endOf(waitingDays) },
      setOnce: { createdAt: claimedAt },
      condition: isUnsettled,
    });
    const { isDone, item } = begun.isDone
      ? begun
      : await table.update(key, { set: { claimedAt }, condition: exists });
    return isDone ? ownershipSchema.parse(item) : undefined;
  };

  const release = (seen: Ownership): Promise<boolean> =>
    table.remove(keyOf(seen.imageId, seen.owner), isUnchanged(seen));

  const isCurrent = ({ [timeToLive]: expiresAt }: Ownership): boolean =>
    expiresAt === undefined || expiresAt * 1000 > Date.now();

  const ofImage = async function* (imageId: ImageId): AsyncGenerator<Ownership> {
    let from: PageStart | undefined;
    do {
      const page = await table.query({
        condition: { expression: `#${partitionKey} = :imageId`, values: { imageId } },
        limit: pageSize,
        from,
      });
      for (const item of page.items) yield ownershipSchema.parse(item);
      from = page.next;
    } while (from !== undefined);
  };

  return {
    async find(imageId, owner) {
      const item = await table.get(keyOf(imageId, owner));
      const ownership = item && ownershipSchema.parse(item);
      return ownership && isCurrent(ownership) ? ownership : undefined;
    },

    async claim(imageId, owner) {
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        const claimed = await write(imageId, owner, isAbsentOrEnds);
        if (claimed !== undefined) return claimed;
      }
      throw new Error('The owner has deleted the image each time.');
    },

    confirm: async (imageId, owner) => (await write(imageId, owner, ends)) !== undefined,

    async settle(imageId, owner) {
      const change = { remove: [timeToLive], condition: isClaimed };
      return (await table.update(keyOf(imageId, owner), change)).isDone;
    },

    async announce(imageId, owner, expiresAt, seen) {
      const { isDone } = await table.update(keyOf(imageId, owner), {
        set: { claimedAt: undefined, [timeToLive]: epochSeconds(expiresAt.getTime()) },
        setOnce: { createdAt: now() },
        condition:
          seen?.claimedAt === undefined
            ? { expression: 'attribute_not_exists(#claimedAt)' }
            : { expression: '#claimedAt = :seen', values: { seen: seen.claimedAt } },
      });
      return isDone;
    },

    release,

    async isOwned(record) {
      for await (const ownership of ofImage(record.id)) {
        if (isCurrent(ownership) && countsFor(ownership, record)) return true;
      }
      return false;
    },

    async ofOwner(owner, limit, after) {
      const { items, next } = await table.query({
        index: newestIndex.name,
        condition: { expression: `#${newestIndex.partitionKey} = :owner`, values: { owner } },
        limit,
        order: 'descending',
        from: after && marshall({ ...keyOf(after.imageId, owner), createdAt: after.createdAt }),
      });
      const ownerships = items.map((item) => ownershipSchema.parse(item));
      const last = ownerships.at(-1);
      return {
        ownerships: ownerships.filter(isCurrent),
        next: next === undefined || last === undefined ? undefined : positionOf(last),
      };
    },

    async forget(imageId, stopping) {
      for await (const ownership of ofImage(imageId)) {
        stopping.throwIfAborted();
        if (ownership[timeToLive] === undefined) await release(ownership);
      }
    },
  };
};

export const positionOf = ({ imageId, createdAt }: Ownership): Position => ({ imageId, createdAt });
