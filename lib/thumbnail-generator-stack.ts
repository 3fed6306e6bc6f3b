import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { originalPrefix } from '../lambdas/image/keys.ts';
import { acknowledgeFindings } from './acknowledged-findings.ts';
import { Alerts } from './constructs/alerts.ts';
import { CatalogTable } from './constructs/catalog-table.ts';
import { ImageBucket } from './constructs/image-bucket.ts';
import { ImageEvents } from './constructs/image-events.ts';
import { Ingest } from './constructs/ingest.ts';
import { MailRequestsTable } from './constructs/mail-requests-table.ts';
import { Monitoring } from './constructs/monitoring.ts';
import { Notify } from './constructs/notify.ts';
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
  readonly imageEvents: ImageEvents;
  readonly alerts: Alerts;

  constructor(scope: Construct, id: string, { settings, ...stackProps }: ThumbnailGeneratorStackProps) {
    super(scope, id, stackProps);
    const kept = { onDestroy: settings.imagesOnDestroy };
    const resizeQueue = new ResizeQueue(this, 'ResizeQueue', { consumerTimeout: resizeTimeout });
    const rawBucket = new ImageBucket(this, 'RawBucket', {
      ...kept,
      announce: { queue: resizeQueue.queue, prefix: originalPrefix },
    });
    const thumbnailBucket = new ImageBucket(this, 'ThumbnailBucket', kept);
    const catalog = new CatalogTable(this, 'Catalog', kept);
    const imageEvents = new ImageEvents(this, 'ImageEvents');
    const alerts = new Alerts(this, 'Alerts', { emails: settings.alerts.emails });
    this.imageEvents = imageEvents;
    this.alerts = alerts;
    const mail = settings.email
      ? { ...settings.email, requests: new MailRequestsTable(this, 'MailRequests') }
      : undefined;
    const common = {
      rawBucket,
      thumbnailBucket,
      catalog,
      imageEvents,
      resizeQueue: resizeQueue.queue,
      variantsJson: JSON.stringify(settings.variants),
      logRetention: settings.logRetentionDays,
    };

    const resize = new Resize(this, 'Resize', {
      ...common,
      imageLimits: imageLimitsOf(settings),
      maxConcurrency: settings.resizeMaxConcurrency,
    });
    const ingest = new Ingest(this, 'Ingest', {
      ...common,
      mail,
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
    const reconciler = new Reconciler(this, 'Reconciler', { ...common, overdueAfter: Duration.minutes(15) });
    const notify = mail && new Notify(this, 'Notify', { ...common, mail, alerts, apiUrl: api.url });
    new Monitoring(this, 'Monitoring', {
      api,
      ingest,
      resize,
      resizeQueue,
      reconciler,
      notify,
      catalog,
      mailRequests: mail?.requests,
      imageEvents,
      alerts,
      variantCount: settings.variants.length,
      goals: settings.alerts,
    });

    acknowledgeFindings(this, { rawBucket, thumbnailBucket, mailRequests: mail?.requests });

    new CfnOutput(this, 'UploadUrl', { value: api.uploadUrl, description: 'POST an image here' });
    new CfnOutput(this, 'RawBucketName', { value: rawBucket.bucketName });
    new CfnOutput(this, 'ThumbnailBucketName', { value: thumbnailBucket.bucketName });
    new CfnOutput(this, 'CatalogTableName', { value: catalog.tableName });
    new CfnOutput(this, 'ResizeQueueUrl', { value: resizeQueue.queue.queueUrl });
    new CfnOutput(this, 'ResizeDeadLetterQueueUrl', { value: resizeQueue.deadLetterQueue.queueUrl });
    new CfnOutput(this, 'ReconcilerFunctionName', { value: reconciler.handler.functionName });
    new CfnOutput(this, 'ImageEventsTopicArn', { value: imageEvents.topicArn });
    new CfnOutput(this, 'AlertsTopicArn', { value: alerts.topicArn });
    if (mail && notify) {
      new CfnOutput(this, 'MailRequestsTableName', { value: mail.requests.tableName });
      new CfnOutput(this, 'NotifyQueueUrl', { value: notify.queue.queueUrl });
      new CfnOutput(this, 'NotifyDeadLetterQueueUrl', { value: notify.deadLetterQueue.queueUrl });
    }
  }
}
