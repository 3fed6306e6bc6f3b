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
  /** When an announcement ends. */
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
  /** Records that the owner has sent the bytes. */
  claim(imageId: ImageId, owner: string): Promise<void>;
  /**
   * Records that the bytes of an announced upload have arrived.
   *
   * @returns false where the owner has deleted the image since then
   */
  confirm(imageId: ImageId, owner: string): Promise<boolean>;
  /**
   * Records that the owner may upload an image until `expiresAt`.
   *
   * @param seen what was found before: a claim that was made since then stays, and false is returned
   */
  announce(imageId: ImageId, owner: string, expiresAt: Date, seen: Ownership | undefined): Promise<boolean>;
  release(imageId: ImageId, owner: string): Promise<void>;
  /** Whether anyone owns the image. Reads consistently: sees every claim that has ended. */
  isOwned(record: ImageRecord): Promise<boolean>;
  /** The images of an owner, the newest first. A claim of the last second may be missing. */
  ofOwner(owner: string, limit: number, after?: Position): Promise<OwnershipPage>;
  /**
   * Removes all claims of a deleted image from before `startedAt`. Announcements stay: they are about an
   * upload that is yet to come. So do later claims: their uploads wait for the end of the deletion. Nothing
   * about these may change, because their uploads may succeed at any moment.
   */
  forget(imageId: ImageId, stopping: AbortSignal, startedAt: Date): Promise<void>;
}

/** An ownership counts while a record is written after it: longer than any request lasts. */
const inTimeMilliseconds = 120_000;

/**
 * Whether a claim is about this image, and not left over from an upload that failed before it had a record:
 * such a claim is older than the record of any later upload. So an upload needs no second write that confirms
 * its claim, and a process that dies between the two leaves nothing that could keep an image alive.
 */
export const countsFor = ({ claimedAt }: Ownership, { createdAt }: ImageRecord): boolean =>
  claimedAt !== undefined && Date.parse(claimedAt) + inTimeMilliseconds >= Date.parse(createdAt);

/** An arrival waits as long as a dead letter can be redriven (SQS Developer Guide, "Message quotas"). */
const underWayMilliseconds = 14 * 86_400_000;

/** Whether the upload of a claim has yet to write the image's record, maybe after the end of a deletion. */
export const isUnderWay = ({ claimedAt }: Ownership, deletion: Deletion | undefined): boolean => {
  if (claimedAt === undefined) return true;
  const ageMilliseconds = Date.now() - Date.parse(claimedAt);
  if (deletion === undefined) return ageMilliseconds <= inTimeMilliseconds;
  return claimedAt >= deletion.changedAt && ageMilliseconds <= underWayMilliseconds;
};

/** Items of one query. An image has as many as it has owners, and is seldom uploaded by many. */
const pageSize = 100;

const exists: Condition = { expression: `attribute_exists(#${partitionKey})` };

export const createOwnerships = (
  tableName: string,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): Ownerships => {
  const table = createTable(tableName, dynamodb);
  const keyOf = (imageId: ImageId, owner: string) => ({ [partitionKey]: imageId, [sortKey]: owner });
  const now = (): string => new Date().toISOString();
  const epochSeconds = (time: number): number => Math.floor(time / 1000);

  const write = async (imageId: ImageId, owner: string, condition?: Condition): Promise<boolean> => {
    const { isDone } = await table.update(keyOf(imageId, owner), {
      set: { claimedAt: now() },
      setOnce: { createdAt: now() },
      remove: [timeToLive],
      condition,
    });
    return isDone;
  };

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
      await write(imageId, owner);
    },

    confirm: (imageId, owner) => write(imageId, owner, exists),

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

    async release(imageId, owner) {
      await table.remove(keyOf(imageId, owner));
    },

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

    async forget(imageId, stopping, startedAt) {
      for await (const { owner, claimedAt } of ofImage(imageId)) {
        stopping.throwIfAborted();
        if (claimedAt === undefined || Date.parse(claimedAt) >= startedAt.getTime()) continue;
        await table.remove(keyOf(imageId, owner), {
          expression: '#claimedAt = :seen',
          values: { seen: claimedAt },
        });
      }
    },
  };
};

export const positionOf = ({ imageId, createdAt }: Ownership): Position => ({ imageId, createdAt });
