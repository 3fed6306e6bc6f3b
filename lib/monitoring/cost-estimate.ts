import type { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import { type CostItem, logGroupsOf, type Monitored } from '../constructs/monitored.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';
import { times, type Usage, usdOf } from '../cost/prices.ts';
import { apiUnitBytes, lambda } from '../cost/usage.ts';

export interface CostEstimateProps {
  readonly serviceName: string;
  readonly capabilities: readonly Monitored[];
  readonly variantCount: number;
  readonly stage: HttpStage;
  readonly catalog: Table;
  readonly imageEvents: Topic;
}

/** Prices are written for this many, because CloudWatch takes no exponents. */
const billion = 1_000_000_000;

const sum = { statistic: 'Sum' };

const each = (usage: Usage, ...metrics: readonly IMetric[]): readonly CostItem[] =>
  metrics.map((metric) => ({ metric, usage }));

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
      ...each({ lambdaCalls: 1 }, handler.metricInvocations(sum)),
      ...each(lambda(1 / 1000, handler.memoryMiB, 0), handler.metricDuration(sum)),
    ]),
    'API Gateway': [
      ...each({ apiRequests: 1 }, stage.metricCount(sum)),
      ...each({ apiRequests: 1 / apiUnitBytes }, stage.metricDataProcessed(sum)),
    ],
    // S3 counts its requests for a fee only; these follow from what happened to images.
    S3: [
      ...each({ s3Puts: 1 }, ownMetric('Uploads', sum)),
      ...each({ s3Puts: props.variantCount }, ownMetric('Ready', sum)),
      ...each({ s3Gets: 1 }, ownMetric('Ready', sum), ownMetric('Failed', sum)),
    ],
    DynamoDB: [
      ...each(
        { dynamodbWrites: 1 },
        ...tables.map((table) => table.metricConsumedWriteCapacityUnits(sum)),
        ofWaitingIndex('ConsumedWriteCapacityUnits'),
      ),
      ...each(
        { dynamodbReads: 1 },
        ...tables.map((table) => table.metricConsumedReadCapacityUnits(sum)),
        ofWaitingIndex('ConsumedReadCapacityUnits'),
      ),
    ],
    SQS: queues.flatMap(({ queue }) =>
      each(
        { sqsRequests: 1 },
        queue.metricNumberOfMessagesSent(sum),
        queue.metricNumberOfMessagesReceived(sum),
        queue.metricNumberOfMessagesDeleted(sum),
        queue.metricNumberOfEmptyReceives(sum),
      ),
    ),
    SNS: each({ snsEvents: 1 }, props.imageEvents.metricNumberOfMessagesPublished(sum)),
    Logs: each({ logBytes: 1 }, ...logGroups.map(bytesInto)),
    ...Object.assign({}, ...capabilities.map(({ costs }) => costs)),
  };
  return Object.entries(items).map(([service, list]) => costOf(service, list, period));
};

const costOf = (service: string, items: readonly CostItem[], period: Duration): MathExpression => {
  const id = (index: number) => `${service.toLowerCase().replaceAll(' ', '_')}_${index}`;
  return new MathExpression({
    expression: items
      .map(
        ({ usage }, index) =>
          `FILL(${id(index)}, 0) * ${Number(usdOf(times(billion, usage)).toPrecision(10))} / ${billion}`,
      )
      .join(' + '),
    usingMetrics: Object.fromEntries(items.map(({ metric }, index) => [id(index), metric])),
    label: service,
    period,
  });
};
