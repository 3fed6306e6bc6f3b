import type { Duration } from 'aws-cdk-lib';
import { GraphWidget, type IMetric, type IWidget, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Containers } from './containers.ts';

/** One row of the dashboard: whether requests get answers, and whether there is who gives them. */
export const containerHealth = (
  { loadBalancer, ingest, resize }: Containers,
  period: Duration,
): IWidget[] => [
  new GraphWidget({
    title: 'Answers of the load balancer that are errors',
    width: 8,
    left: [
      loadBalancer.balancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, {
        period,
        label: 'of a task',
      }),
      loadBalancer.balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { period, label: 'its own' }),
    ],
  }),
  new GraphWidget({
    title: 'Ingest tasks that are ready',
    width: 8,
    left: [
      loadBalancer.targets.metrics.healthyHostCount({ period, label: 'ready' }),
      loadBalancer.targets.metrics.unhealthyHostCount({ period, label: 'not ready' }),
    ],
  }),
  new GraphWidget({
    title: 'Tasks that run, and that should',
    width: 8,
    left: Object.entries({ ingest, resize }).flatMap(([name, service]) => [
      service.metricTasks('RunningTaskCount', { period, label: name }),
      service.metricTasks('DesiredTaskCount', { period, label: `${name}, should` }),
    ]),
  }),
];

/** One row of the dashboard: how much comes, and how full tasks are. */
export const containerAmounts = (
  { loadBalancer, ingest, resize }: Containers,
  period: Duration,
): IWidget[] => [
  new GraphWidget({
    title: 'Requests to the load balancer, and those refused',
    width: 8,
    left: [
      loadBalancer.balancer.metrics.requestCount({ period, label: 'all' }),
      loadBalancer.balancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_4XX_COUNT, { period, label: '4xx' }),
    ],
  }),
  new GraphWidget({
    title: 'CPU of tasks, %',
    width: 8,
    left: Object.entries({ ingest, resize }).map(([label, service]) =>
      service.metricCpuUtilization({ period, label }),
    ),
  }),
  new GraphWidget({
    title: 'Memory of the fullest task, %',
    width: 8,
    left: Object.entries({ ingest, resize }).map(([label, service]) =>
      service.metricMemoryUtilization({ period, statistic: 'Maximum', label }),
    ),
  }),
];

/** How long the load balancer waits for an answer, p95; its own metric has seconds. */
export const answerMilliseconds = ({ loadBalancer }: Containers, period: Duration): IMetric =>
  new MathExpression({
    expression: '1000 * seconds',
    usingMetrics: { seconds: loadBalancer.balancer.metrics.targetResponseTime({ statistic: 'p95' }) },
    label: 'answer behind the load balancer',
    period,
  });
