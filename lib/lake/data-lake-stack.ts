import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { Alarms } from '../monitoring/alarms.ts';
import { ownMetricsOf } from '../monitoring/own-metrics.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../resize/function-memory.ts';
import type { Settings } from '../settings.ts';
import { acknowledgeLakeFindings } from './acknowledged-findings.ts';
import { Delivery } from './delivery.ts';
import { EventsTable } from './events-table.ts';
import { lakeAlarms } from './lake-alarms.ts';
import { LakeBucket } from './lake-bucket.ts';
import { Queries } from './queries.ts';

export interface DataLakeStackProps extends StackProps {
  readonly settings: Settings;
  readonly imageEvents: ITopic;
  /** Told when an alarm goes off, and when it is over. */
  readonly alerts: ITopic;
}

/** Everything that happened to images, to be asked about in SQL. Nothing else depends on it: it may come and go. */
export class DataLakeStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { settings, imageEvents, alerts, ...stackProps }: DataLakeStackProps,
  ) {
    super(scope, id, stackProps);
    const bucket = new LakeBucket(this, 'Bucket', { onDestroy: settings.imagesOnDestroy });
    const events = new EventsTable(this, 'Events', { bucket });
    const delivery = new Delivery(this, 'Delivery', {
      imageEvents,
      bucket,
      events,
      logRetention: settings.logRetentionDays,
    });
    const { workGroup } = new Queries(this, 'Queries', {
      bucket,
      events,
      ingestMemoryMiB,
      resizeMemoryMiB: resizeMemoryMiB(settings, 'slow'),
    });
    new Alarms(this, 'Alarms', {
      alerts,
      runbook: 'docs/data-lake.md',
      rows: lakeAlarms({
        ownMetric: ownMetricsOf(this),
        stream: delivery.stream,
        transformer: delivery.transformer,
        deadLetterQueue: delivery.deadLetterQueue,
      }),
    });

    acknowledgeLakeFindings(this, { bucket, deadLetterQueue: delivery.deadLetterQueue });

    new CfnOutput(this, 'BucketName', { value: bucket.bucketName });
    new CfnOutput(this, 'DatabaseName', { value: events.database.databaseName });
    new CfnOutput(this, 'WorkGroupName', { value: workGroup.name, description: 'Ask here, in Athena' });
    new CfnOutput(this, 'DeliveryStreamName', { value: delivery.stream.deliveryStreamName });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: delivery.deadLetterQueue.queueUrl });
  }
}
