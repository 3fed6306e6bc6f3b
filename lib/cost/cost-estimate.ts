import type { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { catalogTable } from '../../lambdas/image/record.ts';
import { type CostItem, logGroupsOf, type Monitored } from '../constructs/monitored.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';
import { prices } from './prices.ts';

export interface CostEstimateProps {
  readonly serviceName: string;
  readonly capabilities: readonly Monitored[];
  readonly variantCount: number;
  readonly stage: HttpStage;
  readonly catalog: Table;
  readonly imageEvents: Topic;
}

const thousand = 1000;
const million = 1_000_000;
const gigabyte = 1_000_000_000;

/** A request counts once more for each of these (API Gateway pricing, "HTTP APIs"). */
const apiUnitBytes = 512 * 1024;

const sum = { statistic: 'Sum' };

const at = (usd: number, per: number, metrics: readonly IMetric[]): readonly CostItem[] =>
  metrics.map((metric) => ({ metric, usd, per }));

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
    Lambda: functions.flatMap((each) => [
      ...at(prices.lambdaMillionCalls, million, [each.metricInvocations(sum)]),
      ...at(prices.lambdaGigabyteSecond * each.memoryMiB, 1024 * thousand, [each.metricDuration(sum)]),
    ]),
    'API Gateway': [
      ...at(prices.apiMillionRequests, million, [stage.metricCount(sum)]),
      ...at(prices.apiMillionRequests, million * apiUnitBytes, [stage.metricDataProcessed(sum)]),
    ],
    // S3 counts its requests for a fee only; these follow from what happened to images.
    S3: [
      ...at(prices.s3ThousandPuts, thousand, [ownMetric('Uploads', sum)]),
      ...at(prices.s3ThousandPuts * props.variantCount, thousand, [ownMetric('Ready', sum)]),
      ...at(prices.s3ThousandGets, thousand, [ownMetric('Ready', sum), ownMetric('Failed', sum)]),
    ],
    DynamoDB: [
      ...at(prices.dynamodbMillionWrites, million, [
        ...tables.map((table) => table.metricConsumedWriteCapacityUnits(sum)),
        ofWaitingIndex('ConsumedWriteCapacityUnits'),
      ]),
      ...at(prices.dynamodbMillionReads, million, [
        ...tables.map((table) => table.metricConsumedReadCapacityUnits(sum)),
        ofWaitingIndex('ConsumedReadCapacityUnits'),
      ]),
    ],
    SQS: queues.flatMap(({ queue }) =>
      at(prices.sqsMillionRequests, million, [
        queue.metricNumberOfMessagesSent(sum),
        queue.metricNumberOfMessagesReceived(sum),
        queue.metricNumberOfMessagesDeleted(sum),
        queue.metricNumberOfEmptyReceives(sum),
      ]),
    ),
    SNS: at(prices.snsMillionEvents, million, [props.imageEvents.metricNumberOfMessagesPublished(sum)]),
    Logs: at(prices.logsGigabyte, gigabyte, logGroups.map(bytesInto)),
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
