import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import { originalPrefix, thumbnailPrefix } from '../../lambdas/image/keys.ts';
import type { ResizeEnvironment } from '../../lambdas/resize/environment.ts';
import type { Lane } from '../../lambdas/resize/lanes.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceLogs } from '../constructs/service-logs.ts';
import type { WorkQueue } from '../constructs/work-queue.ts';
import type { Settings } from '../settings.ts';
import { resizeMonitoring } from './resize-monitoring.ts';

export interface ResizeProps {
  /** The service to which metrics, logs and events belong. */
  readonly serviceName: string;
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly imageEvents: ITopic;
  /** Receives images that were deleted before their originals arrived. */
  readonly deleteQueue: IQueue;
  /** The slow lane receives what is too slow for the fast one. */
  readonly queues: Readonly<Record<Lane, WorkQueue>>;
  readonly settings: Settings;
  readonly logRetention: RetentionDays;
}

/** The longest that one message may take: two decodes of the longest duration that settings allow. */
export const resizeTimeout = Duration.seconds(120);

/** Makes the thumbnails of every original in the raw bucket. What runs its code is a `Compute`. */
export class Resize extends Construct {
  readonly queues: Readonly<Record<Lane, WorkQueue>>;
  /** Values for the code, which runs as functions or in containers. */
  readonly environment: ResizeEnvironment;
  /** Permissions of the code, which runs as functions or in containers. */
  readonly statements: readonly PolicyStatementProps[];
  /** The fast lane's permission to move slow images to the other lane. */
  readonly moveStatement: PolicyStatementProps;
  /** The log of functions and containers, so that a change of `compute` keeps it. */
  readonly logGroup: ILogGroup;
  readonly monitored: Monitored;

  constructor(scope: Construct, id: string, props: ResizeProps) {
    super(scope, id);
    const { serviceName, queues } = props;
    this.queues = queues;
    this.environment = {
      ...props.settings,
      rawBucket: props.rawBucket.bucketName,
      thumbnailBucket: props.thumbnailBucket.bucketName,
      catalogTable: props.catalog.tableName,
      imageEventsTopicArn: props.imageEvents.topicArn,
      slowResizeQueueUrl: queues.slow.queue.queueUrl,
      deleteQueueUrl: props.deleteQueue.queueUrl,
      stackName: serviceName,
    };
    this.statements = [
      {
        actions: ['s3:GetObject'],
        resources: [props.rawBucket.arnForObjects(`${originalPrefix}*`)],
        ...inOwnAccount(this),
      },
      // Without it S3 answers 403 instead of 404 for a deleted original, as for a missing permission.
      { actions: ['s3:ListBucket'], resources: [props.rawBucket.bucketArn], ...inOwnAccount(this) },
      {
        actions: ['s3:PutObject'],
        resources: [props.thumbnailBucket.arnForObjects(`${thumbnailPrefix}*`)],
        ...inOwnAccount(this),
      },
      { actions: ['dynamodb:GetItem'], resources: [props.catalog.tableArn] },
      {
        actions: ['dynamodb:UpdateItem'],
        resources: [props.catalog.tableArn],
        // Decoders may be taken over by an image: they must not have another one deleted (DynamoDB Developer
        // Guide, "Using IAM policy conditions for fine-grained access control").
        conditions: {
          'ForAllValues:StringNotEquals': { 'dynamodb:Attributes': [...catalogTable.deletionAttributes] },
        },
      },
      { actions: ['sns:Publish'], resources: [props.imageEvents.topicArn] },
      { actions: ['sqs:SendMessage'], resources: [props.deleteQueue.queueArn] },
    ];
    this.moveStatement = { actions: ['sqs:SendMessage'], resources: [queues.slow.queue.queueArn] };
    this.logGroup = new ServiceLogs(this, 'FunctionLogs', { retention: props.logRetention });
    this.monitored = resizeMonitoring({
      serviceName,
      queues,
      logGroup: this.logGroup,
      uploadToReadyGoalSeconds: props.settings.alerts.uploadToReadyGoalSeconds,
    });
  }
}
