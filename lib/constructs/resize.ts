import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { originalPrefix, thumbnailPrefix } from '../../lambdas/image/keys.ts';
import type { ResizeEnvironment } from '../../lambdas/resize/environment.ts';
import { ResizeQueue } from './resize-queue.ts';
import { ServiceFunction } from './service-function.ts';

export interface ResizeProps {
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly variantsJson: string;
  /** Functions that run at once. */
  readonly maxConcurrency: number;
  readonly logRetention: RetentionDays;
}

/** Makes the thumbnails of every original that arrives in the raw bucket. */
export class Resize extends Construct {
  readonly resizeQueue: ResizeQueue;

  constructor(scope: Construct, id: string, props: ResizeProps) {
    super(scope, id);
    const timeout = Duration.seconds(120);
    this.resizeQueue = new ResizeQueue(this, 'ResizeQueue', {
      rawBucket: props.rawBucket,
      consumerTimeout: timeout,
    });

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
      timeout,
      logRetention: props.logRetention,
      nativeModules: ['sharp'],
    });
    for (const statement of [
      { actions: ['s3:GetObject'], resources: [props.rawBucket.arnForObjects(`${originalPrefix}*`)] },
      // Without it S3 answers 403 instead of 404, and a deleted original would look like a missing permission.
      { actions: ['s3:ListBucket'], resources: [props.rawBucket.bucketArn] },
      { actions: ['s3:PutObject'], resources: [props.thumbnailBucket.arnForObjects(`${thumbnailPrefix}*`)] },
      { actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], resources: [props.catalog.tableArn] },
    ]) {
      resize.addToRolePolicy(new PolicyStatement(statement));
    }
    resize.addEventSource(
      new SqsEventSource(this.resizeQueue.queue, {
        batchSize: 4,
        reportBatchItemFailures: true,
        maxConcurrency: props.maxConcurrency,
      }),
    );
  }
}
