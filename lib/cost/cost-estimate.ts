import type { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { catalogTable } from '../../lambdas/image/record.ts';
import type { ServiceFunction } from '../constructs/service-function.ts';
import type { Containers } from '../containers/containers.ts';
import type { OwnMetric } from '../monitoring/own-metrics.ts';
import { prices, type Unit, usdOf } from './prices.ts';
import { apiUnitBytes, fargate } from './usage.ts';

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

/** The sum of a metric costs `usd` for each `per` that it counts. */
interface Item {
  readonly metric: IMetric;
  readonly usd: number;
  readonly per: number;
}

const sum = { statistic: 'Sum' };

/** Items for metrics that count a unit, or a multiple or part of it. */
const each = (unit: Unit, metrics: readonly IMetric[], { times = 1, parts = 1 } = {}): readonly Item[] =>
  metrics.map((metric) => ({ metric, usd: prices[unit].usd * times, per: prices[unit].per * parts }));

/** What each service costs in a period, as far as metrics show it. */
export const costEstimate = (props: CostEstimateProps, period: Duration): readonly MathExpression[] => {
  const { ownMetric, stage, containers, catalog, admission, mailRequests } = props;
  const tables = [catalog, admission, mailRequests].filter((table) => table !== undefined);
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
  const items: Readonly<Record<string, readonly Item[]>> = {
    Lambda: props.functions.flatMap((handler) => [
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
    ...(containers && costsOfContainers(containers)),
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
    SQS: props.queues.flatMap((queue) =>
      each('sqsRequests', [
        queue.metricNumberOfMessagesSent(sum),
        queue.metricNumberOfMessagesReceived(sum),
        queue.metricNumberOfMessagesDeleted(sum),
        queue.metricNumberOfEmptyReceives(sum),
      ]),
    ),
    SNS: each('snsEvents', [props.imageEvents.metricNumberOfMessagesPublished(sum)]),
    ...(mailRequests && { SES: each('sesMails', [ownMetric('MailsSent', sum)]) }),
    Logs: each('logBytes', props.logGroups.map(bytesInto)),
  };
  return Object.entries(items).map(([service, list]) => costOf(service, list, period));
};

const costsOfContainers = ({ ingest, resize, loadBalancer }: Containers) => ({
  // Tasks are counted once a minute. All at the price on demand: that of Spot varies, well below it.
  Fargate: [ingest, resize].map((service) => ({
    metric: service.metricTasks('RunningTaskCount', sum),
    usd: usdOf(fargate(1, service)),
    per: 60,
  })),
  // A load of images is charged by its bytes.
  'Load balancer': each('loadBalancerBytes', [loadBalancer.balancer.metrics.processedBytes(sum)]),
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
