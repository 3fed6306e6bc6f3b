import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { AlarmRow } from '../constructs/alarms.ts';
import type { ContainerService } from './container-service.ts';
import type { IngestService } from './ingest-service.ts';
import type { LoadBalancer } from './load-balancer.ts';
import type { WorkerService } from './worker-service.ts';

export interface ContainerAlarmsProps {
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
        expression: 'IF(failed >= 5, 100 * failed / requests, 0)',
        usingMetrics: {
          requests: balancer.metrics.requestCount(),
          failed: balancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT),
        },
        label: 'Server errors, % of requests',
        period,
      }),
      limit: { above: 1 },
      description:
        'More than 1 % of all requests to the load balancer, and at least five, got a server error from a task within five minutes, or were refused because tasks were at capacity. Look in the log of ingest for the cause.',
    },
    {
      name: 'load-balancer-errors',
      // No rate: requests that reach no task are not counted.
      metric: balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { period }),
      limit: { atLeast: 5 },
      periods: { over: 2, of: 2 },
      description:
        'For ten minutes the load balancer itself has answered requests with a server error, because it reached no task or a task closed the connection. Check whether tasks run and are ready.',
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
      // ECS sends no metrics of a service while none of its tasks run (ECS Developer Guide, "Amazon ECS
      // CloudWatch metrics").
      mayHaveNoData: service.minTasks === 0,
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
      name: 'resize-backlog',
      metric: new MathExpression({
        expression: `IF(tasks >= ${worker.maxTasks}, messages / tasks, 0)`,
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
    expression: 'desired - running',
    usingMetrics: {
      desired: service.metricTasks('DesiredTaskCount', { statistic: 'Minimum' }),
      running: service.metricTasks('RunningTaskCount', { statistic: 'Maximum' }),
    },
    label: 'Desired tasks that do not run',
    period,
  });
