import { Duration, Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { originalPrefix, thumbnailPrefix } from '../../lambdas/image/keys.ts';
import type { ImageLimits } from '../../lambdas/image/limits.ts';
import type { ResizeEnvironment } from '../../lambdas/resize/environment.ts';
import { resizeMemoryMiB } from '../function-memory.ts';
import { inOwnAccount } from './own-account.ts';
import { ServiceFunction } from './service-function.ts';

export interface ResizeProps {
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly resizeQueue: IQueue;
  readonly imageEvents: ITopic;
  readonly variantsJson: string;
  readonly imageLimits: ImageLimits;
  /** Functions that run at once. */
  readonly maxConcurrency: number;
  readonly logRetention: RetentionDays;
}

/**
 * How long the work on one message may take. At most two decodes fit in, at the longest that the settings allow: the
 * second only if the first one's process died.
 */
export const resizeTimeout = Duration.seconds(120);

/** Makes the thumbnails of every original that arrives in the raw bucket. */
export class Resize extends Construct {
  readonly handler: ServiceFunction;

  constructor(scope: Construct, id: string, { resizeQueue, ...props }: ResizeProps) {
    super(scope, id);

    const environment: ResizeEnvironment = {
      RAW_BUCKET: props.rawBucket.bucketName,
      THUMBNAIL_BUCKET: props.thumbnailBucket.bucketName,
      CATALOG_TABLE: props.catalog.tableName,
      IMAGE_EVENTS_TOPIC_ARN: props.imageEvents.topicArn,
      STACK_NAME: Stack.of(this).stackName,
      VARIANTS: props.variantsJson,
      IMAGE_LIMITS: JSON.stringify(props.imageLimits),
    };
    this.handler = new ServiceFunction(this, 'Function', {
      entry: 'lambdas/resize/index.ts',
      description: 'Makes thumbnails of new originals',
      environment,
      memoryMiB: resizeMemoryMiB(props.imageLimits),
      timeout: resizeTimeout,
      logRetention: props.logRetention,
      nativeModules: ['sharp'],
      processes: ['lambdas/resize/decoder-process.ts'],
      statements: [
        {
          actions: ['s3:GetObject'],
          resources: [props.rawBucket.arnForObjects(`${originalPrefix}*`)],
          ...inOwnAccount(this),
        },
        // Without it S3 answers 403 instead of 404, and a deleted original would look like a missing permission.
        { actions: ['s3:ListBucket'], resources: [props.rawBucket.bucketArn], ...inOwnAccount(this) },
        {
          actions: ['s3:PutObject'],
          resources: [props.thumbnailBucket.arnForObjects(`${thumbnailPrefix}*`)],
          ...inOwnAccount(this),
        },
        { actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], resources: [props.catalog.tableArn] },
        { actions: ['sns:Publish'], resources: [props.imageEvents.topicArn] },
        // Lambda Developer Guide, "Execution role permissions" of SQS event sources: what Lambda polls with.
        {
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
          resources: [resizeQueue.queueArn],
        },
      ],
    });
    new EventSourceMapping(this, 'EventSource', {
      target: this.handler,
      eventSourceArn: resizeQueue.queueArn,
      // An image that takes long, or a function that dies of it, delays no other.
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency: props.maxConcurrency,
    });
  }
}
