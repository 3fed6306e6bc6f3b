import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ImageBucket } from './constructs/image-bucket.ts';
import { Ingest } from './constructs/ingest.ts';
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
    const rawBucket = new ImageBucket(this, 'RawBucket', { onDestroy: settings.imagesOnDestroy });
    const thumbnailBucket = new ImageBucket(this, 'ThumbnailBucket', { onDestroy: settings.imagesOnDestroy });
    const common = {
      rawBucket,
      thumbnailBucket,
      variantsJson: JSON.stringify(settings.variants),
      logRetention: settings.logRetentionDays,
    };

    const ingest = new Ingest(this, 'Ingest', {
      ...common,
      stage: settings.stage,
      maxInlineBytes: settings.maxInlineBytes,
      urlLifetimeSeconds: settings.urlLifetimeSeconds,
    });
    const api = new UploadApi(this, 'UploadApi', {
      handler: ingest.handler,
      stage: settings.stage,
      throttleRequestsPerSecond: settings.throttleRequestsPerSecond,
      throttleBurstRequests: settings.throttleBurstRequests,
      logRetention: settings.logRetentionDays,
    });
    const { resizeQueue } = new Resize(this, 'Resize', {
      ...common,
      maxConcurrency: settings.resizeMaxConcurrency,
    });

    new CfnOutput(this, 'UploadUrl', { value: api.uploadUrl, description: 'POST an image here' });
    new CfnOutput(this, 'RawBucketName', { value: rawBucket.bucketName });
    new CfnOutput(this, 'ThumbnailBucketName', { value: thumbnailBucket.bucketName });
    new CfnOutput(this, 'ResizeQueueUrl', { value: resizeQueue.queue.queueUrl });
    new CfnOutput(this, 'ResizeDeadLetterQueueUrl', { value: resizeQueue.deadLetterQueue.queueUrl });
  }
}
