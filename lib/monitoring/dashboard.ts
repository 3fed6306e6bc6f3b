import { Duration, Stack } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IAlarm,
  type IWidget,
  LogQueryWidget,
  MathExpression,
  type Metric,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { metricsNamespace } from '../../lambdas/runtime/metrics.ts';
import type { ServiceFunction } from '../constructs/service-function.ts';
import type { WorkQueue } from '../constructs/work-queue.ts';
import { answerMilliseconds, containerAmounts, containerHealth } from '../containers/container-widgets.ts';
import type { Containers } from '../containers/containers.ts';
import type { Settings } from '../settings.ts';
import type { OwnMetric } from './own-metrics.ts';

export interface DashboardProps {
  readonly alarms: readonly IAlarm[];
  readonly ownMetric: OwnMetric;
  readonly stage: HttpStage;
  /** By what they are called on the dashboard; so are the functions. */
  readonly queues: Readonly<Record<string, Pick<WorkQueue, 'queue' | 'deadLetterQueue'>>>;
  readonly functions: Readonly<Record<'ingest', ServiceFunction>> & Readonly<Record<string, ServiceFunction>>;
  /** @default - nothing runs in containers */
  readonly containers?: Containers;
  readonly logs: Readonly<Record<'resize', ILogGroup>> & Readonly<Record<string, ILogGroup>>;
  readonly goals: Settings['alerts'];
  /** What each service costs in a period of this length. */
  readonly costs: (period: Duration) => readonly MathExpression[];
}

const columns = 24;
const period = Duration.minutes(5);
const hour = Duration.hours(1);

