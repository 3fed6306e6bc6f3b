import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { ImageEvent } from '../image/event.ts';
import { createSNSClient } from './clients.ts';

/** Publishes what happens to images. */
export interface Events {
  publish(event: ImageEvent): Promise<void>;
}

/** @param sns the client. @default - created for the first event, because most uploads publish none */
export const createEvents = (TopicArn: string, sns?: SNSClient): Events => {
  let client = sns;
  return {
    async publish(event) {
      const text = (StringValue: string) => ({ DataType: 'String', StringValue });
      client ??= createSNSClient();
      await client.send(
        new PublishCommand({
          TopicArn,
          Message: JSON.stringify(event),
          // For the filter policies of subscriptions.
          MessageAttributes: {
            type: text(event.type),
            ...('code' in event ? { code: text(event.code) } : {}),
          },
        }),
      );
    },
  };
};
