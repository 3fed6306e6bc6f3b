import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { deadLetterQueueOf, queueUrl, resources } from '../../../local/aws.ts';
import { endpointOf } from '../../../local/ports.ts';
import { accountOf, type Place } from '../../local/aws-clients.ts';

/** The queues of a stack, without the proxy in between. */
export const queuesOf = (place: Place) => {
  const endpoint = endpointOf(place.ports.sqs);
  const sqs = new SQSClient({ ...accountOf(place), endpoint });
  return {
    /** Sends a message to the queue of S3's events. */
    send: async (MessageBody: string): Promise<void> => {
      await sqs.send(
        new SendMessageCommand({ QueueUrl: queueUrl(endpoint, resources.resizeQueue), MessageBody }),
      );
    },

    /** Drains the dead-letter queues of both lanes and of deletions, and returns the bodies. */
    takeDeadLetters: async (): Promise<readonly string[]> => {
      const bodies: string[] = [];
      for (const queue of [resources.resizeQueue, resources.slowResizeQueue, resources.deleteQueue]) {
        const QueueUrl = queueUrl(endpoint, deadLetterQueueOf(queue));
        for (;;) {
          const { Messages = [] } = await sqs.send(
            new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
          );
          if (Messages.length === 0) break;
          for (const { Body = '', ReceiptHandle } of Messages) {
            bodies.push(Body);
            await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          }
        }
      }
      return bodies;
    },
  };
};
