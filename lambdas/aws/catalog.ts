import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Deletion, deletionSchema, type ImageState, isDeletion } from '../image/deletion.ts';
import type { ImageId } from '../image/id.ts';
import {
  type Failure,
  type ImageRecord,
  type Original,
  recordSchema,
  type StoredThumbnail,
} from '../image/record.ts';
import { keptDays, keptForEver, type Retention } from '../image/retention.ts';
import { catalogTable, type WaitingKind, waitingPartOf } from './catalog-table.ts';
import { createDynamoDBClient } from './clients.ts';
import { type Attributes, type Change, type Condition, createTable, type PageStart } from './table.ts';

/** What resize found out and made, stored in one write. */
export interface Finished {
  readonly original: Original;
  /** The presigned upload that stored the original. @default - an inline upload stored it */
  readonly uploadId?: string | undefined;
  readonly thumbnails: Readonly<Record<string, StoredThumbnail>>;
  readonly thumbhash: string | undefined;
  /** Why the thumbnails are those of earlier settings. @default - they are of the present ones */
  readonly outdated?: string | undefined;
  readonly resizeMilliseconds: number;
  /** Undefined if it is unknown when the original was stored. */
  readonly uploadToReadyMilliseconds: number | undefined;
}

/** Some of the images that wait in one part of the index. */
export interface OverduePage {
  readonly states: readonly ImageState[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: PageStart | undefined;
}

/** What resize read before it began, which holds only while the image is the same one. */
export type Before = ImageRecord | undefined;

/**
 * One record for each image. Every change is one conditional write, so that duplicate, concurrent and late
 * events cannot undo finished work. A method whose condition does not hold changes nothing and returns
 * undefined or false.
 *
 * An image that is deleted and uploaded again gets a new `createdAt`. What began before cannot change it.
 */
export interface Catalog {
  /** The record of an image; undefined if there is none, or if it is being or was deleted. */
  find(id: ImageId): Promise<ImageRecord | undefined>;
  /** The record, or what its deletion has left. */
  state(id: ImageId): Promise<ImageState | undefined>;
  /**
   * Records an image as `received`, unless it has a record that does not expire or that a known caller has
   * claimed, or is being deleted.
   * Replaces an announcement, or what a deletion has left, as a whole.
   *
   * @param waitingSince when its original should be stored
   * @param claims 1 for a known caller, whose ownership is recorded already. @default 0
   */
  receive(
    id: ImageId,
    original: Original,
    waitingSince: Date,
    claims?: number,
  ): Promise<ImageRecord | undefined>;
  /**
   * Records that an image may be uploaded until `urlEndsAt`, unless it has a record that does not expire, or
   * is being deleted. The new one expires at `expiresAt`.
   */
  announce(id: ImageId, urlEndsAt: Date, expiresAt: Date): Promise<ImageRecord | undefined>;
  /**
   * Counts an upload by a known caller, whose ownership is recorded already. A deletion that did not see that
   * ownership then cannot begin. Undefined without a record, or when the image is being or was deleted.
   */
  claim(id: ImageId): Promise<ImageRecord | undefined>;
  /** Makes a settled image `received` again, unless it was settled with the settings of `fingerprint`. */
  renew(id: ImageId, fingerprint?: string): Promise<boolean>;
  /**
   * Makes a `ready` image `received` again, because only `kept` of its thumbnails are stored, unless it has
   * changed since `record` was read.
   */
  repair(record: ImageRecord, kept: ImageRecord['thumbnails']): Promise<boolean>;
  /**
   * Makes a `ready` image `failed`, because its objects are no longer stored, unless it has changed since
   * `record` was read. Its record expires at `expiresAt`.
   */
  lose(record: ImageRecord, error: Failure, expiresAt: Date): Promise<ImageRecord | undefined>;
  /**
   * Makes an image `ready`, unless it is already, with these settings.
   *
   * @param before the record that the work began with. It must still be that of the same image, and if there
   *   was none, there must be none
   */
  finish(
    id: ImageId,
    before: Before,
    fingerprint: string,
    finished: Finished,
  ): Promise<ImageRecord | undefined>;
  /** Leaves an image to the slow lane, unless it is settled with these settings. It stays `received`. */
  noteSlowLane(
    id: ImageId,
    before: Before,
    fingerprint: string,
    original: Original,
  ): Promise<ImageRecord | undefined>;
  /** Makes an image `failed`, unless it is settled with these settings. */
  fail(
    id: ImageId,
    before: Before,
    fingerprint: string,
    original: Original,
    error: Failure,
    uploadId?: string,
  ): Promise<ImageRecord | undefined>;
  /**
   * Lists images of one of `waitingParts` that wait since before a time, the longest waiting first.
   *
   * @param from where the page begins. @default - with the longest waiting
   */
  overdue(part: string, before: Date, limit: number, from?: PageStart): Promise<OverduePage>;
  /**
   * Records that an overdue image is about to be requested again: it waits from now on and no longer expires,
   * because its original is stored.
   *
   * @param isLost whether this counts towards giving the image up. @default true
   */
  noteRequeue(record: ImageRecord, isLost?: boolean): Promise<boolean>;
  /**
   * Removes an overdue image without an original from the index. Its record expires at `at`, unless it had an
   * expiry.
   */
  expire(record: ImageRecord, at: Date): Promise<boolean>;
  /**
   * Makes an image `deleting`, if it is still the one of `record` and was not claimed since that was read.
   * Nothing of the record is kept but its id and times.
   */
  startDeletion(record: ImageRecord): Promise<Deletion | undefined>;
  /**
   * Lets one worker delete, until `endsAt`, unless another one does. An image that was deleted is `deleting`
   * again, so that it cannot be uploaded meanwhile.
   */
  takeLease(deletion: Deletion, token: string, endsAt: Date): Promise<Deletion | undefined>;
  /**
   * Makes an image `deleted`, if the worker still holds its lease. What is left of it expires at `expiresAt`,
   * and is there until DynamoDB removes it.
   */
  finishDeletion(deletion: Deletion, token: string, expiresAt: Date): Promise<boolean>;
  /** Records that an overdue deletion is about to be requested again: it waits from now on. */
  noteDeletionRequested(deletion: Deletion): Promise<boolean>;
}

const { timeToLive, waitingIndex, deletion: deletionMark } = catalogTable;

const indexKeys = [waitingIndex.partitionKey, waitingIndex.sortKey];

/** What only an image has that is not settled, besides the keys of the index. */
const unsettledAttributes = [timeToLive, 'announced', 'requeued', 'lane'];

const now = (): string => new Date().toISOString();
const epochSeconds = (date: Date): number => Math.floor(date.getTime() / 1000);

const waiting = (id: ImageId, kind: WaitingKind, since: Date): Attributes => ({
  [waitingIndex.partitionKey]: waitingPartOf(id, kind),
  [waitingIndex.sortKey]: since.toISOString(),
});

const received = (id: ImageId, kind: WaitingKind, since: Date): Attributes => ({
  status: 'received',
  changedAt: now(),
  ...waiting(id, kind, since),
});

const both = (one: Condition, other: Condition): Condition => ({
  expression: `(${one.expression}) AND (${other.expression})`,
  values: { ...one.values, ...other.values },
});

/**
 * The image has no record, or one that expires. Until then, the record of an image that was claimed stays: a
 * new one would be younger than the claims of its other owners, who would lose it.
 */
const isReplaceable = (): Condition => ({
  expression: `attribute_not_exists(#id) OR (attribute_exists(#${timeToLive}) AND (attribute_not_exists(#claims) OR #${timeToLive} <= :nowSeconds))`,
  values: { nowSeconds: epochSeconds(new Date()) },
});

/** What a deletion leaves has no status. */
const isNotDeleted = { expression: 'attribute_exists(#status)' };

/** The image has a record that has not expired, and is not being deleted. */
const isPresent = (): Condition =>
  both(isNotDeleted, {
    expression: `attribute_not_exists(#${timeToLive}) OR #${timeToLive} > :nowSeconds`,
    values: { nowSeconds: epochSeconds(new Date()) },
  });

/** The image is still the one that `before` was read of. DynamoDB removes an expired record days later. */
const isSame = (before: Before): Condition =>
  before === undefined
    ? {
        expression: `attribute_not_exists(#id) OR (attribute_exists(#status) AND #${timeToLive} <= :nowSeconds)`,
        values: { nowSeconds: epochSeconds(new Date()) },
      }
    : both(isNotDeleted, {
        expression: '#createdAt = :sameCreatedAt',
        values: { sameCreatedAt: before.createdAt },
      });

/** The image is `received`, or was settled with other settings. */
const isUnsettled = (before: Before, fingerprint: string): Condition =>
  before === undefined
    ? isSame(before)
    : both(isSame(before), {
        expression: '#status = :received OR #fingerprint <> :fingerprint',
        values: { received: 'received', fingerprint },
      });

/**
 * The image is not `ready` with these settings. One with thumbnails of earlier settings is finished again
 * when it gets those of the present ones.
 */
const isUnfinished = (before: Before, fingerprint: string, outdated: string | undefined): Condition =>
  before === undefined
    ? isSame(before)
    : both(isSame(before), {
        expression: `#status <> :status OR #fingerprint <> :fingerprint${outdated === undefined ? ' OR attribute_exists(#outdated)' : ''}`,
        values: { status: 'ready', fingerprint },
      });

/** A record that is written without one before begins now. */
const createdAfter = (before: Before): Attributes => (before === undefined ? { createdAt: now() } : {});

/** The image still waits, and nothing has changed since `record` was read. */
const isUnchanged = ({ waitingSince }: ImageRecord) => ({
  expression: '#status = :received AND #waitingSince = :seen',
  values: { received: 'received', seen: waitingSince },
});

/** The image is `ready`, and nothing has changed since `record` was read. */
const isStillReady = ({ changedAt }: ImageRecord) => ({
  expression: '#status = :ready AND #changedAt = :seen',
  values: { ready: 'ready', seen: changedAt },
});

/** The image has not been claimed since `record` was read. */
const isUnclaimed = ({ claims }: ImageRecord): Condition =>
  claims === 0
    ? { expression: 'attribute_not_exists(#claims)' }
    : { expression: '#claims = :claims', values: { claims } };

const isHeldBy = (token: string): Condition => ({
  expression: `#${deletionMark} = :deleting AND #leaseToken = :token`,
  values: { deleting: 'deleting', token },
});

const deletionOf = (item: Attributes): Deletion =>
  deletionSchema.parse({ ...item, status: item[deletionMark] });

const stateOf = (item: Attributes): ImageState =>
  item[deletionMark] === undefined ? recordSchema.parse(item) : deletionOf(item);

/** DynamoDB removes an expired item within days. Until then an expired record is none. */
const isExpiredRecord = (item: Attributes): boolean => {
  const expiresAtSeconds = item[timeToLive];
  return (
    item[deletionMark] === undefined &&
    typeof expiresAtSeconds === 'number' &&
    expiresAtSeconds * 1000 <= Date.now()
  );
};

/** @param retention whether images wait in the index for their end. @default - they have none */
export const createCatalog = (
  tableName: string,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
  retention: Retention = keptForEver,
): Catalog => {
  const table = createTable(tableName, dynamodb);

  /** A settled image waits only for its end, if it has one. An attribute without a value is removed. */
  const untilItsEnd = (id: ImageId, ended: 'ready' | 'failed', since: string): Attributes =>
    keptDays(retention, ended) === null
      ? Object.fromEntries(indexKeys.map((name) => [name, undefined]))
      : waiting(id, ended, new Date(since));

  const putIfReplaceable = async (id: ImageId, rest: Attributes): Promise<ImageRecord | undefined> => {
    const item = { id, createdAt: now(), ...rest };
    return (await table.put(item, isReplaceable())) ? recordSchema.parse(item) : undefined;
  };

  const update = async (id: ImageId, change: Change): Promise<ImageRecord | undefined> => {
    const { isDone, item } = await table.update({ id }, change);
    return isDone ? recordSchema.parse(item) : undefined;
  };

  const isUpdated = async (id: ImageId, change: Change): Promise<boolean> =>
    (await table.update({ id }, change)).isDone;

  const state = async (id: ImageId): Promise<ImageState | undefined> => {
    const item = await table.get({ id });
    return item === undefined || isExpiredRecord(item) ? undefined : stateOf(item);
  };

  return {
    state,

    async find(id) {
      const found = await state(id);
      return found === undefined || isDeletion(found) ? undefined : found;
    },

    receive: (id, original, waitingSince, claims = 0) =>
      putIfReplaceable(id, {
        original,
        ...received(id, 'stored', waitingSince),
        ...(claims === 0 ? {} : { claims }),
      }),

    announce: (id, urlEndsAt, expiresAt) =>
      putIfReplaceable(id, {
        // What the announcement claims is not recorded.
        original: { bytes: 0 },
        announced: true,
        ...received(id, 'announced', urlEndsAt),
        [timeToLive]: epochSeconds(expiresAt),
      }),

    claim: (id) => update(id, { add: { claims: 1 }, condition: isPresent() }),

    renew: (id, fingerprint = '') =>
      isUpdated(id, {
        set: received(id, 'stored', new Date()),
        remove: ['error', 'fingerprint', 'requeued', 'lane', 'outdated', timeToLive],
        condition: both(isNotDeleted, {
          expression: '#status <> :received AND #fingerprint <> :current',
          values: { received: 'received', current: fingerprint },
        }),
      }),

    repair: (record, kept) =>
      isUpdated(record.id, {
        set: { ...received(record.id, 'stored', new Date()), thumbnails: kept },
        remove: ['fingerprint', 'requeued', 'lane', 'outdated'],
        condition: isStillReady(record),
      }),

    lose: (record, error, expiresAt) =>
      update(record.id, {
        set: { status: 'failed', changedAt: now(), error, [timeToLive]: epochSeconds(expiresAt) },
        remove: ['thumbnails', 'thumbhash', 'outdated', ...indexKeys],
        condition: isStillReady(record),
      }),

    finish: (id, before, fingerprint, { uploadId, outdated, ...finished }) =>
      update(id, {
        set: {
          ...createdAfter(before),
          ...finished,
          ...untilItsEnd(id, 'ready', before?.createdAt ?? now()),
          uploadId,
          outdated,
          fingerprint,
          status: 'ready',
          changedAt: now(),
        },
        remove: ['error', ...unsettledAttributes],
        condition: isUnfinished(before, fingerprint, outdated),
      }),

    noteSlowLane: (id, before, fingerprint, original) =>
      update(id, {
        set: { ...createdAfter(before), ...received(id, 'slow', new Date()), lane: 'slow', original },
        remove: ['error', timeToLive],
        condition: isUnsettled(before, fingerprint),
      }),

    fail: (id, before, fingerprint, original, error, uploadId) =>
      update(id, {
        set: {
          ...createdAfter(before),
          ...untilItsEnd(id, 'failed', now()),
          original,
          uploadId,
          error,
          fingerprint,
          status: 'failed',
          changedAt: now(),
        },
        remove: unsettledAttributes,
        condition: isUnsettled(before, fingerprint),
      }),

    async overdue(part, before, limit, from) {
      const { items, next } = await table.query({
        index: waitingIndex.name,
        condition: {
          expression: `#${waitingIndex.partitionKey} = :part AND #${waitingIndex.sortKey} < :before`,
          values: { part, before: before.toISOString() },
        },
        limit,
        from,
      });
      return { states: items.map(stateOf), next };
    },

    noteRequeue: (record, isLost = true) =>
      isUpdated(record.id, {
        set: {
          ...waiting(record.id, 'stored', new Date()),
          requeued: record.requeued + (isLost ? 1 : 0),
        },
        remove: [timeToLive, 'lane'],
        condition: isUnchanged(record),
      }),

    expire: (record, at) =>
      isUpdated(record.id, {
        setOnce: { [timeToLive]: epochSeconds(at) },
        remove: indexKeys,
        condition: isUnchanged(record),
      }),

    async startDeletion(record) {
      const { id, createdAt } = record;
      const item = {
        id,
        createdAt,
        [deletionMark]: 'deleting',
        changedAt: now(),
        ...waiting(id, 'deletion', new Date()),
      };
      const isStarted = await table.put(item, both(isSame(record), isUnclaimed(record)));
      return isStarted ? deletionOf(item) : undefined;
    },

    async takeLease({ id, createdAt }, token, endsAt) {
      const { isDone, item } = await table.update(
        { id },
        {
          set: {
            [deletionMark]: 'deleting',
            leaseToken: token,
            leaseEndsAt: endsAt.toISOString(),
            ...waiting(id, 'deletion', new Date()),
          },
          remove: [timeToLive],
          condition: {
            expression: `#createdAt = :sameCreatedAt AND attribute_exists(#${deletionMark}) AND (attribute_not_exists(#leaseEndsAt) OR #leaseEndsAt <= :now)`,
            values: { sameCreatedAt: createdAt, now: now() },
          },
        },
      );
      return isDone ? deletionOf(item) : undefined;
    },

    finishDeletion: ({ id, createdAt, changedAt }, token, expiresAt) =>
      table.put(
        {
          id,
          createdAt,
          [deletionMark]: 'deleted',
          changedAt,
          isPublished: true,
          [timeToLive]: epochSeconds(expiresAt),
        },
        isHeldBy(token),
      ),

    noteDeletionRequested: ({ id, waitingSince }) =>
      isUpdated(id, {
        set: waiting(id, 'deletion', new Date()),
        condition: {
          expression: `#${deletionMark} = :deleting AND #waitingSince = :seen`,
          values: { deleting: 'deleting', seen: waitingSince },
        },
      }),
  };
};
