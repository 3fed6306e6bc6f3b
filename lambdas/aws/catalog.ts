import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ImageId } from '../image/id.ts';
import {
  type Failure,
  type ImageRecord,
  type Original,
  recordSchema,
  type StoredThumbnail,
} from '../image/record.ts';
import { catalogTable, type WaitingKind, waitingPartOf } from './catalog-table.ts';
import { createDynamoDBClient } from './clients.ts';
import { type Attributes, type Change, createTable, type PageStart } from './table.ts';

/** What resize found out and made, stored in one write. */
export interface Finished {
  readonly original: Original;
  /** The presigned upload that stored the original. @default - an inline upload stored it */
  readonly uploadId?: string | undefined;
  readonly thumbnails: Readonly<Record<string, StoredThumbnail>>;
  readonly thumbhash: string | undefined;
  readonly resizeMilliseconds: number;
  /** Undefined if it is unknown when the original was stored. */
  readonly uploadToReadyMilliseconds: number | undefined;
}

/** Some of the images that wait in one part of the index. */
export interface OverduePage {
  readonly records: readonly ImageRecord[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: PageStart | undefined;
}

/**
 * One record for each image. Every change is one conditional write, so that duplicate, concurrent and late
 * events cannot undo finished work. A method whose condition does not hold changes nothing and returns
 * undefined or false.
 */
export interface Catalog {
  find(id: ImageId): Promise<ImageRecord | undefined>;
  /**
   * Records an image as `received`, unless it has a record that does not expire. Replaces an announcement as
   * a whole.
   *
   * @param waitingSince when its original should be stored
   */
  receive(id: ImageId, original: Original, waitingSince: Date): Promise<ImageRecord | undefined>;
  /**
   * Records that an image may be uploaded until `urlEndsAt`, unless it has a record that does not expire. The
   * new one expires at `expiresAt`.
   */
  announce(id: ImageId, urlEndsAt: Date, expiresAt: Date): Promise<ImageRecord | undefined>;
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
  /** Makes an image `ready`, unless it is already, with these settings. */
  finish(id: ImageId, fingerprint: string, finished: Finished): Promise<ImageRecord | undefined>;
  /** Leaves an image to the slow lane, unless it is settled with these settings. It stays `received`. */
  noteSlowLane(id: ImageId, fingerprint: string, original: Original): Promise<ImageRecord | undefined>;
  /** Makes an image `failed`, unless it is settled with these settings. */
  fail(
    id: ImageId,
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
}

const { timeToLive, waitingIndex } = catalogTable;

/** What only a waiting image has. */
const waitingAttributes = [
  waitingIndex.partitionKey,
  waitingIndex.sortKey,
  timeToLive,
  'announced',
  'requeued',
  'lane',
];

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

/** The image has no record, or one that expires. */
const isReplaceable = { expression: `attribute_not_exists(#id) OR attribute_exists(#${timeToLive})` };

/** The image has no record, is `received`, or was settled with other settings. */
const isUnsettled = (fingerprint: string) => ({
  expression: 'attribute_not_exists(#status) OR #status = :received OR #fingerprint <> :fingerprint',
  values: { received: 'received', fingerprint },
});

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

export const createCatalog = (
  tableName: string,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): Catalog => {
  const table = createTable(tableName, dynamodb);

  const putIfReplaceable = async (id: ImageId, rest: Attributes): Promise<ImageRecord | undefined> => {
    const item = { id, createdAt: now(), ...rest };
    return (await table.put(item, isReplaceable)) ? recordSchema.parse(item) : undefined;
  };

  const update = async (id: ImageId, change: Change): Promise<ImageRecord | undefined> => {
    const { isDone, item } = await table.update({ id }, change);
    return isDone ? recordSchema.parse(item) : undefined;
  };

  const isUpdated = async (id: ImageId, change: Change): Promise<boolean> =>
    (await update(id, change)) !== undefined;

  return {
    async find(id) {
      const item = await table.get({ id });
      const expiresAtSeconds = item?.[timeToLive];
      const isExpired = typeof expiresAtSeconds === 'number' && expiresAtSeconds * 1000 <= Date.now();
      return item === undefined || isExpired ? undefined : recordSchema.parse(item);
    },

    receive: (id, original, waitingSince) =>
      putIfReplaceable(id, { original, ...received(id, 'stored', waitingSince) }),

    announce: (id, urlEndsAt, expiresAt) =>
      putIfReplaceable(id, {
        // What the announcement claims is not recorded.
        original: { bytes: 0 },
        announced: true,
        ...received(id, 'announced', urlEndsAt),
        [timeToLive]: epochSeconds(expiresAt),
      }),

    renew: (id, fingerprint = '') =>
      isUpdated(id, {
        set: received(id, 'stored', new Date()),
        remove: ['error', 'fingerprint', 'requeued', 'lane', timeToLive],
        condition: {
          expression: '#status <> :received AND #fingerprint <> :current',
          values: { received: 'received', current: fingerprint },
        },
      }),

    repair: (record, kept) =>
      isUpdated(record.id, {
        set: { ...received(record.id, 'stored', new Date()), thumbnails: kept },
        remove: ['fingerprint', 'requeued', 'lane'],
        condition: isStillReady(record),
      }),

    lose: (record, error, expiresAt) =>
      update(record.id, {
        set: { status: 'failed', changedAt: now(), error, [timeToLive]: epochSeconds(expiresAt) },
        remove: ['thumbnails', 'thumbhash'],
        condition: isStillReady(record),
      }),

    finish: (id, fingerprint, { uploadId, ...finished }) =>
      update(id, {
        set: { ...finished, uploadId, fingerprint, status: 'ready', changedAt: now() },
        setOnce: { createdAt: now() },
        remove: ['error', ...waitingAttributes],
        condition: {
          expression: 'attribute_not_exists(#status) OR #status <> :status OR #fingerprint <> :fingerprint',
        },
      }),

    noteSlowLane: (id, fingerprint, original) =>
      update(id, {
        set: { ...received(id, 'slow', new Date()), lane: 'slow', original },
        setOnce: { createdAt: now() },
        remove: ['error', timeToLive],
        condition: isUnsettled(fingerprint),
      }),

    fail: (id, fingerprint, original, error, uploadId) =>
      update(id, {
        set: { original, uploadId, error, fingerprint, status: 'failed', changedAt: now() },
        setOnce: { createdAt: now() },
        remove: waitingAttributes,
        condition: isUnsettled(fingerprint),
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
      return { records: items.map((item) => recordSchema.parse(item)), next };
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
        remove: [waitingIndex.partitionKey, waitingIndex.sortKey],
        condition: isUnchanged(record),
      }),
  };
};
