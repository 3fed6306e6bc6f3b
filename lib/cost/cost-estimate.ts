import type { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import type { ServiceFunction } from '../constructs/service-function.ts';
import type { Containers } from '../containers/containers.ts';
import type { OwnMetric } from '../monitoring/own-metrics.ts';
import { prices } from './prices.ts';

export interface CostEstimateProps {
  readonly ownMetric: OwnMetric;
  readonly variantCount: number;
  readonly stage: HttpStage;
  readonly functions: readonly ServiceFunction[];
  /** @default - nothing runs in containers */
  readonly containers?: Containers;
  readonly logGroups: readonly ILogGroup[];
  readonly queues: readonly Queue[];
  readonly catalog: Table;
  readonly admission: Table;
  /** @default - mail is off */
  readonly mailRequests?: Table;
  readonly imageEvents: Topic;
}

/** What a metric counts costs so much for every so many. */
interface Item {
  readonly metric: IMetric;
  readonly usd: number;
  readonly per: number;
}

const thousand = 1000;
const million = 1_000_000;
const gigabyte = 1_000_000_000;

/** A request counts once more for each of these (API Gateway pricing, "HTTP APIs"). */
const apiUnitBytes = 512 * 1024;

const sum = { statistic: 'Sum' };

const at = (usd: number, per: number, metrics: readonly IMetric[]): readonly Item[] =>
  metrics.map((metric) => ({ metric, usd, per }));

/** What each service costs in a period, as far as metrics tell. */
export const costEstimate = (props: CostEstimateProps, period: Duration): readonly MathExpression[] => {
  const { ownMetric, stage, containers, catalog, admission, mailRequests } = props;
  const tables = [catalog, admission, mailRequests].filter((table) => table !== undefined);
  const ofWaitingIndex = (metricName: string): IMetric => {
    const GlobalSecondaryIndexName = catalogTable.waitingIndex.name;
    const dimensionsMap = { TableName: catalog.tableName, GlobalSecondaryIndexName };
    return new Metric({ namespace: 'AWS/DynamoDB', metricName, dimensionsMap, ...sum });
  };
  // LogGroup.metricIncomingBytes is that of all groups of the account.
  const bytesInto = ({ logGroupName }: ILogGroup): IMetric => {
    const dimensionsMap = { LogGroupName: logGroupName };
    return new Metric({ namespace: 'AWS/Logs', metricName: 'IncomingBytes', dimensionsMap, ...sum });
  };
  const items: Readonly<Record<string, readonly Item[]>> = {
    Lambda: props.functions.flatMap((each) => [
      ...at(prices.lambdaMillionCalls, million, [each.metricInvocations(sum)]),
      ...at(prices.lambdaGigabyteSecond * each.memoryMiB, 1024 * thousand, [each.metricDuration(sum)]),
    ]),
    'API Gateway': [
      ...at(prices.apiMillionRequests, million, [stage.metricCount(sum)]),
      ...at(prices.apiMillionRequests, million * apiUnitBytes, [stage.metricDataProcessed(sum)]),
    ],
    ...(containers && costsOfContainers(containers)),
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
    SQS: props.queues.flatMap((queue) =>
      at(prices.sqsMillionRequests, million, [
        queue.metricNumberOfMessagesSent(sum),
        queue.metricNumberOfMessagesReceived(sum),
        queue.metricNumberOfMessagesDeleted(sum),
        queue.metricNumberOfEmptyReceives(sum),
      ]),
    ),
    SNS: at(prices.snsMillionEvents, million, [props.imageEvents.metricNumberOfMessagesPublished(sum)]),
    ...(mailRequests && { SES: at(prices.sesThousandMails, thousand, [ownMetric('MailsSent', sum)]) }),
    Logs: at(prices.logsGigabyte, gigabyte, props.logGroups.map(bytesInto)),
  };
  return Object.entries(items).map(([service, list]) => costOf(service, list, period));
};

const costsOfContainers = ({ ingest, resize, loadBalancer }: Containers) => ({
  // Tasks are counted once a minute. All at the price on demand: that of Spot goes up and down, well below it.
  Fargate: [ingest, resize].flatMap((service) =>
    at(prices.fargateVcpuHour * service.vcpus + (prices.fargateGigabyteHour * service.memoryMiB) / 1024, 60, [
      service.metricTasks('RunningTaskCount', sum),
    ]),
  ),
  // By the load that images are most of: bytes.
  'Load balancer': at(prices.loadBalancerGigabyte, gigabyte, [
    loadBalancer.balancer.metrics.processedBytes(sum),
  ]),
});

const costOf = (service: string, items: readonly Item[], period: Duration): MathExpression => {
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
