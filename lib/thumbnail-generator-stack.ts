import { CfnOutput, type CfnOutputProps, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { originalPrefix } from '../lambdas/image/keys.ts';
import { routes } from '../lambdas/ingest/routes.ts';
import type { Lane } from '../lambdas/resize/lanes.ts';
import { acknowledgeFindings } from './acknowledged-findings.ts';
import { WorkQueue } from './constructs/work-queue.ts';
import { Containers } from './containers/containers.ts';
import { CatalogTable } from './image/catalog-table.ts';
import { ImageBucket } from './image/image-bucket.ts';
import { ImageEvents } from './image/image-events.ts';
import { AdmissionTable } from './ingest/admission-table.ts';
import { ApiDomain } from './ingest/api-domain.ts';
import { Ingest } from './ingest/ingest.ts';
import { UploadApi } from './ingest/upload-api.ts';
import { Alerts } from './monitoring/alerts.ts';
import { type Compute, Monitoring } from './monitoring/monitoring.ts';
import { MailRequestsTable } from './notify/mail-requests-table.ts';
import { Notify } from './notify/notify.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import { Resize, resizeTimeout } from './resize/resize.ts';
import { ResizeFunction } from './resize/resize-function.ts';
import { ResizeQueue } from './resize/resize-queue.ts';
import type { Settings } from './settings.ts';

export interface ThumbnailGeneratorStackProps extends StackProps {
  readonly settings: Settings;
}

/** POST an image, get a presigned URL of its thumbnail. */
export class ThumbnailGeneratorStack extends Stack {
  readonly imageEvents: ImageEvents;
  readonly alerts: Alerts;

  constructor(scope: Construct, id: string, { settings, ...stackProps }: ThumbnailGeneratorStackProps) {
    super(scope, id, stackProps);
    const { domain, stage } = settings;
    const publicUrl = domain ? `https://${domain.name}/${stage}` : undefined;
    const kept = { onDestroy: settings.imagesOnDestroy };
    const resizeQueue = new ResizeQueue(this, 'ResizeQueue', { consumerTimeout: resizeTimeout });
    const slowResizeQueue = new WorkQueue(this, 'SlowResizeQueue', { consumerTimeout: resizeTimeout });
    const rawBucket = new ImageBucket(this, 'RawBucket', {
      ...kept,
      announce: { queue: resizeQueue.queue, prefix: originalPrefix },
    });
    const thumbnailBucket = new ImageBucket(this, 'ThumbnailBucket', kept);
    const catalog = new CatalogTable(this, 'Catalog', kept);
    const admission = new AdmissionTable(this, 'Admission');
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
      settings,
      logRetention: settings.logRetentionDays,
    };

    const resize = new Resize(this, 'Resize', {
      ...common,
      slowQueue: slowResizeQueue.queue,
    });
    const ingest = new Ingest(this, 'Ingest', {
      ...common,
      admission,
      mail,
      publicUrl,
    });
    const api = new UploadApi(this, 'UploadApi', {
      handler: ingest.handler,
      stage,
      auth: settings.auth,
      links: settings.links,
      uploadThrottle: { perSecond: settings.uploadsPerSecond, burst: settings.uploadBurst },
      throttle: { perSecond: settings.requestsPerSecond, burst: settings.requestBurst },
      logRetention: settings.logRetentionDays,
    });
    const apiDomain = domain && new ApiDomain(this, 'ApiDomain', { domain, api });
    const compute: Compute =
      settings.compute === 'fargate' && domain
        ? {
            containers: new Containers(this, 'Containers', {
              settings: settings.fargate,
              domain,
              stage,
              ingest,
              resize,
              resizeQueues: { fast: resizeQueue.queue, slow: slowResizeQueue.queue },
              buckets: [rawBucket, thumbnailBucket],
              tables: mail ? [catalog, admission, mail.requests] : [catalog, admission],
              uploadToReadyGoalSeconds: settings.alerts.uploadToReadyGoalSeconds,
              logRetention: settings.logRetentionDays,
              ...kept,
            }),
          }
        : resizeFunctions(resize, settings, { fast: resizeQueue.queue, slow: slowResizeQueue.queue });
    const reconciler = new Reconciler(this, 'Reconciler', {
      ...common,
      slowResizeQueue: slowResizeQueue.queue,
      overdueAfter: Duration.minutes(15),
      // Workers are scaled so that so many wait all the time, for seconds; functions leave none waiting.
      maxBacklog: 'containers' in compute ? compute.containers.resize.steadyBacklog : 10,
    });
    const notify =
      mail && new Notify(this, 'Notify', { ...common, mail, alerts, apiUrl: publicUrl ?? api.url });
    new Monitoring(this, 'Monitoring', {
      api,
      ingest,
      compute,
      resizeQueue,
      slowResizeQueue,
      reconciler,
      notify,
      catalog,
      admission,
      mailRequests: mail?.requests,
      imageEvents,
      alerts,
      variantCount: settings.variants.length,
      goals: settings.alerts,
    });

    acknowledgeFindings(this, {
      rawBucket,
      thumbnailBucket,
      admission,
      mailRequests: mail?.requests,
      containers: 'containers' in compute ? compute.containers : undefined,
    });

    this.tell({
      UploadUrl: { value: api.uploadUrl, description: 'POST an image here' },
      RawBucketName: { value: rawBucket.bucketName },
      ThumbnailBucketName: { value: thumbnailBucket.bucketName },
      CatalogTableName: { value: catalog.tableName },
      AdmissionTableName: { value: admission.tableName },
      ResizeQueueUrl: { value: resizeQueue.queue.queueUrl },
      ResizeDeadLetterQueueUrl: { value: resizeQueue.deadLetterQueue.queueUrl },
      SlowResizeQueueUrl: { value: slowResizeQueue.queue.queueUrl },
      SlowResizeDeadLetterQueueUrl: { value: slowResizeQueue.deadLetterQueue.queueUrl },
      ReconcilerFunctionName: { value: reconciler.handler.functionName },
      ImageEventsTopicArn: { value: imageEvents.topicArn },
      AlertsTopicArn: { value: alerts.topicArn },
    });
    if (mail && notify) {
      this.tell({
        MailRequestsTableName: { value: mail.requests.tableName },
        NotifyQueueUrl: { value: notify.queue.queueUrl },
        NotifyDeadLetterQueueUrl: { value: notify.deadLetterQueue.queueUrl },
      });
    }
    if (apiDomain) {
      this.tell({
        PublicUploadUrl: {
          value: `${publicUrl}${routes.upload.path}`,
          description: 'POST an image here, once the name leads to one of its targets',
        },
        ApiDomainTarget: {
          value: apiDomain.target,
          description: 'What a CNAME record of the name holds to lead to functions',
        },
      });
    }
    if ('containers' in compute) {
      const { balancer } = compute.containers.loadBalancer;
      this.tell({
        LoadBalancerDnsName: {
          value: balancer.loadBalancerDnsName,
          description: 'What a CNAME record of the name holds to lead to containers',
        },
        LoadBalancerArn: {
          value: balancer.loadBalancerArn,
          description: 'Where a firewall may be put in front',
        },
      });
    }
  }

  private tell(outputs: Readonly<Record<string, CfnOutputProps>>): void {
    for (const [name, output] of Object.entries(outputs)) new CfnOutput(this, name, output);
  }
}

/** One function for each lane. Both log to the same group. */
const resizeFunctions = (
  resize: Resize,
  settings: Settings,
  queues: Readonly<Record<Lane, IQueue>>,
): Extract<Compute, { resizeFunction: ResizeFunction }> => {
  const logRetention = settings.logRetentionDays;
  const resizeFunction = new ResizeFunction(resize, 'Function', {
    lane: 'fast',
    queue: queues.fast,
    maxConcurrency: settings.resizeMaxConcurrency,
    logRetention,
  });
  const slowResizeFunction = new ResizeFunction(resize, 'SlowFunction', {
    lane: 'slow',
    queue: queues.slow,
    maxConcurrency: settings.slowResizeMaxConcurrency,
    logRetention,
    logGroup: resizeFunction.logGroup,
  });
  return { resizeFunction, slowResizeFunction };
};
