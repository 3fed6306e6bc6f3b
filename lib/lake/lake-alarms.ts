import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { IDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { AlarmRow } from '../monitoring/alarms.ts';
import type { OwnMetric } from '../monitoring/own-metrics.ts';

export interface LakeAlarmsProps {
  readonly ownMetric: OwnMetric;
  readonly stream: IDeliveryStream;
  readonly transformer: IFunction;
  /** What SNS could not hand over. */
  readonly deadLetterQueue: IQueue;
}

const period = Duration.minutes(5);

/** What is to be noticed of the lake. No image depends on any of it. */
export const lakeAlarms = (props: LakeAlarmsProps): readonly AlarmRow[] => {
  const ofStream = (metricName: string, statistic: string): IMetric =>
    props.stream.metric(metricName, { period, statistic });
  return [
    {
      name: 'lake-events-refused',
      metric: props.ownMetric('EventsRefused', { period }),
      limit: { atLeast: 1 },
      description:
        'Something on the topic is no event of the version that the lake knows, or is dated outside of the days that it keeps. It is not in the table, but under errors/processing-failed/ for 30 days. See in the log of the transformer what is wrong with it.',
    },
    {
      name: 'lake-conversion-failed',
      metric: ofStream('FailedConversion.Records', 'Sum'),
      limit: { atLeast: 1 },
      description:
        'Rows did not fit the table and were not turned into Parquet. They are under errors/format-conversion-failed/ for 30 days, each with the reason. Compare it with the columns of the table.',
    },
    {
      name: 'lake-partitions-exceeded',
      metric: ofStream('PartitionCountExceeded', 'Maximum'),
      limit: { atLeast: 1 },
      description:
        'Events of more days arrive at once than Firehose keeps partitions for. Those beyond are under errors/ for 30 days. See who sends old events again, and send them more slowly.',
    },
    {
      name: 'lake-transformer-errors',
      metric: new MathExpression({
        expression: 'FILL(died, 0) + FILL(throttled, 0)',
        usingMetrics: {
          died: props.transformer.metricErrors({ period }),
          throttled: props.transformer.metricThrottles({ period }),
        },
        label: 'Failed calls of the transformer',
        period,
      }),
      // Firehose calls four times before it gives a batch up.
      limit: { atLeast: 4 },
      description:
        'The transformer died, ran out of time or was not let run, so often that whole batches of events may be under errors/processing-failed/, for 30 days. See in its log how it ended.',
    },
    {
      name: 'lake-throttled',
      metric: ofStream('ThrottledRecords', 'Sum'),
      limit: { atLeast: 1 },
      periods: { over: 2, of: 2 },
      description:
        'For ten minutes more events have arrived than Firehose takes. SNS sends them again for days, so nothing is lost yet. If this many are to be expected, have the quota of the stream raised.',
    },
    {
      name: 'lake-freshness',
      metric: ofStream('DeliveryToS3.DataFreshness', 'Maximum'),
      // It gathers for 15 minutes, and with partitions may take half as long again (Firehose Developer Guide, "Buffer
      // data for dynamic partitioning").
      limit: { above: 45 * 60 },
      description:
        'An event has waited for more than 45 minutes to be written to the bucket. Firehose drops what it cannot deliver for 24 hours. See in its log why it cannot write.',
    },
    {
      name: 'lake-dead-letters',
      metric: props.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period }),
      limit: { atLeast: 1 },
      description:
        'SNS could not hand an event to Firehose and set it aside for 14 days: the stream is gone, or may not be written to. Mend that first, then send the events to the stream by hand.',
    },
  ];
};
