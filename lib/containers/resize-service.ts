import { Duration, Names } from 'aws-cdk-lib';
import { AdjustmentType, CfnScalingPolicy, ScalableTarget } from 'aws-cdk-lib/aws-applicationautoscaling';
import { MathExpression, type Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { CapacityProviderStrategy, ScalableTaskCount } from 'aws-cdk-lib/aws-ecs';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { resizeContainerEnvironment } from '../../containers/environment.ts';
import type { Lane } from '../../lambdas/resize/lanes.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import type { Resize } from '../resize/resize.ts';
import type { Settings } from '../settings.ts';
import { ContainerService, type Platform } from './container-service.ts';
import { decodersOf, type FargateSettings } from './settings.ts';

export interface ResizeServiceProps {
  readonly platform: Platform;
  readonly resize: Resize;
  readonly queues: Readonly<Record<Lane, Queue>>;
  readonly logGroup: ILogGroup;
  readonly tasks: FargateSettings['worker'];
  readonly uploadToReadyGoalSeconds: Settings['alerts']['uploadToReadyGoalSeconds'];
}

/** What an image takes of a CPU and of the wait for S3, as docs/cost.md reckons. */
const imageSeconds = 0.3;

/**
 * AWS does not replace Spot capacity that it has not got by any other, so not all workers depend on it: the first one and
 * a fifth of the others run on demand.
 */
const capacityOf = ({ spot }: FargateSettings['worker']): readonly CapacityProviderStrategy[] =>
  spot
    ? [
        { capacityProvider: 'FARGATE', base: 1, weight: 1 },
        { capacityProvider: 'FARGATE_SPOT', weight: 4 },
      ]
    : [{ capacityProvider: 'FARGATE', weight: 1 }];

/** Workers that resize what the queue holds, as many as it takes. */
export class ResizeService extends ContainerService {
  /** Images that may wait for each worker: it makes their thumbnails within half of the time that an image may take. */
  readonly backlogTarget: number;
  readonly maxTasks: number;
  /** Images that wait while as many workers as there may be keep up. */
  readonly steadyBacklog: number;

  constructor(scope: Construct, id: string, props: ResizeServiceProps) {
    const { platform, resize, queues, tasks } = props;
    super(scope, id, {
      platform,
      entry: 'containers/resize.ts',
      environment: writeEnvironment(resizeContainerEnvironment, {
        ...resize.environment,
        resizeQueueUrl: queues.fast.queueUrl,
        // A small task sees more CPUs than it has.
        decodesAtOnce: decodersOf(tasks),
      }),
      vcpus: tasks.vcpus,
      memoryMiB: tasks.memoryMiB,
      logGroup: props.logGroup,
      statements: [
        ...resize.statements,
        resize.moveStatement,
        // The last one hands back what a worker that is to stop cannot finish.
        {
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
          resources: [queues.fast.queueArn, queues.slow.queueArn],
        },
      ],
      securityGroup: platform.network.taskSecurityGroup(scope, `${id}Access`, 'Resize tasks'),
      capacity: capacityOf(tasks),
    });
    this.backlogTarget = Math.max(
      1,
      Math.round(((props.uploadToReadyGoalSeconds / 2) * decodersOf(tasks)) / imageSeconds),
    );
    this.maxTasks = tasks.maxTasks;
    this.steadyBacklog = this.backlogTarget * this.maxTasks;
    const scaling = this.autoScaleTaskCount({ minCapacity: tasks.minTasks, maxCapacity: tasks.maxTasks });
    this.scaleOnBacklog(scaling, queues);
    if (tasks.minTasks === 0) this.scaleFromZero(scaling, queues);
  }

  /**
   * Application Auto Scaling User Guide, "Create a target tracking scaling policy using metric math". CDK's own class
   * takes no expression.
   */
  private scaleOnBacklog(scaling: ScalableTaskCount, queues: ResizeServiceProps['queues']): void {
    const target = scaling.node.findChild('Target');
    if (!(target instanceof ScalableTarget)) throw new Error(`${target.node.path} is nothing to scale`);
    new CfnScalingPolicy(this, 'Backlog', {
      policyName: Names.uniqueId(this),
      policyType: 'TargetTrackingScaling',
      scalingTargetId: target.scalableTargetId,
      targetTrackingScalingPolicyConfiguration: {
        targetValue: this.backlogTarget,
        customizedMetricSpecification: {
          metrics: [
            metricData('messages', waiting(queues.fast)),
            metricData('slow', waiting(queues.slow)),
            metricData('tasks', this.metricTasks('RunningTaskCount', { statistic: 'Average' })),
            { id: 'backlog', expression: '(messages + slow) / tasks', label: 'Messages for each task' },
          ],
        },
      },
    });
  }

  /** Nothing can be divided by no tasks: the first one is started because something waits. */
  private scaleFromZero(scaling: ScalableTaskCount, queues: ResizeServiceProps['queues']): void {
    scaling.scaleOnMetric('FromZero', {
      metric: new MathExpression({
        expression: 'IF(FILL(tasks, 0) > 0, 0, messages + slow)',
        usingMetrics: {
          messages: waiting(queues.fast),
          slow: waiting(queues.slow),
          tasks: this.metricTasks('RunningTaskCount', { statistic: 'Maximum' }),
        },
        label: 'Messages that nobody works off',
        period: Duration.minutes(1),
      }),
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      scalingSteps: [
        { upper: 0, change: 0 },
        { lower: 1, change: 1 },
      ],
      // A task is counted once it runs, which takes a minute or two.
      cooldown: Duration.minutes(3),
    });
  }
}

const waiting = (queue: Queue): Metric =>
  queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' });

const metricData = (id: string, { namespace, metricName, dimensions = {}, statistic }: Metric) => ({
  id,
  returnData: false,
  metricStat: {
    metric: {
      namespace,
      metricName,
      dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
    },
    stat: statistic,
  },
});
