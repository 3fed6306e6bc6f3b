import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ImageId } from '../image/id.ts';
import { originalKey } from '../image/keys.ts';
import { createSQSClient } from './clients.ts';

/** Asks for the thumbnails of an original that is there already, where no event of S3 would. */
export interface ResizeRequests {
  send(id: ImageId): Promise<void>;
  /**
   * Passes on a message from another queue.
   *
   * @param storedAt when the original was stored, if that is known
   */
  move(id: ImageId, storedAt: Date | undefined): Promise<void>;
  /** How many messages wait in the queue, about. */
  waiting(): Promise<number>;
}

/** Tell our messages from those of S3. */
export const requestedEventName = 'ObjectCreated:Requested';
const movedEventName = 'ObjectCreated:Moved';

/** The shape in which S3 announces an object, so that resize knows one kind of message. */
const messageBody = (id: ImageId, eventName: string, eventTime?: string): string =>
  JSON.stringify({ Records: [{ eventName, eventTime, s3: { object: { key: originalKey(id) } } }] });

/** @param sqs the client. @default - one that is made for the first request: most uploads send none */
export const createResizeRequests = (QueueUrl: string, sqs?: SQSClient): ResizeRequests => {
  let client = sqs;
  const clientInUse = (): SQSClient => {
    client ??= createSQSClient();
    return client;
  };
  return {
    async send(id) {
      await clientInUse().send(
        new SendMessageCommand({ QueueUrl, MessageBody: messageBody(id, requestedEventName) }),
      );
    },

    async move(id, storedAt) {
      const MessageBody = messageBody(id, movedEventName, storedAt?.toISOString());
      await clientInUse().send(new SendMessageCommand({ QueueUrl, MessageBody }));
    },

    async waiting() {
      const name = 'ApproximateNumberOfMessages';
      const { Attributes } = await clientInUse().send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }),
      );
      return Number(Attributes?.[name]);
    },
  };
};