/** One page that tells how the service is, from the most to the least urgent question. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { containers } = props;
    new CloudWatchDashboard(this, 'Dashboard', {
      dashboardName: Stack.of(this).stackName,
      defaultInterval: Duration.hours(12),
      widgets: [
        [heading('Is it healthy?')],
        ...health(props),
        ...(containers ? [containerHealth(containers, period)] : []),
        [heading('How fast is it?')],
        speed(props),
        [heading('How much is there to do?')],
        amounts(props),
        ...(containers ? [containerAmounts(containers, period)] : []),
        [heading('What fails?')],
        ...failures(props, Stack.of(this).stackName),
        [heading('What does it cost?', costNote(containers))],
        cost(props),
      ],
    });
  }
}

const costNote = (containers: Containers | undefined): string => {
  const leftOut = [
    ...(containers ? ['what the network and the load balancer cost while they stand'] : []),
    'what is stored, what is downloaded, traces, alarms and metrics (see docs/cost.md)',
  ];
  const prices = `list prices of us-east-2${containers ? ', those of Fargate on demand' : ''}, without free tiers`;
  return `From ${prices}. Not in it: ${leftOut.join(', ')}.`;
};

const heading = (question: string, note = ''): IWidget =>
  new TextWidget({ markdown: `## ${question}\n${note}`, width: columns, height: note ? 2 : 1 });

const health = ({ alarms, stage, queues }: DashboardProps): IWidget[][] => [
  [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: columns, height: 6 })],
  [
    new GraphWidget({
      title: 'Answers of the API that are errors of ours',
      width: 8,
      left: [stage.metricServerError({ period, statistic: 'Sum', label: '5xx' })],
    }),
    new GraphWidget({
      title: 'Messages set aside',
      width: 8,
      left: named(queues, ({ deadLetterQueue }, label) =>
        deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period, label }),
      ),
    }),
    new GraphWidget({
      title: 'Age of the oldest message, s',
      width: 8,
      left: named(queues, ({ queue }, label) => queue.metricApproximateAgeOfOldestMessage({ period, label })),
    }),
  ],
];

const speed = ({ ownMetric, functions, containers, stage, goals }: DashboardProps): IWidget[] => [
  new GraphWidget({
    title: 'From upload to ready, ms',
    width: 12,
    left: ['p50', 'p95', 'p99'].map((statistic) =>
      ownMetric('UploadToReadyMilliseconds', { period, statistic, label: statistic }),
    ),
    leftAnnotations: [{ value: goals.uploadToReadyGoalSeconds * 1000, label: 'goal for p95' }],
  }),
  new GraphWidget({
    title: 'How long functions and answers take, p95, ms',
    width: 12,
    left: [
      functions.ingest.metricDuration({ period, statistic: 'p95', label: 'ingest' }),
      ...(functions['resize']
        ? [functions['resize'].metricDuration({ period, statistic: 'p95', label: 'resize' })]
        : []),
      stage.metricLatency({ period, statistic: 'p95', label: 'answer of the API' }),
      ...(containers ? [answerMilliseconds(containers, period)] : []),
    ],
  }),
];

const amounts = ({ ownMetric, stage, functions, goals }: DashboardProps): IWidget[] => [
  new GraphWidget({
    title: 'Images an hour',
    width: 8,
    left: [
      ownMetric('Uploads', { period: hour, label: 'new' }),
      ownMetric('Duplicates', { period: hour, label: 'there already' }),
      ownMetric('Ready', { period: hour, label: 'ready' }),
      ownMetric('Failed', { period: hour, label: 'failed' }),
      ...('notify' in functions ? [ownMetric('MailsSent', { period: hour, label: 'mails' })] : []),
    ],
    leftAnnotations: [{ value: goals.usualImagesPerHour, label: 'usual' }],
  }),
  new GraphWidget({
    title: 'Bytes of new images an hour',
    width: 8,
    left: [ownMetric('UploadedBytes', { period: hour, label: 'bytes' })],
    right: [
      ownMetric('BudgetUsedPercent', { period: hour, statistic: 'Maximum', label: 'daily budget used, %' }),
    ],
  }),
  new GraphWidget({
    title: 'Requests, and those refused',
    width: 8,
    left: [
      stage.metricCount({ period, statistic: 'Sum', label: 'all' }),
      stage.metricClientError({ period, statistic: 'Sum', label: '4xx' }),
      ownMetric('BudgetRefusals', { period, label: 'over the daily budget' }),
    ],
  }),
];

const failures = ({ ownMetric, functions, logs }: DashboardProps, stackName: string): IWidget[][] => [
  [
    new GraphWidget({
      title: 'Failed images by code',
      width: 8,
      stacked: true,
      left: [
        new MathExpression({
          expression: `SEARCH('{${metricsNamespace},service,code} MetricName="Failed" service="${stackName}"', 'Sum', ${period.toSeconds()})`,
          label: `\${PROP('Dim.code')}`,
          period,
        }),
      ],
    }),
    new GraphWidget({
      title: 'Retries, slow images and unpublished events',
      width: 8,
      left: [
        ownMetric('Retries', { period, label: 'messages that come again' }),
        ownMetric('MovedToSlowLane', { period, label: 'images moved to the slow lane' }),
        ownMetric('EventsUnpublished', { period, label: 'events not published' }),
      ],
    }),
    new GraphWidget({
      title: 'Functions that died, or were not let run',
      width: 8,
      left: [
        ...named(functions, (each, name) => each.metricErrors({ period, label: `${name} died` })),
        ...named(functions, (each, name) => each.metricThrottles({ period, label: `${name} throttled` })),
      ],
    }),
  ],
  [
    new LogQueryWidget({
      title: 'The latest refused images',
      width: 12,
      height: 8,
      logGroupNames: [logs.resize.logGroupName],
      queryLines: [
        'fields @timestamp, imageId, code, detail',
        'filter message = "image refused"',
        'sort @timestamp desc',
        'limit 20',
      ],
    }),
    new LogQueryWidget({
      title: 'The latest errors',
      width: 12,
      height: 8,
      logGroupNames: Object.values(logs).map(({ logGroupName }) => logGroupName),
      queryLines: [
        'fields @timestamp, service, message, error.name, error.message',
        'filter level = "ERROR"',
        'sort @timestamp desc',
        'limit 20',
      ],
    }),
  ],
];

const cost = ({ costs }: DashboardProps): IWidget[] => [
  new SingleValueWidget({
    title: 'US dollars in the time shown',
    width: 12,
    height: 6,
    metrics: [...costs(hour)],
    setPeriodToTimeRange: true,
  }),
  new GraphWidget({
    title: 'US dollars an hour',
    width: 12,
    stacked: true,
    left: [...costs(hour)],
  }),
];

const named = <Item>(
  items: Readonly<Record<string, Item>>,
  metricOf: (item: Item, name: string) => Metric,
): Metric[] => Object.entries(items).map(([name, item]) => metricOf(item, name));
