import { Duration } from 'aws-cdk-lib';
import { GraphWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Monitored } from '../constructs/monitored.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';
import type { ServiceFunction } from '../constructs/service-function.ts';

export interface IngestMonitoringProps {
  readonly serviceName: string;
  readonly handler: ServiceFunction;
  readonly admission: Table;
}

const period = Duration.minutes(5);
const hour = Duration.hours(1);

export const ingestMonitoring = ({ serviceName, handler, admission }: IngestMonitoringProps): Monitored => {
  const ownMetric = ownMetricsOf(serviceName);
  return {
    functions: { ingest: handler },
    tables: [admission],
    alarms: [
      {
        name: 'daily-budget-80-percent',
        // The highest of an hour, so that the alarm does not flap with each upload.
        metric: ownMetric('BudgetUsedPercent', { period: hour, statistic: 'Maximum' }),
        limit: { atLeast: 80 },
        description:
          'Uploads have used 80 % of the daily budget (a day of UTC), by number or by bytes. Find out who uploads; raise maxUploadsPerDay or maxUploadBytesPerDay if you want these uploads.',
      },
      {
        name: 'daily-budget-exhausted',
        metric: ownMetric('BudgetRefusals', { period: hour }),
        limit: { atLeast: 1 },
        description:
          'An upload was refused because the daily budget (a day of UTC) is used up; links and thumbnails still work. Find out who uploads; raise maxUploadsPerDay or maxUploadBytesPerDay, or close the API with auth.',
      },
      {
        name: 'events-unpublished',
        metric: ownMetric('EventsUnpublished', { period }),
        limit: { atLeast: 1 },
        description:
          'An event could not be published, so subscribers did not receive it. The event is in the log of ingest: publish it again from there.',
      },
      {
        name: 'ingest-errors',
        metric: handler.metricErrors({ period }),
        limit: { atLeast: 3 },
        description:
          'The ingest function crashed or timed out at least three times within five minutes, and callers got server errors. Look in its log for the cause.',
      },
      {
        name: 'ingest-throttles',
        metric: handler.metricThrottles({ period }),
        limit: { atLeast: 5 },
        periods: { over: 2, of: 2 },
        description:
          "For ten minutes Lambda has throttled the ingest function, and callers got 503. Check whether the setting ingestMaxConcurrency or the account's concurrency quota limits it.",
      },
    ],
    widgets: {
      load: [
        new GraphWidget({
          title: 'Uploaded bytes per hour, and the daily budget',
          width: 8,
          left: [ownMetric('UploadedBytes', { period: hour, label: 'bytes' })],
          right: [
            ownMetric('BudgetUsedPercent', { period: hour, statistic: 'Maximum', label: 'budget used, %' }),
            ownMetric('BudgetRefusals', { period: hour, label: 'uploads refused' }),
          ],
        }),
      ],
    },
    lines: {
      durations: [handler.metricDuration({ period, statistic: 'p95', label: 'ingest' })],
      imagesPerHour: [
        ownMetric('Uploads', { period: hour, label: 'new' }),
        ownMetric('Duplicates', { period: hour, label: 'duplicates' }),
      ],
    },
  };
};
