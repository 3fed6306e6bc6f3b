import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type ImageEvent, imageEventSchema } from '../../lambdas/image/event.ts';
import { accountId, queueUrl, region, resources, topicArn } from '../../local/aws.ts';
import { endpointOf } from '../../local/ports.ts';
import { accountOf, type Place } from './aws-clients.ts';

export interface ReceivedEvent {
  readonly event: ImageEvent;
  /** The message attributes, by which a filter policy can select. */
  readonly attributes: Readonly<Record<string, string | undefined>>;
}

/** Subscribes a queue to the topic. The returned function returns all events received so far. */
export const subscribe = async (place: Place): Promise<() => Promise<readonly ReceivedEvent[]>> => {
  const endpoint = endpointOf(place.ports.sqs);
  const account = accountOf(place);
  const sqs = new SQSClient({ ...account, endpoint });
  const sns = new SNSClient({ ...account, endpoint });
  const name = 'subscriber';
  await sqs.send(new CreateQueueCommand({ QueueName: name }));
  await sns.send(
    new SubscribeCommand({
      TopicArn: topicArn(resources.imageEventsTopic),
      Protocol: 'sqs',
      Endpoint: `arn:aws:sqs:${region}:${accountId}:${name}`,
      Attributes: { RawMessageDelivery: 'true' },
    }),
  );
  const QueueUrl = queueUrl(endpoint, name);
  const received: ReceivedEvent[] = [];
  return async () => {
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
      );
      if (Messages.length === 0) return received;
      for (const { Body = '', MessageAttributes = {}, ReceiptHandle } of Messages) {
        received.push({
          event: imageEventSchema.parse(JSON.parse(Body)),
          attributes: Object.fromEntries(
            Object.entries(MessageAttributes).map(([key, { StringValue }]) => [key, StringValue]),
          ),
        });
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
  };
};
