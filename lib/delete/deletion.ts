import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { deleteEnvironment } from '../../lambdas/delete/environment.ts';
import { arrivalPrefix, originalPrefix, thumbnailPrefix } from '../../lambdas/image/keys.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import type { WorkQueue } from '../constructs/work-queue.ts';
import { deletionMaxConcurrency } from '../function-concurrency.ts';
import { deletionMemoryMiB } from '../function-memory.ts';
import type { Settings } from '../settings.ts';

export interface DeletionProps {
  /** The service to which metrics, logs and events belong. */
  readonly serviceName: string;
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly imageEvents: ITopic;
  /** Receives the ids of images to delete. */
  readonly queue: WorkQueue;
  readonly resizeQueue: IQueue;
  /** Who owns which image. @default - everyone is anonymous */
  readonly owners?: ITable | undefined;
  /** @default - no mails */
  readonly mailRequests?: ITable | undefined;
  readonly settings: Pick<Settings, 'deletedDays' | 'retention'>;
  readonly logRetention: RetentionDays;
}

/** The longest that deleting one image may take: as long as its lease. */
export const deletionTimeout = Duration.seconds(60);

/**
 * Deletes images, and what arrives late of deleted ones. A function with every `compute`: it is rarely
 * needed, and alone may delete objects. It decodes nothing.
 */
export class Deletion extends Construct {
  readonly handler: ServiceFunction;
  readonly monitored: Monitored;

  constructor(scope: Construct, id: string, props: DeletionProps) {
    super(scope, id);
    const { rawBucket, thumbnailBucket, catalog, queue, owners, mailRequests } = props;
    this.handler = new ServiceFunction(this, 'Function', {
      entry: 'lambdas/delete/index.ts',
      description: 'Deletes images, and receives what known callers upload to S3',
      environment: writeEnvironment(deleteEnvironment, {
        rawBucket: rawBucket.bucketName,
        thumbnailBucket: thumbnailBucket.bucketName,
        catalogTable: catalog.tableName,
        deleteQueueUrl: queue.queue.queueUrl,
        resizeQueueUrl: props.resizeQueue.queueUrl,
        ownersTable: owners?.tableName,
        imageEventsTopicArn: props.imageEvents.topicArn,
        stackName: props.serviceName,
        deletedDays: props.settings.deletedDays,
        retention: props.settings.retention,
        mailRequestsTable: mailRequests?.tableName,
      }),
      memoryMiB: deletionMemoryMiB,
      timeout: deletionTimeout,
      logRetention: props.logRetention,
      statements: [
        ...[
          { bucket: rawBucket, prefix: originalPrefix },
          { bucket: thumbnailBucket, prefix: thumbnailPrefix },
        ].flatMap(({ bucket, prefix }) => [
          { actions: ['s3:ListBucketVersions'], resources: [bucket.bucketArn], ...inOwnAccount(this) },
          // Versions are deleted one by one, also in a bucket that keeps only one of each object.
          {
            actions: ['s3:DeleteObjectVersion'],
            resources: [bucket.arnForObjects(`${prefix}*`)],
            ...inOwnAccount(this),
          },
        ]),
        {
          actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
          resources: [catalog.tableArn],
        },
        ...(mailRequests
          ? [{ actions: ['dynamodb:Query', 'dynamodb:DeleteItem'], resources: [mailRequests.tableArn] }]
          : []),
        ...(owners ? this.arrivalStatements(props, owners) : []),
        { actions: ['sns:Publish'], resources: [props.imageEvents.topicArn] },
        { actions: ['sqs:SendMessage'], resources: [queue.queue.queueArn] },
        queue.pollStatement,
      ],
    });
    new EventSourceMapping(this, 'EventSource', {
      target: this.handler,
      eventSourceArn: queue.queue.queueArn,
      // The lease of an image is as long as the timeout.
      batchSize: 1,
      reportBatchItemFailures: true,
      // The minimum of Lambda: no one waits for a deletion.
      maxConcurrency: deletionMaxConcurrency,
    });
    this.monitored = this.createMonitored(props);
  }

  /** For uploads of known callers. They are copied, and never read. */
  private arrivalStatements(props: DeletionProps, owners: ITable): readonly PolicyStatementProps[] {
    const { rawBucket, mailRequests } = props;
    return [
      {
        // GetObject also allows HeadObject, which finds out whether an original exists.
        actions: ['s3:GetObject', 's3:PutObject'],
        resources: [originalPrefix, arrivalPrefix].map((prefix) => rawBucket.arnForObjects(`${prefix}*`)),
        ...inOwnAccount(this),
      },
      // In a bucket that keeps versions, one of them has the bytes of an arrival.
      {
        actions: ['s3:DeleteObjectVersion'],
        resources: [rawBucket.arnForObjects(`${arrivalPrefix}*`)],
        ...inOwnAccount(this),
      },
      // Without it S3 answers 403 instead of 404 for an object that does not exist.
      { actions: ['s3:ListBucket'], resources: [rawBucket.bucketArn], ...inOwnAccount(this) },
      {
        actions: ['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
        resources: [owners.tableArn],
      },
      ...(mailRequests
        ? [{ actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem'], resources: [mailRequests.tableArn] }]
        : []),
      { actions: ['sqs:SendMessage'], resources: [props.resizeQueue.queueArn] },
    ];
  }

  private createMonitored({ serviceName, queue }: DeletionProps): Monitored {
    const ownMetric = ownMetricsOf(serviceName);
    return {
      functions: { delete: this.handler },
      queues: { delete: queue },
      alarms: [
        {
          name: 'delete-dead-letters',
          metric: queue.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
            period: Duration.minutes(5),
          }),
          limit: { atLeast: 1 },
          description:
            'Deleting an image failed five times, and something of it may still be stored; its message stays in the dead-letter queue for 14 days. Find the cause in the log of delete, then send the messages back with npm run redrive.',
        },
      ],
      lines: {
        imagesPerHour: [ownMetric('Deleted', { period: Duration.hours(1), label: 'deleted images' })],
      },
    };
  }
}
