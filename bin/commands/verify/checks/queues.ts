import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Check } from '../check.ts';
import { counted, judge } from '../outcome.ts';

const counts = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;

export const queueChecks: readonly Check[] = [
  {
    name: 'dead-letters',
    group: 'queues',
    quick: true,
    description: 'No message has failed so often that it was set aside.',
    async run({ stack, aws }) {
      const urls = Object.entries(stack.allOutputs)
        .filter(([name]) => name.endsWith('DeadLetterQueueUrl'))
        .map(([, url]) => url);
      const faults: string[] = [];
      for (const QueueUrl of urls) {
        const { Attributes = {} } = await aws.sqs.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...counts] }),
        );
        const messages = counts.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
        if (messages > 0) {
          faults.push(
            `${QueueUrl} has ${counted(messages, 'message')}. Fix the cause, then use npm run redrive.`,
          );
        }
      }
      return judge(faults, `Empty: ${counted(urls.length, 'dead-letter queue')}.`);
    },
  },
];
