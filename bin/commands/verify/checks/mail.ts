import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import {
  mailRequestsTable,
  notifyHeader,
  requireRecipient,
} from '../../../../lambdas/notify/mail-request.ts';
import type { Check } from '../check.ts';
import { failed, held, skipped } from '../outcome.ts';
import { postAndWait } from '../replies.ts';
import { newPhoto } from '../test-images.ts';
import { waitFor } from '../wait.ts';

/** SES accepts mail to it and delivers none (SES Developer Guide, "Using the mailbox simulator"). */
const simulator = 'success@simulator.amazonses.com';

export const mailChecks: readonly Check[] = [
  {
    name: 'mail',
    group: 'mail',
    quick: false,
    needsCaller: true,
    description:
      'A mail to the simulator of SES is sent. Only where `email.allowedRecipients` has simulator.amazonses.com.',
    async run(context) {
      const { stack, aws, signal } = context;
      const TableName = stack.outputs.MailRequestsTableName;
      const { allowedRecipients } = await stack.settings();
      if (TableName === undefined || allowedRecipients === undefined) return skipped('Mail is off.');
      try {
        requireRecipient(simulator, allowedRecipients);
      } catch {
        return skipped('email.allowedRecipients does not allow simulator.amazonses.com.');
      }
      const started = Date.now();
      const { id } = await postAndWait(context, await newPhoto(), { [notifyHeader]: simulator });
      const left = await waitFor(
        async () => {
          const { Items = [] } = await aws.dynamodb.send(
            new QueryCommand({
              TableName,
              ConsistentRead: true,
              KeyConditionExpression: '#image = :image',
              ExpressionAttributeNames: { '#image': mailRequestsTable.partitionKey },
              ExpressionAttributeValues: marshall({ ':image': id }),
            }),
          );
          return Items.length;
        },
        (count) => count === 0,
        { timeoutSeconds: 60, signal },
      );
      // The request is removed once SES has taken the mail.
      return left === 0
        ? held(`SES took a mail to ${simulator} within ${Math.ceil((Date.now() - started) / 1000)} s.`)
        : failed('SES has not taken the mail within 60 s. The log of notify shows its answer.');
    },
  },
];
