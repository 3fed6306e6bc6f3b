import { Duration } from 'aws-cdk-lib';
import { GraphWidget, type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Monitored } from '../constructs/monitored.ts';
import type { ContainerService } from './container-service.ts';
import type { LoadBalancer } from './load-balancer.ts';

export interface ContainerWidgetsProps {
  readonly loadBalancer: LoadBalancer;
  /** By their names on the dashboard. */
  readonly services: Readonly<Record<string, ContainerService>>;
}

const period = Duration.minutes(5);

export const containerWidgets = (props: ContainerWidgetsProps): Monitored['widgets'] => {
  const { balancer, targets } = props.loadBalancer;
  const services = Object.entries(props.services);
  return {
    health: [
      new GraphWidget({
        title: 'Load balancer server errors',
        width: 8,
        left: [
          balancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { period, label: 'from tasks' }),
          balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, {
            period,
            label: 'from the load balancer',
          }),
        ],
      }),
      new GraphWidget({
        title: 'Ready ingest tasks',
        width: 8,
        left: [
          targets.metrics.healthyHostCount({ period, label: 'ready' }),
          targets.metrics.unhealthyHostCount({ period, label: 'not ready' }),
        ],
      }),
      new GraphWidget({
        title: 'Running and desired tasks',
        width: 8,
        left: services.flatMap(([name, service]) => [
          service.metricTasks('RunningTaskCount', { period, label: `${name} running` }),
          service.metricTasks('DesiredTaskCount', { period, label: `${name} desired` }),
        ]),
      }),
    ],
    load: [
      new GraphWidget({
        title: 'Load balancer requests',
        width: 8,
        left: [
          balancer.metrics.requestCount({ period, label: 'all' }),
          balancer.metrics.httpCodeTarget(HttpCodeTarget.TARGET_4XX_COUNT, { period, label: '4xx' }),
        ],
      }),
      new GraphWidget({
        title: 'CPU of tasks, %',
        width: 8,
        left: services.map(([label, service]) => service.metricCpuUtilization({ period, label })),
      }),
      new GraphWidget({
        title: 'Highest memory of a task, %',
        width: 8,
        left: services.map(([label, service]) =>
          service.metricMemoryUtilization({ period, statistic: 'Maximum', label }),
        ),
      }),
    ],
  };
};

/** The p95 of response times; the load balancer's own metric has seconds. */
export const responseMilliseconds = ({ balancer }: LoadBalancer): IMetric =>
  new MathExpression({
    expression: '1000 * seconds',
    usingMetrics: { seconds: balancer.metrics.targetResponseTime({ statistic: 'p95' }) },
    label: 'load balancer response',
    period,
  });
