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
import { times, type Usage, usdOf } from './prices.ts';
import { apiUnitBytes, fargate, lambda } from './usage.ts';

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

/** A metric, and what one of what it counts uses. */
interface Item {
  readonly metric: IMetric;
  readonly usage: Usage;
}

/** Prices are written for this many, because CloudWatch takes no exponents. */
const billion = 1_000_000_000;

const sum = { statistic: 'Sum' };

const each = (usage: Usage, ...metrics: readonly IMetric[]): readonly Item[] =>
  metrics.map((metric) => ({ metric, usage }));

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
      ...each({ lambdaCalls: 1 }, handler.metricInvocations(sum)),
      ...each(lambda(1 / 1000, handler.memoryMiB, 0), handler.metricDuration(sum)),
    ]),
    'API Gateway': [
      ...each({ apiRequests: 1 }, stage.metricCount(sum)),
      ...each({ apiRequests: 1 / apiUnitBytes }, stage.metricDataProcessed(sum)),
    ],
    ...(containers && costsOfContainers(containers)),
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
    SQS: props.queues.flatMap((queue) =>
      each(
        { sqsRequests: 1 },
        queue.metricNumberOfMessagesSent(sum),
        queue.metricNumberOfMessagesReceived(sum),
        queue.metricNumberOfMessagesDeleted(sum),
        queue.metricNumberOfEmptyReceives(sum),
      ),
    ),
    SNS: each({ snsEvents: 1 }, props.imageEvents.metricNumberOfMessagesPublished(sum)),
    ...(mailRequests && { SES: each({ sesMails: 1 }, ownMetric('MailsSent', sum)) }),
    Logs: each({ logBytes: 1 }, ...props.logGroups.map(bytesInto)),
  };
  return Object.entries(items).map(([service, list]) => costOf(service, list, period));
};

const costsOfContainers = ({ ingest, resize, loadBalancer }: Containers) => ({
  // Tasks are counted once a minute. All at the price on demand: that of Spot varies, well below it.
  Fargate: [ingest, resize].flatMap((service) =>
    each(fargate(1 / 60, service), service.metricTasks('RunningTaskCount', sum)),
  ),
  // A load of images is charged by its bytes.
  'Load balancer': each({ loadBalancerBytes: 1 }, loadBalancer.balancer.metrics.processedBytes(sum)),
});

const costOf = (service: string, items: readonly Item[], period: Duration): MathExpression => {
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
