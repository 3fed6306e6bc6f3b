import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import { originalPrefix } from '../../lambdas/image/keys.ts';
import { reconcileEnvironment } from '../../lambdas/reconcile/environment.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceFunction } from '../constructs/service-function.ts';

export interface ReconcilerProps {
  readonly rawBucket: IBucket;
  readonly catalog: ITable;
  readonly resizeQueue: IQueue;
  readonly slowResizeQueue: IQueue;
  readonly deleteQueue: IQueue;
  /** How long an image may wait for its thumbnails before it counts as lost. */
  readonly overdueAfter: Duration;
  /** Messages that may wait in the resize queue without an image counting as lost. */
  readonly maxBacklog: number;
  readonly logRetention: RetentionDays;
}

/** Every five minutes finds the images whose event was lost, or that were announced but never uploaded. */
export class Reconciler extends Construct {
  readonly handler: ServiceFunction;
  readonly monitored: Monitored;

  constructor(scope: Construct, id: string, props: ReconcilerProps) {
    super(scope, id);
    const environment = writeEnvironment(reconcileEnvironment, {
      rawBucket: props.rawBucket.bucketName,
      catalogTable: props.catalog.tableName,
      resizeQueueUrl: props.resizeQueue.queueUrl,
      slowResizeQueueUrl: props.slowResizeQueue.queueUrl,
      deleteQueueUrl: props.deleteQueue.queueUrl,
      overdueSeconds: props.overdueAfter.toSeconds(),
      maxBacklog: props.maxBacklog,
    });
    this.handler = new ServiceFunction(this, 'Function', {
      entry: 'lambdas/reconcile/index.ts',
      description: 'Finds images whose event was lost',
      environment,
      memoryMiB: 512,
      timeout: Duration.minutes(2),
      logRetention: props.logRetention,
      statements: [
        // GetObject also allows HeadObject; with ListBucket it answers 404 instead of 403 if there is no
        // original.
        {
          actions: ['s3:GetObject'],
          resources: [props.rawBucket.arnForObjects(`${originalPrefix}*`)],
          ...inOwnAccount(this),
        },
        { actions: ['s3:ListBucket'], resources: [props.rawBucket.bucketArn], ...inOwnAccount(this) },
        {
          actions: ['dynamodb:Query'],
          resources: [`${props.catalog.tableArn}/index/${catalogTable.waitingIndex.name}`],
        },
        { actions: ['dynamodb:UpdateItem'], resources: [props.catalog.tableArn] },
        { actions: ['sqs:SendMessage', 'sqs:GetQueueAttributes'], resources: [props.resizeQueue.queueArn] },
        { actions: ['sqs:GetQueueAttributes'], resources: [props.slowResizeQueue.queueArn] },
        { actions: ['sqs:SendMessage'], resources: [props.deleteQueue.queueArn] },
      ],
    });
    new Rule(this, 'Schedule', {
      description: 'Starts the search for lost images',
      schedule: Schedule.rate(Duration.minutes(5)),
      targets: [new LambdaFunction(this.handler)],
    });
    this.monitored = {
      functions: { reconciler: this.handler },
      alarms: [
        {
          name: 'reconciler-errors',
          metric: this.handler.metricErrors({ period: Duration.minutes(5) }),
          limit: { atLeast: 1 },
          periods: { over: 2, of: 3 },
          description:
            'The reconciler failed in two of its last three runs: images whose event was lost are not found again. Look in its log for the cause.',
        },
      ],
    };
  }
}
