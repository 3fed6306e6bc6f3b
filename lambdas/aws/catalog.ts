import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ImageId } from '../image/id.ts';
import {
  type Failure,
  type ImageRecord,
  type Original,
  recordSchema,
  type StoredThumbnail,
  type WaitingKind,
  waitingParts,
} from '../image/record.ts';
import { catalogTable } from './catalog-table.ts';
import { createDynamoDBClient } from './clients.ts';

/** What resize found and made; stored in one write. */
export interface Finished {
  readonly original: Original;
  /** The presigned upload that stored the original, if one did. */
  readonly uploadId?: string | undefined;
  readonly thumbnails: Readonly<Record<string, StoredThumbnail>>;
  readonly thumbhash: string | undefined;
  readonly resizeMilliseconds: number;
  /** Undefined when nobody knows when the original was stored. */
  readonly uploadToReadyMilliseconds: number | undefined;
}

/** Some of the images that wait in one part of the index. */
export interface OverduePage {
  readonly records: readonly ImageRecord[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: PageStart | undefined;
}

export type PageStart = NonNullable<QueryCommandInput['ExclusiveStartKey']>;

/**
 * One record for each image. Every change is one conditional write, so that duplicate, concurrent and late events
 * cannot undo what is finished: each method says whether its change took place, `finish` and `fail` with the record that
 * came of it.
 */
export interface Catalog {
  find(id: ImageId): Promise<ImageRecord | undefined>;
  /**
   * Notes an image that is not known yet, or whose record was about to disappear, as `received`. An image that is only
   * announced is replaced as a whole.
   *
   * @param waitingSince from when on its original may be expected to be there
   * @returns its record, or undefined if there was one already
   */
  receive(id: ImageId, original: Original, waitingSince: Date): Promise<ImageRecord | undefined>;
  /**
   * Notes that an image may be uploaded until `urlEndsAt`, unless it is known better than by another announcement.
   * The record disappears by itself after `expiresAt`.
   *
   * @returns its record, or undefined if there was one that stays
   */
  announce(id: ImageId, urlEndsAt: Date, expiresAt: Date): Promise<ImageRecord | undefined>;
  /** A finished image becomes `received` again, unless it was finished with the settings of `fingerprint`. */
  renew(id: ImageId, fingerprint?: string): Promise<boolean>;
  /** Every variant is stored: the image is `ready`, unless it is already. */
  finish(id: ImageId, fingerprint: string, finished: Finished): Promise<ImageRecord | undefined>;
  /** The image is left to the slow lane and stays `received`, unless it is finished with the settings of `fingerprint`. */
  noteSlowLane(id: ImageId, fingerprint: string, original: Original): Promise<ImageRecord | undefined>;
  /** The image is `failed` for good, unless these settings finished it already. */
  fail(
    id: ImageId,
    fingerprint: string,
    original: Original,
    error: Failure,
    uploadId?: string,
  ): Promise<ImageRecord | undefined>;
  /**
   * Images in one of `waitingParts` that have been `received` since before a time, the longest waiting first.
   *
   * @param from where the page begins. @default - with the longest waiting
   */
  overdue(part: string, before: Date, limit: number, from?: PageStart): Promise<OverduePage>;
  /**
   * An overdue image's event is about to be sent again: it waits from now on. Its original is there, so it no longer
   * disappears.
   *
   * @param isLost counts towards giving the image up; false if it may just have to wait that long. @default true
   */
  noteRequeue(record: ImageRecord, isLost?: boolean): Promise<boolean>;
  /**
   * The original of an overdue image never came: it is not looked for again, and the record disappears by itself after
   * `at`, or when its announcement ends.
   */
  expire(record: ImageRecord, at: Date): Promise<boolean>;
}

const { waitingIndex } = catalogTable;
const waitingPart = (id: ImageId, kind: WaitingKind): string => {
  const part = waitingParts[kind][Number.parseInt(id.slice(0, 1), 16)];
  if (part === undefined) throw new Error(`${id} is not an image's id.`);
  return part;
};
const epochSeconds = (date: Date): number => Math.floor(date.getTime() / 1000);

export const createCatalog = (
  TableName: string,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): Catalog => {
  const keyOf = (id: ImageId) => marshall({ [catalogTable.partitionKey]: id });

  /** Runs one conditional write; undefined if its condition did not hold. */
  const conditionally = async <Result>(write: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await write();
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  };

  /** Sets and removes attributes of one item, and gives the record that comes of it. Every name gets a placeholder, so that none can be a reserved word. */
  const update = async (
    id: ImageId,
    {
      set,
      keep,
      remove,
      condition,
      values,
    }: {
      readonly set: Readonly<Record<string, unknown>>;
      /** Set only if the item has none yet. */
      readonly keep?: Readonly<Record<string, unknown>>;
      readonly remove: readonly string[];
      readonly condition: string;
      readonly values?: Readonly<Record<string, unknown>>;
    },
  ): Promise<ImageRecord | undefined> => {
    const present = Object.entries(set).filter(([, value]) => value !== undefined);
    const absent = Object.entries(set).flatMap(([name, value]) => (value === undefined ? [name] : []));
    const removed = [...remove, ...absent];
    const kept = Object.entries(keep ?? {});
    const assignments = [
      ...present.map(([name]) => `#${name} = :${name}`),
      ...kept.map(([name]) => `#${name} = if_not_exists(#${name}, :${name})`),
    ];
    const names = new Set(
      [...present, ...kept].map(([name]) => name).concat(removed, condition.match(/(?<=#)\w+/g) ?? []),
    );
    const updated = await conditionally(() =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf(id),
          UpdateExpression: [
            `SET ${assignments.join(', ')}`,
            ...(removed.length > 0 ? [`REMOVE ${removed.map((name) => `#${name}`).join(', ')}`] : []),
          ].join(' '),
          ConditionExpression: condition,
          ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: marshall(
            Object.fromEntries(
              [...present, ...kept, ...Object.entries(values ?? {})].map(([name, value]) => [
                `:${name}`,
                value,
              ]),
            ),
            { removeUndefinedValues: true },
          ),
          ReturnValues: 'ALL_NEW',
        }),
      ),
    );
    return updated && recordSchema.parse(unmarshall(updated.Attributes ?? {}));
  };

  const now = (): string => new Date().toISOString();
  const received = (id: ImageId, waitingSince: Date, kind: WaitingKind = 'stored') => ({
    status: 'received',
    changedAt: now(),
    [waitingIndex.partitionKey]: waitingPart(id, kind),
    [waitingIndex.sortKey]: waitingSince.toISOString(),
  });
  const waiting = [
    waitingIndex.partitionKey,
    waitingIndex.sortKey,
    catalogTable.timeToLive,
    'announced',
    'requeued',
    'lane',
  ];

  /** Puts a whole record, unless there is one that does not disappear by itself. */
  const putUnlessKept = async (
    id: ImageId,
    rest: Readonly<Record<string, unknown>>,
  ): Promise<ImageRecord | undefined> => {
    const item = { id, createdAt: now(), ...rest };
    const isNew = await conditionally(() =>
      dynamodb.send(
        new PutItemCommand({
          TableName,
          Item: marshall(item, { removeUndefinedValues: true }),
          ConditionExpression: 'attribute_not_exists(#id) OR attribute_exists(#expires)',
          ExpressionAttributeNames: {
            '#id': catalogTable.partitionKey,
            '#expires': catalogTable.timeToLive,
          },
        }),
      ),
    );
    return isNew && recordSchema.parse(item);
  };

  return {
    async find(id) {
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName, Key: keyOf(id), ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      const item = unmarshall(Item);
      const expiresAtSeconds: unknown = item[catalogTable.timeToLive];
      // DynamoDB deletes an expired item within days, not at once.
      if (typeof expiresAtSeconds === 'number' && expiresAtSeconds * 1000 <= Date.now()) return undefined;
      return recordSchema.parse(item);
    },

    receive(id, original, waitingSince) {
      return putUnlessKept(id, { original, ...received(id, waitingSince) });
    },

    announce(id, urlEndsAt, expiresAt) {
      return putUnlessKept(id, {
        // Nothing that the announcement claims.
        original: { bytes: 0 },
        announced: true,
        ...received(id, urlEndsAt, 'announced'),
        [catalogTable.timeToLive]: epochSeconds(expiresAt),
      });
    },

    async renew(id, fingerprint = '') {
      const renewed = await update(id, {
        set: received(id, new Date()),
        remove: ['error', 'fingerprint', 'requeued', 'lane'],
        condition: '#status <> :received AND #fingerprint <> :current',
        values: { received: 'received', current: fingerprint },
      });
      return renewed !== undefined;
    },

    finish(id, fingerprint, { uploadId, ...finished }) {
      return update(id, {
        set: { ...finished, uploadId, fingerprint, status: 'ready', changedAt: now() },
        keep: { createdAt: now() },
        remove: ['error', ...waiting],
        condition: 'attribute_not_exists(#status) OR #status <> :status OR #fingerprint <> :fingerprint',
      });
    },

    noteSlowLane(id, fingerprint, original) {
      return update(id, {
        set: { ...received(id, new Date(), 'slow'), lane: 'slow', original },
        keep: { createdAt: now() },
        remove: ['error', catalogTable.timeToLive],
        condition: 'attribute_not_exists(#status) OR #status = :status OR #fingerprint <> :fingerprint',
        values: { fingerprint },
      });
    },

    fail(id, fingerprint, original, error, uploadId) {
      return update(id, {
        set: { original, uploadId, error, fingerprint, status: 'failed', changedAt: now() },
        keep: { createdAt: now() },
        remove: waiting,
        condition: 'attribute_not_exists(#status) OR #status = :received OR #fingerprint <> :fingerprint',
        values: { received: 'received' },
      });
    },

    async overdue(part, before, limit, from) {
      const { Items = [], LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName,
          IndexName: waitingIndex.name,
          KeyConditionExpression: '#part = :part AND #since < :before',
          ExpressionAttributeNames: { '#part': waitingIndex.partitionKey, '#since': waitingIndex.sortKey },
          ExpressionAttributeValues: marshall({ ':part': part, ':before': before.toISOString() }),
          Limit: limit,
          ExclusiveStartKey: from,
        }),
      );
      return { records: Items.map((item) => recordSchema.parse(unmarshall(item))), next: LastEvaluatedKey };
    },

    async noteRequeue({ id, waitingSince, requeued }, isLost = true) {
      const noted = await update(id, {
        set: {
          [waitingIndex.partitionKey]: waitingPart(id, 'stored'),
          [waitingIndex.sortKey]: now(),
          requeued: isLost ? requeued + 1 : requeued,
        },
        remove: [catalogTable.timeToLive, 'lane'],
        condition: '#status = :received AND #waitingSince = :seen',
        values: { received: 'received', seen: waitingSince },
      });
      return noted !== undefined;
    },

    async expire({ id, waitingSince }, at) {
      const expiring = await update(id, {
        set: {},
        keep: { [catalogTable.timeToLive]: epochSeconds(at) },
        remove: [waitingIndex.partitionKey, waitingIndex.sortKey],
        condition: '#status = :received AND #waitingSince = :seen',
        values: { received: 'received', seen: waitingSince },
      });
      return expiring !== undefined;
    },
  };
};
