import { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { AlarmRow } from '../monitoring/alarms.ts';

export interface MailAlarmsProps {
  readonly notifyDeadLetterQueue: IQueue;
}

/** What is to be noticed while mail is on. A mail that does not arrive is no alarm: SES itself tells the alerts topic. */
export const mailAlarms = ({ notifyDeadLetterQueue }: MailAlarmsProps): readonly AlarmRow[] => [
  {
    name: 'notify-dead-letters',
    metric: notifyDeadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5) }),
    limit: { atLeast: 1 },
    description:
      'A mail could not be sent five times, and its event was set aside for 14 days. See in the log of notify what SES said, then send the messages back with npm run redrive.',
  },
];
