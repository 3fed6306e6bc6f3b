import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricName, metricsNamespace } from '../../lambdas/runtime/metrics.ts';

export type OwnMetric = (name: MetricName, options?: MetricOptions) => Metric;

/** The metrics that the code of one service records; sums, unless the options say otherwise. */
export const ownMetricsOf =
  (serviceName: string): OwnMetric =>
  (metricName, options) =>
    new Metric({
      namespace: metricsNamespace,
      metricName,
      dimensionsMap: { service: serviceName },
      statistic: 'Sum',
      ...options,
    });
