import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { originalPrefix } from '../lambdas/image/keys.ts';
import { acknowledgeFindings } from './acknowledged-findings.ts';
import { CatalogTable } from './constructs/catalog-table.ts';
import { ImageBucket } from './constructs/image-bucket.ts';
import { Ingest } from './constructs/ingest.ts';
import { Reconciler } from './constructs/reconciler.ts';
import { Resize, resizeTimeout } from './constructs/resize.ts';
import { ResizeQueue } from './constructs/resize-queue.ts';
import { UploadApi } from './constructs/upload-api.ts';
import { imageLimitsOf, type Settings } from './settings.ts';

export interface ThumbnailGeneratorStackProps extends StackProps {
  readonly settings: Settings;
}

/** POST an image, get a presigned URL of its thumbnail. */
export class ThumbnailGeneratorStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...stackProps }: ThumbnailGeneratorStackProps) {
    super(scope, id, stackProps);
    const kept = { onDestroy: settings.imagesOnDestroy };
    const { queue, deadLetterQueue } = new ResizeQueue(this, 'ResizeQueue', {
      consumerTimeout: resizeTimeout,
    });
    const rawBucket = new ImageBucket(this, 'RawBucket', {
      ...kept,
      announce: { queue, prefix: originalPrefix },
    });
    const thumbnailBucket = new ImageBucket(this, 'ThumbnailBucket', kept);
    const catalog = new CatalogTable(this, 'Catalog', kept);
    const common = {
      rawBucket,
      thumbnailBucket,
      catalog,
      variantsJson: JSON.stringify(settings.variants),
      logRetention: settings.logRetentionDays,
    };

    new Resize(this, 'Resize', {
      ...common,
      queue,
      imageLimits: imageLimitsOf(settings),
      maxConcurrency: settings.resizeMaxConcurrency,
    });
    const ingest = new Ingest(this, 'Ingest', {
      ...common,
      resizeQueue: queue,
      stage: settings.stage,
      auth: settings.auth,
      links: settings.links,
      maxInlineBytes: settings.maxInlineBytes,
      maxUploadBytes: settings.maxUploadBytes,
      urlLifetimeSeconds: settings.urlLifetimeSeconds,
      maxConcurrency: settings.ingestMaxConcurrency ?? undefined,
    });
    const api = new UploadApi(this, 'UploadApi', {
      handler: ingest.handler,
      stage: settings.stage,
      auth: settings.auth,
      links: settings.links,
      uploadThrottle: { perSecond: settings.uploadsPerSecond, burst: settings.uploadBurst },
      throttle: { perSecond: settings.requestsPerSecond, burst: settings.requestBurst },
      logRetention: settings.logRetentionDays,
    });
    const reconciler = new Reconciler(this, 'Reconciler', {
      ...common,
      resizeQueue: queue,
      overdueAfter: Duration.minutes(15),
    });

    acknowledgeFindings(this, { rawBucket, thumbnailBucket });

    new CfnOutput(this, 'UploadUrl', { value: api.uploadUrl, description: 'POST an image here' });
    new CfnOutput(this, 'RawBucketName', { value: rawBucket.bucketName });
    new CfnOutput(this, 'ThumbnailBucketName', { value: thumbnailBucket.bucketName });
    new CfnOutput(this, 'CatalogTableName', { value: catalog.tableName });
    new CfnOutput(this, 'ResizeQueueUrl', { value: queue.queueUrl });
    new CfnOutput(this, 'ResizeDeadLetterQueueUrl', { value: deadLetterQueue.queueUrl });
    new CfnOutput(this, 'ReconcilerFunctionName', { value: reconciler.handler.functionName });
  }
}
