import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CatalogTable } from './constructs/catalog-table.ts';
import { ImageBucket } from './constructs/image-bucket.ts';
import { Ingest } from './constructs/ingest.ts';
import { Reconciler } from './constructs/reconciler.ts';
import { Resize } from './constructs/resize.ts';
import { UploadApi } from './constructs/upload-api.ts';
import type { Settings } from './settings.ts';

export interface ThumbnailGeneratorStackProps extends StackProps {
  readonly settings: Settings;
}

/** POST an image, get a presigned URL of its thumbnail. */
export class ThumbnailGeneratorStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...stackProps }: ThumbnailGeneratorStackProps) {
    super(scope, id, stackProps);
    const kept = { onDestroy: settings.imagesOnDestroy };
    const rawBucket = new ImageBucket(this, 'RawBucket', kept);
    const thumbnailBucket = new ImageBucket(this, 'ThumbnailBucket', kept);
    const catalog = new CatalogTable(this, 'Catalog', kept);
    const common = {
      rawBucket,
      thumbnailBucket,
      catalog,
      variantsJson: JSON.stringify(settings.variants),
      logRetention: settings.logRetentionDays,
    };

    const { queue, deadLetterQueue } = new Resize(this, 'Resize', {
      ...common,
      maxConcurrency: settings.resizeMaxConcurrency,
    }).resizeQueue;
    const ingest = new Ingest(this, 'Ingest', {
      ...common,
      resizeQueue: queue,
      stage: settings.stage,
      maxInlineBytes: settings.maxInlineBytes,
      maxUploadBytes: settings.maxUploadBytes,
      urlLifetimeSeconds: settings.urlLifetimeSeconds,
    });
    const api = new UploadApi(this, 'UploadApi', {
      handler: ingest.handler,
      stage: settings.stage,
      throttleRequestsPerSecond: settings.throttleRequestsPerSecond,
      throttleBurstRequests: settings.throttleBurstRequests,
      logRetention: settings.logRetentionDays,
    });
    const reconciler = new Reconciler(this, 'Reconciler', {
      ...common,
      resizeQueue: queue,
      overdueAfter: Duration.minutes(15),
    });

    new CfnOutput(this, 'UploadUrl', { value: api.uploadUrl, description: 'POST an image here' });
    new CfnOutput(this, 'RawBucketName', { value: rawBucket.bucketName });
    new CfnOutput(this, 'ThumbnailBucketName', { value: thumbnailBucket.bucketName });
    new CfnOutput(this, 'CatalogTableName', { value: catalog.tableName });
    new CfnOutput(this, 'ResizeQueueUrl', { value: queue.queueUrl });
    new CfnOutput(this, 'ResizeDeadLetterQueueUrl', { value: deadLetterQueue.queueUrl });
    new CfnOutput(this, 'ReconcilerFunctionName', { value: reconciler.handler.functionName });
  }
}
