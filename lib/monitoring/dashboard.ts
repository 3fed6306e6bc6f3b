import { Duration, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IAlarm,
  type IMetric,
  type IWidget,
  LogQueryWidget,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { logGroupsOf, type Monitored, type Section, type SharedGraph } from '../constructs/monitored.ts';

export interface DashboardProps {
  /** The dashboard's name begins with it. */
  readonly serviceName: string;
  readonly alarms: readonly IAlarm[];
  readonly capabilities: readonly Monitored[];
  readonly usualImagesPerHour: number;
  /** The cost of each service of AWS in a period of this length. */
  readonly costs: (period: Duration) => readonly IMetric[];
}

const columns = 24;
const period = Duration.minutes(5);
const hour = Duration.hours(1);

/** The state of the service on one page, from the most to the least urgent question. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const widgetsOf = (section: Section) =>
      props.capabilities.flatMap(({ widgets }) => widgets?.[section] ?? []);
    new CloudWatchDashboard(this, 'Dashboard', {
      // Dashboards belong to an account, not to a region (aws-solutions/qnabot-on-aws#81).
      dashboardName: `${props.serviceName}-${Stack.of(this).region}`,
      defaultInterval: Duration.hours(12),
      // CloudWatch wraps a list of widgets into rows.
      widgets: [
        [heading('Is it healthy?')],
        [alarmStatus(props), ...widgetsOf('health'), ...queueGraphs(props)],
        [heading('How fast is it?')],
        [...widgetsOf('speed'), durations(props)],
        [heading('How much is there to do?')],
        [imagesPerHour(props), ...widgetsOf('load')],
        [heading('What fails?')],
        [functionFailures(props), ...widgetsOf('failures'), latestErrors(props)],
        [heading('What does it cost?', costNote)],
        costs(props),
      ],
    });
  }
}

const costNote =
  'List prices of us-east-2 on demand, without free tiers. Not included: storage, downloads, traces, alarms and metrics, and what a network and a load balancer cost by the hour (see docs/cost.md).';

const heading = (question: string, note = ''): IWidget =>
  new TextWidget({ markdown: `## ${question}\n${note}`, width: columns, height: note ? 2 : 1 });

const linesOf = (graph: SharedGraph, { capabilities }: DashboardProps): IMetric[] =>
  capabilities.flatMap(({ lines }) => lines?.[graph] ?? []);

const alarmStatus = ({ alarms }: DashboardProps): IWidget =>
  new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: columns, height: 6 });

const queueGraphs = ({ capabilities }: DashboardProps): IWidget[] => {
  const queues = capabilities.flatMap(({ queues = {} }) => Object.entries(queues));
  return [
    new GraphWidget({
      title: 'Messages in dead-letter queues',
      width: 8,
      left: queues.map(([label, { deadLetterQueue }]) =>
        deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period, label }),
      ),
    }),
    new GraphWidget({
      title: 'Age of the oldest message, s',
      width: 8,
      left: queues.map(([label, { queue }]) => queue.metricApproximateAgeOfOldestMessage({ period, label })),
    }),
  ];
};

const durations = (props: DashboardProps): IWidget =>
  new GraphWidget({
    title: 'Duration of functions and responses, p95, ms',
    width: 12,
    left: linesOf('durations', props),
  });

const imagesPerHour = (props: DashboardProps): IWidget =>
  new GraphWidget({
    title: 'Images per hour',
    width: 8,
    left: linesOf('imagesPerHour', props),
    leftAnnotations: [{ value: props.usualImagesPerHour, label: 'usual' }],
  });

const functionFailures = ({ capabilities }: DashboardProps): IWidget => {
  const functions = capabilities.flatMap(({ functions = {} }) => Object.entries(functions));
  return new GraphWidget({
    title: 'Lambda errors and throttles',
    width: 8,
    left: [
      ...functions.map(([name, each]) => each.metricErrors({ period, label: `${name} errors` })),
      ...functions.map(([name, each]) => each.metricThrottles({ period, label: `${name} throttles` })),
    ],
  });
};

const latestErrors = ({ capabilities }: DashboardProps): IWidget =>
  new LogQueryWidget({
    title: 'Latest errors',
    width: 12,
    height: 8,
    logGroupNames: logGroupsOf(capabilities).map(({ logGroupName }) => logGroupName),
    queryLines: [
      'fields @timestamp, service, message, error.name, error.message',
      'filter level = "ERROR"',
      'sort @timestamp desc',
      'limit 20',
    ],
  });

const costs = (props: DashboardProps): IWidget[] => [
  new SingleValueWidget({
    title: 'US dollars in the time shown',
    width: 12,
    height: 6,
    metrics: [...props.costs(hour)],
    setPeriodToTimeRange: true,
  }),
  new GraphWidget({
    title: 'US dollars per hour',
    width: 12,
    stacked: true,
    left: [...props.costs(hour)],
  }),
];
