import { createHash, randomUUID } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { createDynamoDBClient } from '../aws/clients.ts';
import { dayOf, secondsUntil } from '../image/admission.ts';
import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import {
  type MailRequest,
  mailRequestSchema,
  mailRequestsTable,
  maxRecipientsPerDay,
  notifyHeader,
} from './mail-request.ts';

/** Who wants a mail about which image. A request is there until its mail is sent. */
export interface MailRequests {
  /**
   * Replaces an earlier request of the same recipient, image and upload.
   *
   * @param upload the presigned upload that has yet to show the bytes. @default - the caller has shown them
   * @throws ImageError `too-many-recipients` when as many others as may be were named for the image today, each with its
   *   bytes
   */
  add(imageId: ImageId, recipient: string, upload?: UnprovenUpload): Promise<void>;
  /**
   * The requests whose callers have shown the image's bytes.
   *
   * @param uploadId the presigned upload that stored the image, if one did
   */
  of(imageId: ImageId, uploadId?: string): Promise<readonly MailRequest[]>;
  /** Whether the mail is ours to send, for a minute: not if somebody else has it, or the request is gone. */
  claim(request: MailRequest): Promise<boolean>;
  /** Its mail is sent. A later request of the same person stays. */
  remove(request: MailRequest): Promise<void>;
}

export interface UnprovenUpload {
  readonly uploadId: string;
  /** When its presigned URL ends. */
  readonly expiresAt: Date;
}

/** After the end of a presigned URL: ample for the upload under way, and for its thumbnails. */
const unprovenSeconds = 86_400;

/** As long as a dead letter may be brought back to its queue (SQS Developer Guide, "Amazon SQS message quotas"). */
const keptSeconds = 14 * 86_400;

/**
 * Longer than a mail takes, 6 s at most, and shorter than a message stays hidden whose consumer died, 180 s: when it
 * comes again nobody holds the claim.
 */
const claimSeconds = 60;

const { partitionKey, sortKey, timeToLive } = mailRequestsTable;

export const createMailRequests = (
  TableName: string,
  dynamodb: DynamoDBClient = createDynamoDBClient(),
): MailRequests => {
  /**
   * Each presigned upload has a partition of its own. Requests that are never proven are therefore never read, however
   * many there are for one image, and none can replace a request that is proven.
   */
  const partitionOf = (imageId: ImageId, uploadId: string | undefined): string =>
    uploadId === undefined ? imageId : `${imageId} ${uploadId}`;
  const keyOf = ({ imageId, uploadId, recipient }: MailRequest) => ({
    [partitionKey]: partitionOf(imageId, uploadId),
    [sortKey]: recipient,
  });
  const nowSeconds = (): number => Math.floor(Date.now() / 1000);

  /** Runs one conditional write, and says whether its condition held. */
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
        // DynamoDB deletes an expired item within days, not at once.
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

  /**
   * Counts people, not requests: who was counted today is in the set already. The set has an item of its own
   * under another partition key, where no query for an image's requests finds it, and holds no address that
   * can be read.
   */
  const countRecipient = async (imageId: ImageId, recipient: string): Promise<void> => {
    const now = Date.now();
    const { day, endsAt } = dayOf(now);
    const digest = createHash('sha256').update(`${imageId} ${recipient}`).digest('base64url');
    const isCounted = await conditionally(() =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: marshall({ [partitionKey]: `recipients#${imageId}`, [sortKey]: day }),
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
    throw new ImageError(
      'too-many-recipients',
      `${maxRecipientsPerDay} people get a mail about this image today. Others may ask from ${endsAt.toISOString()}.`,
      { field: notifyHeader, retryAfterSeconds: secondsUntil(endsAt, now) },
    );
  };

  return {
    async add(imageId, recipient, upload) {
      // At most one presigned upload stores an image, so requests of the others lead to no mail. If they counted, anyone
      // who knows the hash could use up the number.
      if (upload === undefined) await countRecipient(imageId, recipient);
      const uploadId = upload?.uploadId;
      const request: MailRequest = { imageId, recipient, requestId: randomUUID(), uploadId };
      const expires =
        upload === undefined
          ? nowSeconds() + keptSeconds
          : Math.floor(upload.expiresAt.getTime() / 1000) + unprovenSeconds;
      const item = { ...request, ...keyOf(request), [timeToLive]: expires };
      await dynamodb.send(
        new PutItemCommand({ TableName, Item: marshall(item, { removeUndefinedValues: true }) }),
      );
    },

    async of(imageId, uploadId) {
      const inline = await requestsIn(imageId, undefined);
      return uploadId === undefined ? inline : [...inline, ...(await requestsIn(imageId, uploadId))];
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

    async remove(request) {
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
    },
  };
};
