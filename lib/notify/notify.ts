import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import {
  ConfigurationSet,
  ConfigurationSetTlsPolicy,
  EmailIdentity,
  EmailSendingEvent,
  EventDestination,
  Identity,
} from 'aws-cdk-lib/aws-ses';
import { type ITopic, SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { thumbnailPrefix } from '../../lambdas/image/keys.ts';
import { notifyEnvironment } from '../../lambdas/notify/environment.ts';
import { mailedEventTypes } from '../../lambdas/notify/mail-request.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import { WorkQueue } from '../constructs/work-queue.ts';
import { notifyMaxConcurrency } from '../function-concurrency.ts';
import type { Settings } from '../settings.ts';
import { mailMonitoring } from './mail-monitoring.ts';
import type { EmailSettings } from './settings.ts';

export interface NotifyProps {
  /** The service to which metrics and logs belong. */
  readonly serviceName: string;
  /** The sender of mails. */
  readonly from: string;
  /** Whether SES gets the sender from this stack, or has it already. */
  readonly identity: EmailSettings['identity'];
  /** Addresses and domains that may receive mails. */
  readonly allowedRecipients: readonly string[];
  readonly mailRequests: Table;
  readonly imageEvents: ITopic;
  /** Receives a notice of every mail that does not arrive. */
  readonly alerts: ITopic;
  readonly catalog: ITable;
  readonly thumbnailBucket: IBucket;
  readonly settings: Pick<Settings, 'variants'>;
  /** The API's address: with the stage, without a slash at the end. */
  readonly apiUrl: string;
  readonly logRetention: RetentionDays;
}

/** For ten messages. Most need no mail: one request to the catalog and one to the mail requests. */
const timeout = Duration.seconds(30);

/** Sends the requested mails once an image is ready or has failed. */
export class Notify extends Construct {
  readonly handler: ServiceFunction;
  readonly queue: WorkQueue;
  readonly mailRequests: Table;
  readonly monitored: Monitored;

  constructor(scope: Construct, id: string, props: NotifyProps) {
    super(scope, id);
    const { serviceName, from, catalog, mailRequests } = props;
    this.mailRequests = mailRequests;
    this.queue = new WorkQueue(this, 'Queue', { consumerTimeout: timeout });
    const { queue, deadLetterQueue } = this.queue;
    props.imageEvents.addSubscription(
      new SqsSubscription(queue, {
        rawMessageDelivery: true,
        filterPolicy: { type: SubscriptionFilter.stringFilter({ allowlist: [...mailedEventTypes] }) },
        // For events that SNS cannot deliver.
        deadLetterQueue,
      }),
    );
    if (props.identity === 'create') this.createIdentity(from);
    const configurationSet = this.createConfigurationSet(props.alerts);

    const environment = writeEnvironment(notifyEnvironment, {
      catalogTable: catalog.tableName,
      mailRequestsTable: mailRequests.tableName,
      thumbnailBucket: props.thumbnailBucket.bucketName,
      variants: props.settings.variants,
      apiUrl: props.apiUrl,
      mailFrom: from,
      mailConfigurationSet: configurationSet.configurationSetName,
      stackName: serviceName,
    });
    this.handler = new ServiceFunction(this, 'Function', {
      entry: 'lambdas/notify/index.ts',
      description: 'Sends requested mails about images',
      environment,
      // The largest thumbnail, 4096 x 4096 pixels, takes 64 MiB decoded, and as much again to become a JPEG.
      memoryMiB: 512,
      timeout,
      logRetention: props.logRetention,
      nativeModules: ['sharp'],
      statements: [
        { actions: ['dynamodb:GetItem'], resources: [catalog.tableArn] },
        {
          actions: ['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
          resources: [mailRequests.tableArn],
        },
        {
          actions: ['s3:GetObject'],
          resources: [props.thumbnailBucket.arnForObjects(`${thumbnailPrefix}*`)],
          ...inOwnAccount(this),
        },
        // Without it S3 answers 403 instead of 404 for a deleted thumbnail.
        { actions: ['s3:ListBucket'], resources: [props.thumbnailBucket.bucketArn], ...inOwnAccount(this) },
        {
          actions: ['ses:SendEmail'],
          resources: [
            this.sesArn('configuration-set', configurationSet.configurationSetName),
            // In its sandbox SES checks the recipient's identity as well as the sender's
            // (aws/aws-sdk-js#3641, cloudposse/terraform-aws-ses#40).
            ...new Set(
              [...senders(props), ...props.allowedRecipients].map((name) => this.sesArn('identity', name)),
            ),
          ],
          conditions: { StringEquals: { 'ses:FromAddress': from } },
        },
        this.queue.pollStatement,
      ],
    });
    new EventSourceMapping(this, 'EventSource', {
      target: this.handler,
      eventSourceArn: queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      // The minimum of Lambda. Each sends one mail after the other, because SES limits mails per second, in
      // its sandbox to one (SES Developer Guide, "Service quotas").
      maxConcurrency: notifyMaxConcurrency,
    });
    this.monitored = mailMonitoring({
      serviceName,
      handler: this.handler,
      queue: this.queue,
      mailRequests,
    });
  }

  /**
   * Kept with the stack: a person has confirmed the address, and others in the account may send from it
   * meanwhile (anomalyco/sst#4556). So that a change to "existing" does not delete it either.
   */
  private createIdentity(from: string): void {
    const identity = new EmailIdentity(this, 'Sender', { identity: Identity.email(from) });
    identity.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  }

  /** Requires TLS, and reports mails that do not arrive. */
  private createConfigurationSet(alerts: ITopic): ConfigurationSet {
    const configurationSet = new ConfigurationSet(this, 'Sending', {
      tlsPolicy: ConfigurationSetTlsPolicy.REQUIRE,
      reputationMetrics: true,
    });
    // Also allows SES to publish to the topic, for this configuration set only.
    configurationSet.addEventDestination('Undelivered', {
      destination: EventDestination.snsTopic(alerts),
      events: [EmailSendingEvent.BOUNCE, EmailSendingEvent.COMPLAINT, EmailSendingEvent.REJECT],
    });
    return configurationSet;
  }

  private sesArn(resource: string, resourceName: string): string {
    return Stack.of(this).formatArn({
      service: 'ses',
      resource,
      resourceName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  }
}

/** An existing sender is verified as itself or by its domain. SES checks the one that it finds. */
const senders = ({ from, identity }: Pick<NotifyProps, 'from' | 'identity'>): readonly string[] =>
  identity === 'existing' ? [from, from.slice(from.lastIndexOf('@') + 1)] : [from];
