import { Duration, Names } from 'aws-cdk-lib';
import { AdjustmentType, CfnScalingPolicy, ScalableTarget } from 'aws-cdk-lib/aws-applicationautoscaling';
import { MathExpression, type Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { ScalableTaskCount } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { resizeContainerEnvironment } from '../../containers/environment.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { requireType } from '../constructs/require-type.ts';
import type { WorkQueue } from '../constructs/work-queue.ts';
import type { Resize } from '../resize/resize.ts';
import { ContainerService, type Platform } from './container-service.ts';
import { decodersOf, type FargateSettings, workerCapacity } from './settings.ts';

export interface WorkerServiceProps {
  readonly platform: Platform;
  readonly resize: Resize;
  readonly settings: FargateSettings['worker'];
  readonly uploadToReadyGoalSeconds: number;
}

/** How long one decoder works on an image and waits for S3, as docs/cost.md assumes. */
const imageSeconds = 0.3;

/** Runs the code of the resize functions in tasks, the workers, as many as the queues need. */
export class WorkerService extends ContainerService {
  /** Images that may wait for each worker: as many as it resizes within half of the goal. */
  readonly backlogTarget: number;
  readonly maxTasks: number;
  /** Images that wait while the largest number of workers keeps up. */
  readonly steadyBacklog: number;

  constructor(scope: Construct, id: string, props: WorkerServiceProps) {
    const { platform, resize, settings } = props;
    const { fast, slow } = resize.queues;
    super(scope, id, {
      platform,
      entry: 'containers/resize.ts',
      environment: writeEnvironment(resizeContainerEnvironment, {
        ...resize.environment,
        resizeQueueUrl: fast.queue.queueUrl,
        // A small task sees more CPUs than it has.
        decodesAtOnce: decodersOf(settings),
      }),
      vcpus: settings.vcpus,
      memoryMiB: settings.memoryMiB,
      minTasks: settings.minTasks,
      logGroup: resize.logGroup,
      statements: [
        ...resize.statements,
        resize.moveStatement,
        // ChangeMessageVisibility releases the messages that a stopping worker cannot finish.
        {
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
          resources: [fast.queue.queueArn, slow.queue.queueArn],
        },
      ],
      securityGroup: platform.network.taskSecurityGroup(scope, `${id}Access`, 'Resize tasks'),
      capacity: workerCapacity(settings),
    });
    this.backlogTarget = Math.max(
      1,
      Math.round(((props.uploadToReadyGoalSeconds / 2) * decodersOf(settings)) / imageSeconds),
    );
    this.maxTasks = settings.maxTasks;
    this.steadyBacklog = this.backlogTarget * this.maxTasks;
    const scaling = this.autoScaleTaskCount({
      minCapacity: settings.minTasks,
      maxCapacity: settings.maxTasks,
    });
    this.scaleOnBacklog(scaling, resize.queues);
    if (settings.minTasks === 0) this.scaleFromZero(scaling, resize.queues);
  }

  /**
   * Application Auto Scaling User Guide, "Create a target tracking scaling policy using metric math". CDK's
   * class for such policies accepts no expression.
   */
  private scaleOnBacklog(scaling: ScalableTaskCount, queues: Resize['queues']): void {
    const target = requireType(scaling.node.findChild('Target'), ScalableTarget);
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

  /**
   * The backlog for each of zero tasks is undefined: the first one starts as soon as a message waits that no
   * task has taken. Their number says nothing: ECS sends no metrics of a service without running tasks.
   */
  private scaleFromZero(scaling: ScalableTaskCount, queues: Resize['queues']): void {
    scaling.scaleOnMetric('FromZero', {
      metric: new MathExpression({
        expression: 'IF(taken + slowTaken > 0, 0, messages + slow)',
        usingMetrics: {
          messages: waiting(queues.fast),
          slow: waiting(queues.slow),
          taken: taken(queues.fast),
          slowTaken: taken(queues.slow),
        },
        label: 'Messages without a worker',
        period: Duration.minutes(1),
      }),
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      scalingSteps: [
        { upper: 0, change: 0 },
        { lower: 1, change: 1 },
      ],
      // A task counts once it runs, which takes a minute or two.
      cooldown: Duration.minutes(3),
    });
  }
}

const waiting = ({ queue }: WorkQueue): Metric =>
  queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' });

const taken = ({ queue }: WorkQueue): Metric =>
  queue.metricApproximateNumberOfMessagesNotVisible({ statistic: 'Maximum' });

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
