import { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { GraphWidget, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Monitored } from '../constructs/monitored.ts';

export interface ApiMonitoringProps {
  readonly stage: HttpStage;
  readonly accessLogs: ILogGroup;
}

const period = Duration.minutes(5);

export const apiMonitoring = ({ stage, accessLogs }: ApiMonitoringProps): Monitored => ({
  accessLogs: [accessLogs],
  alarms: [
    {
      name: 'api-5xx-rate',
      metric: new MathExpression({
        expression: 'IF(failed >= 5, 100 * failed / requests, 0)',
        usingMetrics: {
          failed: stage.metricServerError({ statistic: 'Sum' }),
          requests: stage.metricCount({ statistic: 'Sum' }),
        },
        label: 'Server errors, % of requests',
        period,
      }),
      limit: { above: 1 },
      description:
        'More than 1 % of all requests, and at least five, got a server error within five minutes. Look in the log of ingest for the cause; if it shows none, look in the access log of the API.',
    },
  ],
  widgets: {
    health: [
      new GraphWidget({
        title: 'API server errors',
        width: 8,
        left: [stage.metricServerError({ period, statistic: 'Sum', label: '5xx' })],
      }),
    ],
    load: [
      new GraphWidget({
        title: 'API requests',
        width: 8,
        left: [
          stage.metricCount({ period, statistic: 'Sum', label: 'all' }),
          stage.metricClientError({ period, statistic: 'Sum', label: '4xx' }),
        ],
      }),
    ],
  },
  lines: {
    durations: [stage.metricLatency({ period, statistic: 'p95', label: 'API response' })],
  },
});
