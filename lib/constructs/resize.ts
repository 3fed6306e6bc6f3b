import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { originalPrefix, thumbnailPrefix } from '../../lambdas/image/keys.ts';
import type { ResizeEnvironment } from '../../lambdas/resize/environment.ts';
import { inOwnAccount } from './own-account.ts';
import { ServiceFunction } from './service-function.ts';

export interface ResizeProps {
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly queue: IQueue;
  readonly variantsJson: string;
  /** Functions that run at once. */
  readonly maxConcurrency: number;
  readonly logRetention: RetentionDays;
}

/** How long one batch of images may take. */
export const resizeTimeout = Duration.seconds(120);

/** Makes the thumbnails of every original that arrives in the raw bucket. */
export class Resize extends Construct {
  constructor(scope: Construct, id: string, { queue, ...props }: ResizeProps) {
    super(scope, id);

    const environment: ResizeEnvironment = {
      RAW_BUCKET: props.rawBucket.bucketName,
      THUMBNAIL_BUCKET: props.thumbnailBucket.bucketName,
      CATALOG_TABLE: props.catalog.tableName,
      VARIANTS: props.variantsJson,
    };
    const resize = new ServiceFunction(this, 'Function', {
      entry: 'lambdas/resize/index.ts',
      description: 'Makes thumbnails of new originals',
      environment,
      // One whole vCPU (Lambda Developer Guide, "Configure Lambda function memory").
      memoryMiB: 1769,
      timeout: resizeTimeout,
      logRetention: props.logRetention,
      nativeModules: ['sharp'],
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
        // Lambda Developer Guide, "Execution role permissions" of SQS event sources: what Lambda polls with.
        {
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
          resources: [queue.queueArn],
        },
      ],
    });
    new EventSourceMapping(this, 'EventSource', {
      target: resize,
      eventSourceArn: queue.queueArn,
      batchSize: 4,
      reportBatchItemFailures: true,
      maxConcurrency: props.maxConcurrency,
    });
  }
}
