import { Duration, Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { originalPrefix, thumbnailPrefix } from '../../lambdas/image/keys.ts';
import type { ResizeEnvironment } from '../../lambdas/resize/environment.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import type { Settings } from '../settings.ts';

export interface ResizeProps {
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly imageEvents: ITopic;
  /** Takes what is too slow for the fast lane. */
  readonly slowQueue: IQueue;
  readonly settings: Settings;
}

/**
 * How long the work on one message may take. The slow lane decodes twice if it must, each time for as long as the settings
 * allow at most.
 */
export const resizeTimeout = Duration.seconds(120);

/** Makes the thumbnails of every original that arrives in the raw bucket: a function or containers do, which read the queue. */
export class Resize extends Construct {
  /** Values for the code, which runs as functions or in containers. */
  readonly environment: ResizeEnvironment;
  /** Permissions of the code, which runs as functions or in containers. */
  readonly statements: readonly PolicyStatementProps[];
  /** What only the fast lane may do: send slow images to the other one. */
  readonly moveStatement: PolicyStatementProps;

  constructor(scope: Construct, id: string, props: ResizeProps) {
    super(scope, id);
    this.environment = {
      ...props.settings,
      rawBucket: props.rawBucket.bucketName,
      thumbnailBucket: props.thumbnailBucket.bucketName,
      catalogTable: props.catalog.tableName,
      imageEventsTopicArn: props.imageEvents.topicArn,
      slowResizeQueueUrl: props.slowQueue.queueUrl,
      stackName: Stack.of(this).stackName,
    };
    this.statements = [
      {
        actions: ['s3:GetObject'],
        resources: [props.rawBucket.arnForObjects(`${originalPrefix}*`)],
        ...inOwnAccount(this),
      },
      // Without it S3 answers 403 instead of 404, and a deleted original would look like a missing permission.
      { actions: ['s3:ListBucket'], resources: [props.rawBucket.bucketArn], ...inOwnAccount(this) },
      {
        actions: ['s3:PutObject'],
        resources: [props.thumbnailBucket.arnForObjects(`${thumbnailPrefix}*`)],
        ...inOwnAccount(this),
      },
      { actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], resources: [props.catalog.tableArn] },
      { actions: ['sns:Publish'], resources: [props.imageEvents.topicArn] },
    ];
    this.moveStatement = { actions: ['sqs:SendMessage'], resources: [props.slowQueue.queueArn] };
  }
}
