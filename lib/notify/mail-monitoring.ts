import { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Monitored } from '../constructs/monitored.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';
import type { ServiceFunction } from '../constructs/service-function.ts';
import type { WorkQueue } from '../constructs/work-queue.ts';
import { prices } from '../cost/prices.ts';

export interface MailMonitoringProps {
  readonly serviceName: string;
  readonly handler: ServiceFunction;
  readonly queue: WorkQueue;
  readonly mailRequests: Table;
}

/** A mail that does not arrive is no alarm: SES itself publishes a notice to the alerts topic. */
export const mailMonitoring = (props: MailMonitoringProps): Monitored => {
  const ownMetric = ownMetricsOf(props.serviceName);
  return {
    functions: { notify: props.handler },
    queues: { notify: props.queue },
    tables: [props.mailRequests],
    alarms: [
      {
        name: 'notify-dead-letters',
        metric: props.queue.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
          period: Duration.minutes(5),
        }),
        limit: { atLeast: 1 },
        description:
          "Sending a mail failed five times; its event stays in the dead-letter queue for 14 days. Find SES's answer in the log of notify, then send the messages back with npm run redrive.",
      },
    ],
    lines: { imagesPerHour: [ownMetric('MailsSent', { period: Duration.hours(1), label: 'mails' })] },
    costs: { SES: [{ metric: ownMetric('MailsSent'), ...prices.sesMails }] },
  };
};
