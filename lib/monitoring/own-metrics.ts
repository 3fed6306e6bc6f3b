import { Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { IConstruct } from 'constructs';
import { type MetricName, metricsNamespace } from '../../lambdas/runtime/metrics.ts';

export type OwnMetric = (name: MetricName, options?: MetricOptions) => Metric;

/** What the code counts by itself, of this stack and no other copy; sums, unless the options say otherwise. */
export const ownMetricsOf =
  (scope: IConstruct): OwnMetric =>
  (metricName, options) =>
    new Metric({
      namespace: metricsNamespace,
      metricName,
      dimensionsMap: { service: Stack.of(scope).stackName },
      statistic: 'Sum',
      ...options,
    });
