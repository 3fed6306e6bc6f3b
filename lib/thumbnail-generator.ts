import { Duration, Stack } from 'aws-cdk-lib';
import type { IApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { HttpMethods } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { arrivalPrefix, originalPrefix, thumbnailPrefix } from '../lambdas/image/keys.ts';
import { routes, routesOf } from '../lambdas/ingest/routes.ts';
import { removalPolicyOf } from './constructs/kept.ts';
import { WorkQueue } from './constructs/work-queue.ts';
import { Containers } from './containers/containers.ts';
import { Deletion, deletionTimeout } from './delete/deletion.ts';
import { CatalogTable } from './image/catalog-table.ts';
import { ImageBucket } from './image/image-bucket.ts';
import { ImageEvents } from './image/image-events.ts';
import { AdmissionTable } from './ingest/admission-table.ts';
import { ApiDomain } from './ingest/api-domain.ts';
import { Ingest } from './ingest/ingest.ts';
import { UploadApi } from './ingest/upload-api.ts';
import { Alerts } from './monitoring/alerts.ts';
import { Monitoring } from './monitoring/monitoring.ts';
import { MailRequestsTable } from './notify/mail-requests-table.ts';
import { Notify } from './notify/notify.ts';
import { OwnersTable } from './owners/owners-table.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import type { Compute } from './resize/compute.ts';
import { Resize, resizeTimeout } from './resize/resize.ts';
import { ResizeFunctions } from './resize/resize-functions.ts';
import { ResizeQueue } from './resize/resize-queue.ts';
import { readSettings, type Settings } from './settings.ts';
import type { ThumbnailGeneratorProps } from './thumbnail-generator-props.ts';
import { warnAboutSettings } from './warnings/warnings.ts';

/** POST an image, get a presigned URL of its thumbnail. */
export class ThumbnailGenerator extends Construct {
  readonly serviceName: string;
  readonly rawBucket: ImageBucket;
  readonly thumbnailBucket: ImageBucket;
  readonly catalog: CatalogTable;
  readonly admission: AdmissionTable;
  /** Who owns which image. Undefined where callers are anonymous. */
  readonly owners: OwnersTable | undefined;
  readonly resizeQueue: WorkQueue;
  readonly slowResizeQueue: WorkQueue;
  readonly deleteQueue: WorkQueue;
  /** Publishes what happens to images. */
  readonly imageEvents: ImageEvents;
  /** Publishes alarms. */
  readonly alerts: Alerts;
  readonly reconciler: Reconciler;
  readonly api: UploadApi;
  /** Undefined without a domain of its own. */
  readonly apiDomain: ApiDomain | undefined;
  /** The base URL of links: with the stage, without a slash at the end. */
  readonly url: string;
  /** Undefined while no mail is sent. */
  readonly notify: Notify | undefined;
  /** Undefined unless containers run the code. */
  readonly loadBalancer: IApplicationLoadBalancer | undefined;

  /** @throws Error naming each prop that is wrong, its value and the rule */
  constructor(scope: Construct, id: string, { serviceName, ...given }: ThumbnailGeneratorProps = {}) {
    super(scope, id);
    const settings = readSettings(given);
    warnAboutSettings(this, settings);
    const { domain, email, stage, alerts, retention, versioning } = settings;
    const publicUrl = domain ? `https://${domain.name}/${stage}` : undefined;
    const removalPolicy = removalPolicyOf(settings);

    const areCallersKnown = settings.auth !== 'none';

    // A net below the reconciler, which deletes images in time.
    const imagesExpireAfterDays = retention.imageDays === null ? undefined : retention.imageDays + 2;

    this.serviceName = serviceName ?? serviceNameOf(this);
    this.resizeQueue = new ResizeQueue(this, 'ResizeQueue', { consumerTimeout: resizeTimeout });
    this.slowResizeQueue = new WorkQueue(this, 'SlowResizeQueue', { consumerTimeout: resizeTimeout });
    this.deleteQueue = new WorkQueue(this, 'DeleteQueue', { consumerTimeout: deletionTimeout });
    if (areCallersKnown) this.deleteQueue.acceptBucketEvents();
    this.rawBucket = new ImageBucket(this, 'RawBucket', {
      removalPolicy,
      prefixes: [
        {
          prefix: originalPrefix,
          objectCreatedQueue: this.resizeQueue.queue,
          expireAfterDays: retention.originalDays ?? imagesExpireAfterDays,
        },
        // The worker removes an arrival at once. One day is for those whose event was lost.
        ...(areCallersKnown
          ? [{ prefix: arrivalPrefix, objectCreatedQueue: this.deleteQueue.queue, expireAfterDays: 1 }]
          : []),
      ],
      versioned: versioning,
    });
    this.thumbnailBucket = new ImageBucket(this, 'ThumbnailBucket', {
      removalPolicy,
      prefixes: [{ prefix: thumbnailPrefix, expireAfterDays: imagesExpireAfterDays }],
      versioned: versioning,
    });
    this.catalog = new CatalogTable(this, 'Catalog', { removalPolicy });
    this.admission = new AdmissionTable(this, 'Admission');
    this.owners = areCallersKnown ? new OwnersTable(this, 'Owners', { removalPolicy }) : undefined;
    this.imageEvents = new ImageEvents(this, 'ImageEvents');
    this.alerts = new Alerts(this, 'Alerts', { emails: alerts.emails });
    const mailRequests = email ? new MailRequestsTable(this, 'MailRequests') : undefined;
    const common = {
      serviceName: this.serviceName,
      rawBucket: this.rawBucket,
      thumbnailBucket: this.thumbnailBucket,
      catalog: this.catalog,
      imageEvents: this.imageEvents,
      resizeQueue: this.resizeQueue.queue,
      deleteQueue: this.deleteQueue.queue,
      settings,
      logRetention: settings.logRetentionDays,
    };

    const resize = new Resize(this, 'Resize', {
      ...common,
      queues: { fast: this.resizeQueue, slow: this.slowResizeQueue },
    });
    const ingest = new Ingest(this, 'Ingest', {
      ...common,
      admission: this.admission,
      owners: this.owners,
      mail:
        email && mailRequests
          ? { requests: mailRequests, allowedRecipients: email.allowedRecipients }
          : undefined,
      publicUrl,
    });
    this.api = new UploadApi(this, 'UploadApi', {
      serviceName: this.serviceName,
      handler: ingest.handler,
      stage,
      auth: settings.auth,
      links: settings.links,
      corsOrigins: settings.corsOrigins,
      uploadThrottle: { perSecond: settings.uploadsPerSecond, burst: settings.uploadBurst },
      throttle: { perSecond: settings.requestsPerSecond, burst: settings.requestBurst },
      logRetention: settings.logRetentionDays,
    });
    this.url = publicUrl ?? this.api.url;
    this.allowPages(settings, domain?.name);
    this.apiDomain = domain
      ? new ApiDomain(this, 'ApiDomain', {
          domainName: domain.name,
          certificateArn: domain.certificateArn,
          api: this.api,
        })
      : undefined;
    const containers =
      settings.compute === 'fargate' && domain
        ? new Containers(this, 'Containers', {
            serviceName: this.serviceName,
            settings: settings.fargate,
            domainName: domain.name,
            certificateArn: domain.certificateArn,
            stage,
            ingest,
            resize,
            buckets: [this.rawBucket, this.thumbnailBucket],
            tables: [
              this.catalog,
              this.admission,
              ...(this.owners ? [this.owners] : []),
              ...(mailRequests ? [mailRequests] : []),
            ],
            uploadToReadyGoalSeconds: alerts.uploadToReadyGoalSeconds,
            usualImagesPerHour: alerts.usualImagesPerHour,
            logRetention: settings.logRetentionDays,
            removalPolicy,
          })
        : undefined;
    this.loadBalancer = containers?.loadBalancer.balancer;
    const compute: Compute =
      containers ??
      new ResizeFunctions(resize, 'Default', {
        serviceName: this.serviceName,
        resize,
        maxConcurrency: { fast: settings.resizeMaxConcurrency, slow: settings.slowResizeMaxConcurrency },
        usualImagesPerHour: alerts.usualImagesPerHour,
        logRetention: settings.logRetentionDays,
      });
    const deletion = new Deletion(this, 'Deletion', {
      ...common,
      queue: this.deleteQueue,
      owners: this.owners,
      mailRequests,
    });
    this.reconciler = new Reconciler(this, 'Reconciler', {
      ...common,
      slowResizeQueue: this.slowResizeQueue.queue,
      overdueAfter: Duration.minutes(15),
      maxBacklog: compute.steadyBacklog,
      retention,
    });
    this.notify =
      email && mailRequests
        ? new Notify(this, 'Notify', {
            ...common,
            ...email,
            mailRequests,
            alerts: this.alerts,
            apiUrl: this.url,
          })
        : undefined;
    new Monitoring(this, 'Monitoring', {
      ...common,
      capabilities: [
        resize,
        this.api,
        ingest,
        compute,
        deletion,
        this.reconciler,
        ...(this.notify ? [this.notify] : []),
      ].map(({ monitored }) => monitored),
      stage: this.api.stage,
      alerts: this.alerts,
      variantCount: settings.variants.length,
      usualImagesPerHour: alerts.usualImagesPerHour,
    });
  }

  /** Lets pages send large images to the raw bucket and read thumbnails. */
  private allowPages(settings: Settings, domainName: string | undefined): void {
    const { corsOrigins } = settings;
    const ownOrigins = [this.api.api.apiEndpoint, ...(domainName ? [`https://${domainName}`] : [])];
    const hasPage = routesOf(settings).includes(routes.page);
    this.rawBucket.allowPages([HttpMethods.PUT], hasPage ? [...ownOrigins, ...corsOrigins] : corsOrigins);
    this.thumbnailBucket.allowPages([HttpMethods.GET, HttpMethods.HEAD], corsOrigins);
  }
}

/** The names of the stack and of the constructs in it; `Default` adds nothing, as in logical ids. */
const serviceNameOf = (construct: Construct): string => {
  const stack = Stack.of(construct);
  const path = construct.node.scopes.slice(stack.node.scopes.length).map(({ node }) => node.id);
  return [stack.stackName, ...path.filter((id) => id !== 'Default')].join('-');
};
