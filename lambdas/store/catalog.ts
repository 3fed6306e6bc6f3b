import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ImageId } from '../image/id.ts';
import {
  catalogTable,
  type Failure,
  type ImageRecord,
  type Original,
  recordSchema,
  type StoredThumbnail,
} from '../image/record.ts';
import { createDynamoDBClient } from './clients.ts';

/** What resize found and made; stored in one write. */
export interface Finished {
  readonly original: Original;
  readonly thumbnails: Readonly<Record<string, StoredThumbnail>>;
  readonly thumbhash: string | undefined;
  readonly resizeMilliseconds: number;
  /** Undefined when nobody knows when the original was stored. */
  readonly uploadToReadyMilliseconds: number | undefined;
}

/**
 * One record for each image. Every change is one conditional write, so that duplicate, concurrent and late events
 * cannot undo what is finished: each method says whether its change took place, `finish` and `fail` with the record that
 * came of it.
 */
export interface Catalog {
  find(id: ImageId): Promise<ImageRecord | undefined>;
  /**
   * Notes an image that is not known yet, or whose record was about to disappear, as `received`.
   *
   * @param waitingSince from when on its original may be expected to be there
   * @returns its record, or undefined if there was one already
   */
  receive(id: ImageId, original: Original, waitingSince: Date): Promise<ImageRecord | undefined>;
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
  ): Promise<ImageRecord | undefined>;
  /** Images that have been `received` since before a time, the longest waiting first in each of the catalog's parts. */
  overdue(before: Date, limit: number): Promise<readonly ImageRecord[]>;
  /** An overdue image's event is about to be sent again: it waits from now on. */
  noteRequeue(record: ImageRecord): Promise<boolean>;
  /** An overdue image whose original never came: the record disappears by itself after `at`. */
  expire(record: ImageRecord, at: Date): Promise<boolean>;
}

const { waitingIndex } = catalogTable;
const waitingPart = (id: ImageId): string => id.slice(0, 1);
const waitingParts = [...'0123456789abcdef'];

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
  const received = (id: ImageId, waitingSince: Date) => ({
    status: 'received',
    changedAt: now(),
    [waitingIndex.partitionKey]: waitingPart(id),
    [waitingIndex.sortKey]: waitingSince.toISOString(),
  });
  const waiting = [
    waitingIndex.partitionKey,
    waitingIndex.sortKey,
    catalogTable.timeToLive,
    'requeued',
    'lane',
  ];

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

    async receive(id, original, waitingSince) {
      const item = { id, original, createdAt: now(), ...received(id, waitingSince) };
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
      return isNew ? recordSchema.parse(item) : undefined;
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

    finish(id, fingerprint, finished) {
      return update(id, {
        set: { ...finished, fingerprint, status: 'ready', changedAt: now() },
        keep: { createdAt: now() },
        remove: ['error', ...waiting],
        condition: 'attribute_not_exists(#status) OR #status <> :status OR #fingerprint <> :fingerprint',
      });
    },

    noteSlowLane(id, fingerprint, original) {
      return update(id, {
        set: { ...received(id, new Date()), lane: 'slow' },
        keep: { createdAt: now(), original },
        remove: ['error', catalogTable.timeToLive],
        condition: 'attribute_not_exists(#status) OR #status = :status OR #fingerprint <> :fingerprint',
        values: { fingerprint },
      });
    },

    fail(id, fingerprint, original, error) {
      return update(id, {
        set: { original, error, fingerprint, status: 'failed', changedAt: now() },
        keep: { createdAt: now() },
        remove: waiting,
        condition: 'attribute_not_exists(#status) OR #status = :received OR #fingerprint <> :fingerprint',
        values: { received: 'received' },
      });
    },

    async overdue(before, limit) {
      const found: ImageRecord[] = [];
      for (const part of waitingParts) {
        const { Items } = await dynamodb.send(
          new QueryCommand({
            TableName,
            IndexName: waitingIndex.name,
            KeyConditionExpression: '#part = :part AND #since < :before',
            ExpressionAttributeNames: { '#part': waitingIndex.partitionKey, '#since': waitingIndex.sortKey },
            ExpressionAttributeValues: marshall({ ':part': part, ':before': before.toISOString() }),
            Limit: limit - found.length,
          }),
        );
        found.push(...(Items ?? []).map((item) => recordSchema.parse(unmarshall(item))));
        if (found.length >= limit) break;
      }
      return found;
    },

    async noteRequeue({ id, waitingSince, requeued }) {
      const noted = await update(id, {
        set: { [waitingIndex.sortKey]: now(), requeued: requeued + 1 },
        remove: [],
        condition: '#status = :received AND #waitingSince = :seen',
        values: { received: 'received', seen: waitingSince },
      });
      return noted !== undefined;
    },

    async expire({ id, waitingSince }, at) {
      const expiring = await update(id, {
        set: { [catalogTable.timeToLive]: Math.floor(at.getTime() / 1000) },
        remove: [waitingIndex.partitionKey, waitingIndex.sortKey],
        condition: '#status = :received AND #waitingSince = :seen',
        values: { received: 'received', seen: waitingSince },
      });
      return expiring !== undefined;
    },
  };
};
