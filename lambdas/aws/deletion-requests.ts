import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ImageId } from '../image/id.ts';
import { createSQSClient } from './clients.ts';

/** Asks the deletion worker to delete an image, or to remove what arrived late of a deleted one. */
export interface DeletionRequests {
  send(id: ImageId): Promise<void>;
  /** @param seconds how long the request waits: at most 900 (SQS API Reference, `SendMessage`) */
  sendLater(id: ImageId, seconds: number): Promise<void>;
}

/** @param sqs the client. @default - created for the first request, because most processes send none */
export const createDeletionRequests = (QueueUrl: string, sqs?: SQSClient): DeletionRequests => {
  let client = sqs;
  const sendLater = async (imageId: ImageId, seconds: number): Promise<void> => {
    client ??= createSQSClient();
    await client.send(
      new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ imageId }), DelaySeconds: seconds }),
    );
  };
  return { send: (id) => sendLater(id, 0), sendLater };
};
