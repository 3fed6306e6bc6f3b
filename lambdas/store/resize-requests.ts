import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ImageId } from '../image/id.ts';
import { originalKey } from '../image/keys.ts';
import { createSQSClient } from './clients.ts';

/** Asks for the thumbnails of an original that is there already, where no event of S3 would. */
export interface ResizeRequests {
  send(id: ImageId): Promise<void>;
  /** How many messages wait in the queue, about. */
  waiting(): Promise<number>;
}

/** Tells our messages from those of S3. */
export const requestedEventName = 'ObjectCreated:Requested';

export const createResizeRequests = (
  QueueUrl: string,
  sqs: SQSClient = createSQSClient(),
): ResizeRequests => ({
  async send(id) {
    // The shape in which S3 announces an object, so that resize knows one kind of message.
    const MessageBody = JSON.stringify({
      Records: [{ eventName: requestedEventName, s3: { object: { key: originalKey(id) } } }],
    });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  },

  async waiting() {
    const name = 'ApproximateNumberOfMessages';
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }),
    );
    return Number(Attributes?.[name]);
  },
});
