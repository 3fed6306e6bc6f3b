import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { Alarms } from '../constructs/alarms.ts';
import { removalPolicyOf } from '../constructs/kept.ts';
import { stackTagsOf } from '../cost/settings.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../function-memory.ts';
import type { Settings } from '../settings.ts';
import { Delivery } from './delivery.ts';
import { EventsTable } from './events-table.ts';
import { lakeAlarms } from './lake-alarms.ts';
import { LakeBucket } from './lake-bucket.ts';
import { Queries } from './queries.ts';

export interface DataLakeStackProps extends StackProps {
  readonly settings: Settings;
  readonly imageEvents: ITopic;
  /** Receives a message when an alarm goes off, and when it is over. */
  readonly alerts: ITopic;
}

/** Keeps all events for queries in SQL. Nothing depends on this stack: it can be removed at any time. */
export class DataLakeStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { settings, imageEvents, alerts, ...stackProps }: DataLakeStackProps,
  ) {
    super(scope, id, { tags: stackTagsOf(settings), ...stackProps });
    const bucket = new LakeBucket(this, 'Bucket', { removalPolicy: removalPolicyOf(settings) });
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
      serviceName: this.stackName,
      alerts,
      runbook: 'docs/data-lake.md',
      rows: lakeAlarms({
        serviceName: this.stackName,
        stream: delivery.stream,
        transformer: delivery.transformer,
        deadLetterQueue: delivery.deadLetterQueue,
      }),
    });

    new CfnOutput(this, 'BucketName', { value: bucket.bucketName });
    new CfnOutput(this, 'DatabaseName', { value: events.database.databaseName });
    new CfnOutput(this, 'WorkGroupName', {
      value: workGroup.name,
      description: 'The workgroup of Athena for queries',
    });
    new CfnOutput(this, 'DeliveryStreamName', { value: delivery.stream.deliveryStreamName });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: delivery.deadLetterQueue.queueUrl });
  }
}
