import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { AlarmRow } from '../monitoring/alarms.ts';
import type { OwnMetric } from '../monitoring/own-metrics.ts';
import type { Settings } from '../settings.ts';
import type { ContainerService } from './container-service.ts';
import type { Containers } from './containers.ts';

export interface ContainerAlarmsProps {
  readonly ownMetric: OwnMetric;
  readonly containers: Containers;
  readonly resizeQueue: IQueue;
  readonly usualImagesPerHour: Settings['alerts']['usualImagesPerHour'];
}

const period = Duration.minutes(5);

/** A quarter of an hour: longer than a task takes to start, and than a deployment or the scaling needs to mend something. */
const lasting = { over: 3, of: 3 } as const;

/** What is to be noticed while containers take uploads in and resize. */
export const containerAlarms = ({
  ownMetric,
  containers,
  ...props
}: ContainerAlarmsProps): readonly AlarmRow[] => {
  const { ingest, resize } = containers;
  const { balancer, targets } = containers.loadBalancer;
  return [
    {
      name: 'load-balancer-5xx-rate',
      metric: new MathExpression({
        expression:
          'IF(FILL(own, 0) + FILL(failed, 0) >= 5, 100 * (FILL(own, 0) + FILL(failed, 0)) / (FILL(own, 0) + FILL(requests, 0)), 0)',
        usingMetrics: {
          // What it gives to no target is no request to it.
          requests: balancer.metrics.requestCount(),
          own: balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT),
          failed: balancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT),
        },
        label: 'Answers that are errors of ours, %',
        period,
      }),
      limit: { above: 1 },
      description:
        'More than 1 % of all requests to the load balancer, and at least five, were answered with an error of ours within five minutes, or sent away because tasks had their hands full. See in the log of ingest what failed; if it shows nothing, see whether there are tasks at all.',
    },
    {
      name: 'ingest-targets-unhealthy',
      metric: targets.metrics.unhealthyHostCount({ period, statistic: 'Maximum' }),
      limit: { atLeast: 1 },
      periods: lasting,
      description:
        'For 15 minutes at least one ingest task has not been ready, nor has ECS replaced it by one that is. See in the log of ingest which dependency is out of reach.',
    },
    ...[
      { name: 'ingest-tasks-missing', service: ingest, who: 'ingest tasks', what: 'requests' },
      { name: 'resize-tasks-missing', service: resize, who: 'workers', what: 'images' },
    ].map(({ name, service, who, what }) => ({
      name,
      metric: missing(service),
      limit: { atLeast: 1 },
      periods: lasting,
      description: `For 15 minutes there have been fewer ${who} than there should be, and ${what} wait or are refused. See in the events of the service why no more are started, or why they end.`,
    })),
    {
      name: 'ingest-cpu',
      metric: ingest.metricCpuUtilization({ period }),
      limit: { above: 85 },
      periods: lasting,
      description:
        'For 15 minutes ingest tasks have used more than 85 % of their CPU on average, although more of them should have been started. See whether there are as many as fargate.ingest.maxTasks allows, and raise that.',
    },
    ...[
      { name: 'ingest-memory', service: ingest, setting: 'fargate.ingest.memoryMiB' },
      { name: 'resize-memory', service: resize, setting: 'fargate.worker.memoryMiB' },
    ].map(({ name, service, setting }) => ({
      name,
      metric: service.metricMemoryUtilization({ period, statistic: 'Maximum' }),
      limit: { above: 90 },
      periods: lasting,
      description: `For 15 minutes a task has used more than 90 % of its memory, and is about to be killed. See whether it falls again when there is less to do; if so, raise ${setting}.`,
    })),
    {
      name: 'resize-errors',
      metric: ownMetric('Retries', { period }),
      limit: { atLeast: 5 },
      description:
        'At least five tries to resize an image failed within five minutes, for no fault of the images. They are tried again, five times in all, so nothing is lost yet. See in the log of resize what fails.',
    },
    {
      name: 'resize-backlog',
      metric: new MathExpression({
        expression: `IF(FILL(tasks, 0) >= ${resize.maxTasks}, FILL(messages, 0) / tasks, 0)`,
        usingMetrics: {
          messages: props.resizeQueue.metricApproximateNumberOfMessagesVisible(),
          tasks: resize.metricTasks('RunningTaskCount', { statistic: 'Minimum' }),
        },
        label: 'Images that wait for each of all the workers that there may be',
        period,
      }),
      limit: { above: 2 * resize.backlogTarget },
      periods: lasting,
      description:
        'For 15 minutes as many workers have run as fargate.worker.maxTasks allows, and twice as many images wait for each as should. See whether these are images that you want, and raise that setting.',
    },
    {
      name: 'runaway-messages',
      metric: props.resizeQueue.metricNumberOfMessagesReceived({ period: Duration.hours(1) }),
      limit: { above: 5 * props.usualImagesPerHour },
      description: `Workers took more than five times as many messages within an hour as there usually are images (${props.usualImagesPerHour}). See whether somebody uploads that many, or messages go round and round, which costs money.`,
    },
  ];
};

const missing = (service: ContainerService): IMetric =>
  new MathExpression({
    // Those that there were at best, so that neither scaling nor a deployment looks like it.
    expression: 'FILL(desired, 0) - FILL(running, 0)',
    usingMetrics: {
      desired: service.metricTasks('DesiredTaskCount', { statistic: 'Minimum' }),
      running: service.metricTasks('RunningTaskCount', { statistic: 'Maximum' }),
    },
    label: 'Tasks that should run and do not',
    period,
  });
