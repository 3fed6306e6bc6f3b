import { createHash, randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { createDynamoDBClient } from '../aws/clients.ts';
import type { ImageId } from '../image/id.ts';
import { dayOf, secondsUntil } from '../runtime/day.ts';
import { createTurns } from '../runtime/turns.ts';
import type { UnprovenUpload } from '../runtime/upload-extension.ts';
import {
  type MailRequest,
  mailRequestSchema,
  mailRequestsTable,
  maxRecipientsPerDay,
  notifyHeader,
} from './mail-request.ts';
import { MailError } from './problems.ts';

/** The requests for mails that have not been sent yet. */
export interface MailRequests {
  /**
   * Replaces an earlier request of the same recipient, image and upload.
   *
   * @param presigned the upload that has yet to prove the bytes. @default - the caller has sent them
   * @throws MailError `too-many-recipients` when the image has as many other recipients today as it may have
   */
  add(imageId: ImageId, recipient: string, presigned?: UnprovenUpload): Promise<void>;
  /**
   * The requests whose callers have proven to have the image's bytes.
   *
   * @param uploadId the presigned upload that stored the image, if one did
   */
  of(imageId: ImageId, uploadId?: string): Promise<readonly MailRequest[]>;
  /**
   * The presigned upload has proven the bytes: its requests become those of an inline upload. Requests beyond
   * the recipients that the image may have today are removed. It may be repeated.
   */
  prove(imageId: ImageId, uploadId: string): Promise<void>;
  /** Reserves a mail for a minute. False when another process has reserved it, or the request is gone. */
  claim(request: MailRequest): Promise<boolean>;
  /** Its mail is sent. A later request of the same recipient stays. */
  remove(request: MailRequest): Promise<void>;
  /** Removes the proven requests of an image, and the digests of their recipients. */
  removeProven(imageId: ImageId, stopping: AbortSignal): Promise<void>;
  /** Removes the requests of presigned uploads that have not proven the bytes. */
  removeUnproven(imageId: ImageId, stopping: AbortSignal): Promise<void>;
}

/** From the end of a presigned URL: enough for an upload in progress and for its thumbnails. */
const unprovenSeconds = 86_400;

/** As long as a dead letter can be redriven (SQS Developer Guide, "Amazon SQS message quotas"). */
const keptSeconds = 14 * 86_400;

/**
 * Longer than sending a mail takes, at most 6 s, and shorter than the visibility timeout of 180 s: when the
 * message of a dead consumer is delivered again, its claims have ended.
 */
const claimSeconds = 60;

/** Presigned uploads of an image whose requests are removed at a time: anyone may have made many. */
const uploadsAtOnce = 25;

const { partitionKey, sortKey, timeToLive } = mailRequestsTable;

export const createMailRequests = (
  TableName: string,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): MailRequests => {
  /**
   * Each presigned upload has a partition of its own. So unproven requests of an image, however many there
   * are, are never read, and none can replace a proven one.
   */
  const partitionOf = (imageId: ImageId, uploadId: string | undefined): string =>
    uploadId === undefined ? imageId : `${imageId} ${uploadId}`;
  /** Lists the uploads that have such a partition. The requests of an image could not be found without it. */
  const uploadsPartitionOf = (imageId: ImageId): string => `uploads#${imageId}`;
  const recipientsPartitionOf = (imageId: ImageId): string => `recipients#${imageId}`;
  const keyOf = ({ imageId, uploadId, recipient }: MailRequest) => ({
    [partitionKey]: partitionOf(imageId, uploadId),
    [sortKey]: recipient,
  });
  const nowSeconds = (): number => Math.floor(Date.now() / 1000);

  /** Whether the condition of a write held. */
  const conditionally = async (write: () => Promise<unknown>): Promise<boolean> => {
    try {
      await write();
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };

  const requestsIn = async (imageId: ImageId, uploadId: string | undefined): Promise<MailRequest[]> => {
    const found: MailRequest[] = [];
    const pages = paginateQuery(
      { client: dynamodb },
      {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: '#imageId = :imageId',
        // DynamoDB deletes an expired item within days.
        FilterExpression: '#expires > :now',
        ExpressionAttributeNames: { '#imageId': partitionKey, '#expires': timeToLive },
        ExpressionAttributeValues: marshall({
          ':imageId': partitionOf(imageId, uploadId),
          ':now': nowSeconds(),
        }),
      },
    );
    for await (const { Items = [] } of pages) {
      found.push(...Items.map((item) => mailRequestSchema.parse({ ...unmarshall(item), imageId })));
    }
    return found;
  };

  const put = async (item: object): Promise<void> => {
    await dynamodb.send(
      new PutItemCommand({ TableName, Item: marshall(item, { removeUndefinedValues: true }) }),
    );
  };

  type Key = Readonly<Record<string, AttributeValue>>;

  /** The keys of all items in a partition, also of expired ones. */
  const keysIn = async (partition: string, abortSignal: AbortSignal): Promise<readonly Key[]> => {
    const keys: Key[] = [];
    const pages = paginateQuery(
      { client: dynamodb },
      {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: '#partition = :partition',
        ProjectionExpression: '#partition, #sort',
        ExpressionAttributeNames: { '#partition': partitionKey, '#sort': sortKey },
        ExpressionAttributeValues: marshall({ ':partition': partition }),
      },
      { abortSignal },
    );
    for await (const { Items = [] } of pages) keys.push(...Items);
    return keys;
  };

  const removeItem = async (key: Key, abortSignal?: AbortSignal): Promise<void> => {
    await dynamodb.send(new DeleteItemCommand({ TableName, Key: { ...key } }), { abortSignal });
  };

  const removePartition = async (partition: string, abortSignal: AbortSignal): Promise<void> => {
    for (const key of await keysIn(partition, abortSignal)) await removeItem(key, abortSignal);
  };

  /**
   * Counts recipients, not requests: a recipient is in the set once. The set is an item under another
   * partition key, so that no query for an image's requests finds it. It contains digests, not addresses.
   */
  const countRecipient = async (imageId: ImageId, recipient: string): Promise<void> => {
    const now = Date.now();
    const { day, endsAt } = dayOf(now);
    const digest = createHash('sha256').update(`${imageId} ${recipient}`).digest('base64url');
    const isCounted = await conditionally(() =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: marshall({ [partitionKey]: recipientsPartitionOf(imageId), [sortKey]: day }),
          UpdateExpression: 'ADD #digests :digests SET #expires = :expires',
          ConditionExpression:
            'attribute_not_exists(#digests) OR size(#digests) < :most OR contains(#digests, :digest)',
          ExpressionAttributeNames: { '#digests': 'digests', '#expires': timeToLive },
          ExpressionAttributeValues: {
            ':digests': { SS: [digest] },
            ...marshall({
              ':digest': digest,
              ':most': maxRecipientsPerDay,
              ':expires': Math.ceil(endsAt.getTime() / 1000),
            }),
          },
        }),
      ),
    );
    if (isCounted) return;
    throw new MailError(
      'too-many-recipients',
      `This image has ${maxRecipientsPerDay} recipients today. Further ones are accepted from ${endsAt.toISOString()}.`,
      { field: notifyHeader, retryAfterSeconds: secondsUntil(endsAt, now) },
    );
  };

  /** False where the image has as many other recipients today as it may have. */
  const isRecipientCounted = async (imageId: ImageId, recipient: string): Promise<boolean> => {
    try {
      await countRecipient(imageId, recipient);
      return true;
    } catch (error) {
      if (error instanceof MailError) return false;
      throw error;
    }
  };

  const remove = async (request: MailRequest): Promise<void> => {
    await conditionally(() =>
      dynamodb.send(
        new DeleteItemCommand({
          TableName,
          Key: marshall(keyOf(request)),
          ConditionExpression: '#requestId = :requestId',
          ExpressionAttributeNames: { '#requestId': 'requestId' },
          ExpressionAttributeValues: marshall({ ':requestId': request.requestId }),
        }),
      ),
    );
  };

  return {
    async add(imageId, recipient, presigned) {
      // At most one presigned upload stores an image, so the requests of the others lead to no mail. If they
      // counted, anyone who knows the hash could use up the number.
      if (presigned === undefined) await countRecipient(imageId, recipient);
      const uploadId = presigned?.uploadId;
      const request: MailRequest = { imageId, recipient, requestId: randomUUID(), uploadId };
      const expires =
        presigned === undefined
          ? nowSeconds() + keptSeconds
          : Math.floor(presigned.expiresAt.getTime() / 1000) + unprovenSeconds;
      const item = { ...request, ...keyOf(request), [timeToLive]: expires };
      await put(item);
      // After the request: a deletion that finds the upload here then finds its request as well.
      if (uploadId !== undefined) {
        await put({
          [partitionKey]: uploadsPartitionOf(imageId),
          [sortKey]: uploadId,
          [timeToLive]: expires,
        });
      }
    },

    async of(imageId, uploadId) {
      const inline = await requestsIn(imageId, undefined);
      return uploadId === undefined ? inline : [...inline, ...(await requestsIn(imageId, uploadId))];
    },

    async prove(imageId, uploadId) {
      for (const request of await requestsIn(imageId, uploadId)) {
        const { recipient, requestId } = request;
        const proven: MailRequest = { imageId, recipient, requestId };
        if (await isRecipientCounted(imageId, recipient)) {
          await put({ ...proven, ...keyOf(proven), [timeToLive]: nowSeconds() + keptSeconds });
        }
        await remove(request);
      }
      await removeItem(marshall({ [partitionKey]: uploadsPartitionOf(imageId), [sortKey]: uploadId }));
    },

    claim(request) {
      return conditionally(() =>
        dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: marshall(keyOf(request)),
            UpdateExpression: 'SET #claimEnds = :claimEnds',
            ConditionExpression:
              '#requestId = :requestId AND (attribute_not_exists(#claimEnds) OR #claimEnds <= :now)',
            ExpressionAttributeNames: { '#requestId': 'requestId', '#claimEnds': 'claimEndsSeconds' },
            ExpressionAttributeValues: marshall({
              ':requestId': request.requestId,
              ':claimEnds': nowSeconds() + claimSeconds,
              ':now': nowSeconds(),
            }),
          }),
        ),
      );
    },

    remove,

    async removeProven(imageId, stopping) {
      await removePartition(partitionOf(imageId, undefined), stopping);
      await removePartition(recipientsPartitionOf(imageId), stopping);
    },

    async removeUnproven(imageId, stopping) {
      const uploads = await keysIn(uploadsPartitionOf(imageId), stopping);
      const inTurn = createTurns(uploadsAtOnce);
      await Promise.all(
        uploads.map((key) =>
          inTurn(async () => {
            const uploadId = z.string().parse(unmarshall({ ...key })[sortKey]);
            await removePartition(partitionOf(imageId, uploadId), stopping);
            // Last: a worker that dies before this finds the upload again.
            await removeItem(key, stopping);
          }),
        ),
      );
    },
  };
};
