import { Duration } from 'aws-cdk-lib';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { AlarmRow } from '../constructs/alarms.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';

export interface LakeAlarmsProps {
  readonly serviceName: string;
  readonly stream: IDeliveryStream;
  readonly transformer: IFunction;
  /** Events that SNS could not deliver. */
  readonly deadLetterQueue: IQueue;
}

const period = Duration.minutes(5);

/** No image depends on any of this. */
export const lakeAlarms = (props: LakeAlarmsProps): readonly AlarmRow[] => {
  const ofStream = (metricName: string, statistic: string): IMetric =>
    props.stream.metric(metricName, { period, statistic });
  return [
    {
      name: 'lake-events-refused',
      metric: ownMetricsOf(props.serviceName)('EventsRefused', { period }),
      limit: { atLeast: 1 },
      description:
        'The topic published something that is no event of a known version, or whose date is outside of the days that the lake keeps. It is not in the table, but under errors/processing-failed/ for 30 days. The log of the transformer shows what is wrong with it.',
    },
    {
      name: 'lake-conversion-failed',
      metric: ofStream('FailedConversion.Records', 'Sum'),
      limit: { atLeast: 1 },
      description:
        'Rows did not fit the table and were not turned into Parquet. They are under errors/format-conversion-failed/ for 30 days, each with the reason. Compare them with the columns of the table.',
    },
    {
      name: 'lake-partitions-exceeded',
      metric: ofStream('PartitionCountExceeded', 'Maximum'),
      limit: { atLeast: 1 },
      description:
        'Events of more days arrive at the same time than Firehose has partitions for. The rest are under errors/ for 30 days. Find out who sends old events again, and slow that down.',
    },
    // Firehose calls four times before it gives up a batch.
    {
      name: 'lake-transformer-errors',
      metric: props.transformer.metricErrors({ period }),
      limit: { atLeast: 4 },
      description:
        'The transformer crashed or timed out so often that whole batches of events may be under errors/processing-failed/, for 30 days. Look in its log for the cause.',
    },
    {
      name: 'lake-transformer-throttles',
      metric: props.transformer.metricThrottles({ period }),
      limit: { atLeast: 4 },
      description:
        "Lambda throttled the transformer so often that whole batches of events may be under errors/processing-failed/, for 30 days. Find out which functions use up the account's concurrency.",
    },
    {
      name: 'lake-throttled',
      metric: ofStream('ThrottledRecords', 'Sum'),
      limit: { atLeast: 1 },
      periods: { over: 2, of: 2 },
      description:
        'For ten minutes more events have arrived than Firehose accepts. SNS retries for days, so nothing is lost yet. If you expect this many, request a higher quota for the stream.',
    },
    {
      name: 'lake-freshness',
      metric: ofStream('DeliveryToS3.DataFreshness', 'Maximum'),
      // Firehose buffers for 15 minutes, with partitions up to half as long again (Firehose Developer Guide,
      // "Buffer data for dynamic partitioning").
      limit: { above: 45 * 60 },
      description:
        'An event has waited for more than 45 minutes to be written to the bucket. Firehose drops what it cannot deliver for 24 hours. Look in its log why it cannot write.',
    },
    {
      name: 'lake-dead-letters',
      metric: props.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period }),
      limit: { atLeast: 1 },
      description:
        'SNS could not deliver an event to Firehose, and moved it to the dead-letter queue for 14 days: the stream is missing, or SNS lacks permission. Fix that first, then send the events to the stream by hand.',
    },
  ];
};
