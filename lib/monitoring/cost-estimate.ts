import type { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import { type CostItem, logGroupsOf, type Monitored } from '../constructs/monitored.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';
import { prices, type Unit } from '../cost/prices.ts';
import { apiUnitBytes } from '../cost/usage.ts';

export interface CostEstimateProps {
  readonly serviceName: string;
  readonly capabilities: readonly Monitored[];
  readonly variantCount: number;
  readonly stage: HttpStage;
  readonly catalog: Table;
  readonly imageEvents: Topic;
}

const sum = { statistic: 'Sum' };

/** Items for metrics that count a unit, or a multiple or part of it. */
const each = (unit: Unit, metrics: readonly IMetric[], { times = 1, parts = 1 } = {}): readonly CostItem[] =>
  metrics.map((metric) => ({ metric, usd: prices[unit].usd * times, per: prices[unit].per * parts }));

/** What each service costs in a period, as far as metrics show it. */
export const costEstimate = (props: CostEstimateProps, period: Duration): readonly MathExpression[] => {
  const { capabilities, stage, catalog } = props;
  const ownMetric = ownMetricsOf(props.serviceName);
  const functions = capabilities.flatMap((each) => Object.values(each.functions ?? {}));
  const queues = capabilities.flatMap((each) => Object.values(each.queues ?? {}));
  const tables = [catalog, ...capabilities.flatMap((each) => each.tables ?? [])];
  const logGroups = [...logGroupsOf(capabilities), ...capabilities.flatMap((each) => each.accessLogs ?? [])];
  const ofWaitingIndex = (metricName: string): IMetric => {
    const GlobalSecondaryIndexName = catalogTable.waitingIndex.name;
    const dimensionsMap = { TableName: catalog.tableName, GlobalSecondaryIndexName };
    return new Metric({ namespace: 'AWS/DynamoDB', metricName, dimensionsMap, ...sum });
  };
  // LogGroup.metricIncomingBytes counts all groups of the account.
  const bytesInto = ({ logGroupName }: ILogGroup): IMetric => {
    const dimensionsMap = { LogGroupName: logGroupName };
    return new Metric({ namespace: 'AWS/Logs', metricName: 'IncomingBytes', dimensionsMap, ...sum });
  };
  const items: Readonly<Record<string, readonly CostItem[]>> = {
    Lambda: functions.flatMap((handler) => [
      ...each('lambdaCalls', [handler.metricInvocations(sum)]),
      // The metric is in milliseconds.
      ...each('lambdaGigabyteSeconds', [handler.metricDuration(sum)], {
        times: handler.memoryMiB,
        parts: 1024 * 1000,
      }),
    ]),
    'API Gateway': [
      ...each('apiRequests', [stage.metricCount(sum)]),
      ...each('apiRequests', [stage.metricDataProcessed(sum)], { parts: apiUnitBytes }),
    ],
    // S3 counts its requests for a fee only; these follow from what happened to images.
    S3: [
      ...each('s3Puts', [ownMetric('Uploads', sum)]),
      ...each('s3Puts', [ownMetric('Ready', sum)], { times: props.variantCount }),
      ...each('s3Gets', [ownMetric('Ready', sum), ownMetric('Failed', sum)]),
    ],
    DynamoDB: [
      ...each('dynamodbWrites', [
        ...tables.map((table) => table.metricConsumedWriteCapacityUnits(sum)),
        ofWaitingIndex('ConsumedWriteCapacityUnits'),
      ]),
      ...each('dynamodbReads', [
        ...tables.map((table) => table.metricConsumedReadCapacityUnits(sum)),
        ofWaitingIndex('ConsumedReadCapacityUnits'),
      ]),
    ],
    SQS: queues.flatMap(({ queue }) =>
      each('sqsRequests', [
        queue.metricNumberOfMessagesSent(sum),
        queue.metricNumberOfMessagesReceived(sum),
        queue.metricNumberOfMessagesDeleted(sum),
        queue.metricNumberOfEmptyReceives(sum),
      ]),
    ),
    SNS: each('snsEvents', [props.imageEvents.metricNumberOfMessagesPublished(sum)]),
    Logs: each('logBytes', logGroups.map(bytesInto)),
    ...Object.assign({}, ...capabilities.map((each) => each.costs)),
  };
  return Object.entries(items).map(([service, list]) => costOf(service, list, period));
};

const costOf = (service: string, items: readonly CostItem[], period: Duration): MathExpression => {
  const id = (index: number) => `${service.toLowerCase().replaceAll(' ', '_')}_${index}`;
  return new MathExpression({
    expression: items
      .map(({ usd, per }, index) => `FILL(${id(index)}, 0) * ${Number(usd.toFixed(10))} / ${per}`)
      .join(' + '),
    usingMetrics: Object.fromEntries(items.map(({ metric }, index) => [id(index), metric])),
    label: service,
    period,
  });
};
