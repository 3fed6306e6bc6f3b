import type { CostItem } from '../constructs/monitored.ts';
import { prices, usdOf } from '../cost/prices.ts';
import { fargate } from '../cost/usage.ts';
import type { ContainerService } from './container-service.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** All tasks at the price on demand; that of Spot varies, well below it. */
export const fargateCosts = (services: readonly ContainerService[]): readonly CostItem[] =>
  services.map((service) => ({
    metric: service.metricTasks('RunningTaskCount', { statistic: 'Sum' }),
    usd: usdOf(fargate(1, service)),
    // Tasks are counted once a minute.
    per: 60,
  }));

/** Of what a load balancer charges for, images use bytes most. */
export const loadBalancerCosts = ({ balancer }: LoadBalancer): readonly CostItem[] => [
  {
    metric: balancer.metrics.processedBytes({ statistic: 'Sum' }),
    ...prices.loadBalancerBytes,
  },
];
