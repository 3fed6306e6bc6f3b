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
import { dayOf, secondsUntil } from '../image/admission.ts';
import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import {
  type MailRequest,
  mailRequestSchema,
  mailRequestsTable,
  maxRecipientsPerDay,
  notifyHeader,
} from '../image/mail-request.ts';
import { createDynamoDBClient } from './clients.ts';

/** Who wants a mail about which image. A request is there until its mail is sent. */
export interface MailRequests {
  /**
   * A person's earlier request for the same image gives way to this one.
   *
   * @throws ImageError `too-many-recipients` when as many others as may be were named for the image today
   */
  add(imageId: ImageId, recipient: string): Promise<void>;
  of(imageId: ImageId): Promise<readonly MailRequest[]>;
  /** Whether the mail is ours to send, for a minute: not if somebody else has it, or the request is gone. */
  claim(request: MailRequest): Promise<boolean>;
  /** Its mail is sent. A later request of the same person stays. */
  remove(request: MailRequest): Promise<void>;
}

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
  const keyOf = ({ imageId, recipient }: MailRequest) =>
    marshall({ [partitionKey]: imageId, [sortKey]: recipient });
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
    async add(imageId, recipient) {
      await countRecipient(imageId, recipient);
      const request: MailRequest = { imageId, recipient, requestId: randomUUID() };
      const Item = marshall({ ...request, [timeToLive]: nowSeconds() + keptSeconds });
      await dynamodb.send(new PutItemCommand({ TableName, Item }));
    },

    async of(imageId) {
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
          ExpressionAttributeValues: marshall({ ':imageId': imageId, ':now': nowSeconds() }),
        },
      );
      for await (const { Items = [] } of pages) {
        found.push(...Items.map((item) => mailRequestSchema.parse(unmarshall(item))));
      }
      return found;
    },

    claim(request) {
      return conditionally(() =>
        dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(request),
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
            Key: keyOf(request),
            ConditionExpression: '#requestId = :requestId',
            ExpressionAttributeNames: { '#requestId': 'requestId' },
            ExpressionAttributeValues: marshall({ ':requestId': request.requestId }),
          }),
        ),
      );
    },
  };
};
