import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ImageId } from '../image/id.ts';
import { originalKey } from '../image/keys.ts';
import { createSQSClient } from './clients.ts';

/** Requests thumbnails of an original that is stored already, for which S3 sends no event. */
export interface ResizeRequests {
  send(id: ImageId): Promise<void>;
  /**
   * Moves an image here from another queue.
   *
   * @param storedAt when the original was stored, if that is known
   */
  move(id: ImageId, storedAt: Date | undefined): Promise<void>;
  /** The approximate number of messages in the queue. */
  waiting(): Promise<number>;
}

/** Distinguish these messages from those of S3. */
export const requestedEventName = 'ObjectCreated:Requested';
const movedEventName = 'ObjectCreated:Moved';

/** Has the shape of S3's own event notifications, so that resize reads one kind of message. */
const messageBody = (id: ImageId, eventName: string, eventTime?: string): string =>
  JSON.stringify({ Records: [{ eventName, eventTime, s3: { object: { key: originalKey(id) } } }] });

/** @param sqs the client. @default - created for the first request, because most uploads send none */
export const createResizeRequests = (QueueUrl: string, sqs?: SQSClient): ResizeRequests => {
  let client = sqs;
  const lazyClient = (): SQSClient => {
    client ??= createSQSClient();
    return client;
  };
  return {
    async send(id) {
      await lazyClient().send(
        new SendMessageCommand({ QueueUrl, MessageBody: messageBody(id, requestedEventName) }),
      );
    },

    async move(id, storedAt) {
      const MessageBody = messageBody(id, movedEventName, storedAt?.toISOString());
      await lazyClient().send(new SendMessageCommand({ QueueUrl, MessageBody }));
    },

    async waiting() {
      const name = 'ApproximateNumberOfMessages';
      const { Attributes } = await lazyClient().send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }),
      );
      return Number(Attributes?.[name]);
    },
  };
};
