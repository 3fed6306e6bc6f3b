import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { AlarmRow } from '../constructs/alarms.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';
import type { ContainerService } from './container-service.ts';
import type { IngestService } from './ingest-service.ts';
import type { LoadBalancer } from './load-balancer.ts';
import type { WorkerService } from './worker-service.ts';

export interface ContainerAlarmsProps {
  readonly serviceName: string;
  readonly loadBalancer: LoadBalancer;
  readonly ingest: IngestService;
  readonly worker: WorkerService;
  readonly resizeQueue: IQueue;
  readonly usualImagesPerHour: number;
}

const period = Duration.minutes(5);

/** 15 minutes: longer than a task takes to start, and than a deployment or the scaling needs to recover. */
const lasting = { over: 3, of: 3 } as const;

export const containerAlarms = (props: ContainerAlarmsProps): readonly AlarmRow[] => {
  const { ingest, worker, resizeQueue } = props;
  const { balancer, targets } = props.loadBalancer;
  return [
    {
      name: 'load-balancer-5xx-rate',
      metric: new MathExpression({
        expression:
          'IF(FILL(own, 0) + FILL(failed, 0) >= 5, 100 * (FILL(own, 0) + FILL(failed, 0)) / (FILL(own, 0) + FILL(requests, 0)), 0)',
        usingMetrics: {
          // Does not count the requests that reach no target.
          requests: balancer.metrics.requestCount(),
          own: balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT),
          failed: balancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT),
        },
        label: 'Server errors, % of requests',
        period,
      }),
      limit: { above: 1 },
      description:
        'More than 1 % of all requests to the load balancer, and at least five, got a server error within five minutes, or were refused because tasks were at capacity. Look in the log of ingest for the cause; if it shows none, check whether any tasks run.',
    },
    {
      name: 'ingest-targets-unhealthy',
      metric: targets.metrics.unhealthyHostCount({ period, statistic: 'Maximum' }),
      limit: { atLeast: 1 },
      periods: lasting,
      description:
        'For 15 minutes at least one ingest task has not been ready, and ECS has not replaced it. Look in the log of ingest which dependency cannot be reached.',
    },
    ...[
      { name: 'ingest-tasks-missing', service: ingest, who: 'ingest tasks', what: 'requests' },
      { name: 'resize-tasks-missing', service: worker, who: 'workers', what: 'images' },
    ].map(({ name, service, who, what }) => ({
      name,
      metric: missing(service),
      limit: { atLeast: 1 },
      periods: lasting,
      description: `For 15 minutes fewer ${who} have run than should, and ${what} wait or are refused. The events of the service show why tasks do not start, or why they end.`,
    })),
    {
      name: 'ingest-cpu',
      metric: ingest.metricCpuUtilization({ period }),
      limit: { above: 85 },
      periods: lasting,
      description:
        'For 15 minutes ingest tasks have used more than 85 % of their CPU on average, although scaling should have started more. Check whether fargate.ingest.maxTasks is reached, and raise it.',
    },
    ...[
      { name: 'ingest-memory', service: ingest, setting: 'fargate.ingest.memoryMiB' },
      { name: 'resize-memory', service: worker, setting: 'fargate.worker.memoryMiB' },
    ].map(({ name, service, setting }) => ({
      name,
      metric: service.metricMemoryUtilization({ period, statistic: 'Maximum' }),
      limit: { above: 90 },
      periods: lasting,
      description: `For 15 minutes a task has used more than 90 % of its memory, and may soon be killed. If the memory falls again under less load, raise ${setting}; otherwise look for a leak.`,
    })),
    {
      name: 'resize-errors',
      metric: ownMetricsOf(props.serviceName)('Retries', { period }),
      limit: { atLeast: 5 },
      description:
        'At least five attempts to resize an image failed within five minutes, and the images are not at fault. Each message is delivered five times, so nothing is lost yet. Look in the log of resize for the cause.',
    },
    {
      name: 'resize-backlog',
      metric: new MathExpression({
        expression: `IF(FILL(tasks, 0) >= ${worker.maxTasks}, FILL(messages, 0) / tasks, 0)`,
        usingMetrics: {
          messages: resizeQueue.metricApproximateNumberOfMessagesVisible(),
          tasks: worker.metricTasks('RunningTaskCount', { statistic: 'Minimum' }),
        },
        label: 'Waiting images for each worker, with all workers running',
        period,
      }),
      limit: { above: 2 * worker.backlogTarget },
      periods: lasting,
      description:
        'For 15 minutes as many workers have run as fargate.worker.maxTasks allows, and twice as many images as planned wait for each. If you want these images, raise that setting.',
    },
    {
      name: 'runaway-messages',
      metric: resizeQueue.metricNumberOfMessagesReceived({ period: Duration.hours(1) }),
      limit: { above: 5 * props.usualImagesPerHour },
      description: `Workers received more than five times as many messages within an hour as there usually are images (${props.usualImagesPerHour}). Check whether that many were uploaded; if not, messages circulate, which costs money.`,
    },
  ];
};

const missing = (service: ContainerService): IMetric =>
  new MathExpression({
    // Fewest desired and most running of a period, so that scaling and deployments do not count.
    expression: 'FILL(desired, 0) - FILL(running, 0)',
    usingMetrics: {
      desired: service.metricTasks('DesiredTaskCount', { statistic: 'Minimum' }),
      running: service.metricTasks('RunningTaskCount', { statistic: 'Maximum' }),
    },
    label: 'Desired tasks that do not run',
    period,
  });
