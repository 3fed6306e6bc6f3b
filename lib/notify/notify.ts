import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
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
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { thumbnailPrefix } from '../../lambdas/image/keys.ts';
import { notifyEnvironment } from '../../lambdas/notify/environment.ts';
import { mailedEventTypes } from '../../lambdas/notify/mail-request.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import { WorkQueue } from '../constructs/work-queue.ts';
import type { Settings } from '../settings.ts';
import type { EmailSettings } from './settings.ts';

/** All that there is only when mail is on. */
export interface Mail extends EmailSettings {
  /** Where it is kept who wants one. */
  readonly requests: ITable;
}

export interface NotifyProps {
  readonly mail: Mail;
  readonly imageEvents: ITopic;
  /** Told of every mail that does not arrive. */
  readonly alerts: ITopic;
  readonly catalog: ITable;
  readonly thumbnailBucket: IBucket;
  readonly settings: Pick<Settings, 'variants'>;
  /** Where people reach the API: with the stage, without a slash at the end. */
  readonly apiUrl: string;
  readonly logRetention: RetentionDays;
}

/** For ten messages; most have nobody to write to, and take one request to the catalog and one to the mail requests. */
const timeout = Duration.seconds(30);

/** Writes to whoever asked for a mail, once the image is ready or has failed. */
export class Notify extends Construct {
  readonly handler: ServiceFunction;
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { mail, imageEvents, catalog, ...props }: NotifyProps) {
    super(scope, id);
    const { queue, deadLetterQueue } = new WorkQueue(this, 'Queue', { consumerTimeout: timeout });
    this.queue = queue;
    this.deadLetterQueue = deadLetterQueue;
    imageEvents.addSubscription(
      new SqsSubscription(queue, {
        rawMessageDelivery: true,
        filterPolicy: { type: SubscriptionFilter.stringFilter({ allowlist: [...mailedEventTypes] }) },
        // For what SNS itself cannot hand over.
        deadLetterQueue,
      }),
    );
    new EmailIdentity(this, 'Sender', { identity: Identity.email(mail.from) });
    const configurationSet = this.watchedSending(props.alerts);

    const environment = writeEnvironment(notifyEnvironment, {
      catalogTable: catalog.tableName,
      mailRequestsTable: mail.requests.tableName,
      thumbnailBucket: props.thumbnailBucket.bucketName,
      variants: props.settings.variants,
      apiUrl: props.apiUrl,
      mailFrom: mail.from,
      mailConfigurationSet: configurationSet.configurationSetName,
      stackName: Stack.of(this).stackName,
    });
    this.handler = new ServiceFunction(this, 'Function', {
      entry: 'lambdas/notify/index.ts',
      description: 'Writes to whoever asked for a mail about an image',
      environment,
      // The largest thumbnail has 4096 x 4096 pixels, which take 64 MiB once decoded, twice while they are turned to JPEG.
      memoryMiB: 512,
      timeout,
      logRetention: props.logRetention,
      nativeModules: ['sharp'],
      statements: [
        { actions: ['dynamodb:GetItem'], resources: [catalog.tableArn] },
        {
          actions: ['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
          resources: [mail.requests.tableArn],
        },
        {
          actions: ['s3:GetObject'],
          resources: [props.thumbnailBucket.arnForObjects(`${thumbnailPrefix}*`)],
          ...inOwnAccount(this),
        },
        // Without it S3 answers 403 instead of 404 for a thumbnail that is gone.
        { actions: ['s3:ListBucket'], resources: [props.thumbnailBucket.bucketArn], ...inOwnAccount(this) },
        {
          actions: ['ses:SendEmail'],
          resources: [
            this.sesArn('configuration-set', configurationSet.configurationSetName),
            // While SES keeps an account in its sandbox it asks for the recipient's identity as well as for the sender's
            // (aws/aws-sdk-js#3641, cloudposse/terraform-aws-ses#40).
            ...new Set([mail.from, ...mail.allowedRecipients].map((name) => this.sesArn('identity', name))),
          ],
          conditions: { StringEquals: { 'ses:FromAddress': mail.from } },
        },
        // Lambda Developer Guide, "Execution role permissions" of SQS event sources: what Lambda polls with.
        {
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
          resources: [queue.queueArn],
        },
      ],
    });
    new EventSourceMapping(this, 'EventSource', {
      target: this.handler,
      eventSourceArn: queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      // The fewest that Lambda allows. Each sends one mail after the other: SES limits how many it takes in a second, in its
      // sandbox to one (SES Developer Guide, "Service quotas").
      maxConcurrency: 2,
    });
  }

  /** Mails go over TLS or not at all, and those that do not arrive are told of. */
  private watchedSending(alerts: ITopic): ConfigurationSet {
    const configurationSet = new ConfigurationSet(this, 'Sending', {
      tlsPolicy: ConfigurationSetTlsPolicy.REQUIRE,
      reputationMetrics: true,
    });
    // Lets SES publish to the topic as well, for this configuration set only.
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
