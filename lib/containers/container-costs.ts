import type { CostItem } from '../constructs/monitored.ts';
import { fargate } from '../cost/usage.ts';
import type { ContainerService } from './container-service.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** All tasks at the price on demand; that of Spot varies, well below it. */
export const fargateCosts = (services: readonly ContainerService[]): readonly CostItem[] =>
  services.map((service) => ({
    metric: service.metricTasks('RunningTaskCount', { statistic: 'Sum' }),
    // Tasks are counted once a minute.
    usage: fargate(1 / 60, service),
  }));

/** Of what a load balancer charges for, images use bytes most. */
export const loadBalancerCosts = ({ balancer }: LoadBalancer): readonly CostItem[] => [
  { metric: balancer.metrics.processedBytes({ statistic: 'Sum' }), usage: { loadBalancerBytes: 1 } },
];
