import {
  DeleteAlarmsCommand,
  GetMetricDataCommand,
  type MetricAlarm,
  type MetricDataQuery,
  type MetricDataResult,
  PutMetricAlarmCommand,
  paginateDescribeAlarms,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  ListSubscriptionsByTopicCommand,
  SubscribeCommand,
  type Subscription,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import type { Check, Context } from '../check.ts';
import { counted, failed, held, judge, NotAsExpected, skipped } from '../outcome.ts';
import { waitFor } from '../wait.ts';

/** DescribeAlarms takes at most this many names. */
const namesPerRequest = 100;

const alarmsOf = async ({ stack, aws }: Context): Promise<readonly MetricAlarm[]> => {
  const names = stack.of('AWS::CloudWatch::Alarm').map(({ physicalId }) => physicalId);
  const alarms: MetricAlarm[] = [];
  for (let first = 0; first < names.length; first += namesPerRequest) {
    const AlarmNames = names.slice(first, first + namesPerRequest);
    for await (const page of paginateDescribeAlarms({ client: aws.cloudWatch }, { AlarmNames })) {
      alarms.push(...(page.MetricAlarms ?? []));
    }
  }
  const missing = names.filter((name) => alarms.every(({ AlarmName }) => AlarmName !== name));
  if (missing.length > 0) throw new NotAsExpected(`Alarms are missing: ${missing.join(', ')}.`);
  return alarms;
};

/** What an alarm watches: each of its metrics and expressions. */
export const queriesOf = (alarm: MetricAlarm): readonly MetricDataQuery[] => {
  const { Metrics = [], MetricName, Namespace, Dimensions, Period, Statistic, ExtendedStatistic } = alarm;
  if (Metrics.length > 0) return Metrics.map((query) => ({ ...query, ReturnData: true }));
  const Metric = { MetricName, Namespace, Dimensions };
  return [{ Id: 'metric', MetricStat: { Metric, Period, Stat: Statistic ?? ExtendedStatistic } }];
};

/**
 * What is wrong with the answer to an alarm's queries. An expression over metrics that have points must have
 * points itself: otherwise the alarm never goes off. A metric without points is one of something that has not
 * happened yet.
 */
export const faultOf = (
  alarmName: string,
  queries: readonly MetricDataQuery[],
  results: readonly MetricDataResult[],
): string | undefined => {
  const pointsOf = (Id: string | undefined) => results.find((each) => each.Id === Id)?.Values?.length ?? 0;
  const wrong = results.find(
    ({ StatusCode }) => StatusCode === 'InternalError' || StatusCode === 'Forbidden',
  );
  if (wrong !== undefined) return `CloudWatch cannot answer ${alarmName}: ${wrong.StatusCode}.`;
  const inputs = queries.filter(({ MetricStat }) => MetricStat);
  const silent = queries.find(({ Id, Expression }) => Expression && pointsOf(Id) === 0);
  return silent !== undefined && inputs.some(({ Id }) => pointsOf(Id) > 0)
    ? `${alarmName} watches an expression without points although its metrics have some: it cannot go off.`
    : undefined;
};

const queryWindowMilliseconds = 3 * 3_600_000;

/** A queue that is subscribed to the alerts until the run ends. @returns the messages that have arrived */
const listenToAlerts = async (context: Context): Promise<() => Promise<readonly string[]>> => {
  const { stack, aws, runId, undoLater } = context;
  const { AlertsTopicArn: TopicArn } = stack.outputs;
  const QueueName = `verify-${runId}`;
  undoLater(`the queue ${QueueName}`, async () => {
    const { QueueUrl } = await aws.sqs.send(new GetQueueUrlCommand({ QueueName }));
    await aws.sqs.send(new DeleteQueueCommand({ QueueUrl }));
  });
  const { QueueUrl } = await aws.sqs.send(
    new CreateQueueCommand({ QueueName, Attributes: { MessageRetentionPeriod: '3600' } }),
  );
  const { Attributes } = await aws.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const Endpoint = Attributes?.['QueueArn'] ?? '';
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: Endpoint,
        Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
      },
    ],
  });
  await aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  const { SubscriptionArn } = await aws.sns.send(
    new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, ReturnSubscriptionArn: true }),
  );
  undoLater('the subscription of that queue', async () => {
    await aws.sns.send(new UnsubscribeCommand({ SubscriptionArn }));
  });
  const bodies: string[] = [];
  return async () => {
    const { Messages = [] } = await aws.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
    );
    bodies.push(...Messages.map(({ Body = '' }) => Body));
    return bodies;
  };
};

const subscriptionsOf = async ({ stack, aws }: Context): Promise<readonly Subscription[]> => {
  const { AlertsTopicArn: TopicArn } = stack.outputs;
  const subscriptions: Subscription[] = [];
  let NextToken: string | undefined;
  do {
    const page = await aws.sns.send(
      new ListSubscriptionsByTopicCommand({ TopicArn, ...(NextToken && { NextToken }) }),
    );
    subscriptions.push(...(page.Subscriptions ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== '');
  return subscriptions;
};

/** Whether an operator hears of what goes wrong. */
export const alarmChecks: readonly Check[] = [
  {
    name: 'alarm-actions',
    group: 'alarms',
    quick: true,
    description: 'Each alarm is there and alerts when it goes off and when it is over.',
    async run(context) {
      const { AlertsTopicArn } = context.stack.outputs;
      const alarms = await alarmsOf(context);
      const faults = alarms.flatMap(({ AlarmName, ActionsEnabled, AlarmActions, OKActions }) => {
        if (!ActionsEnabled) return [`The actions of ${AlarmName} are disabled.`];
        return [AlarmActions, OKActions].every((actions) => actions?.includes(AlertsTopicArn))
          ? []
          : [`${AlarmName} does not alert ${AlertsTopicArn}.`];
      });
      return judge(faults, `${counted(alarms.length, 'alarm')}.`);
    },
  },
  {
    name: 'alert-subscriptions',
    group: 'alarms',
    quick: true,
    description: 'Each address in `alerts.emails` has confirmed its subscription.',
    async run(context) {
      const { stack } = context;
      const expected = stack
        .of('AWS::SNS::Subscription')
        .flatMap(({ properties: { Protocol, Endpoint } }) =>
          Protocol === 'email' && typeof Endpoint === 'string' ? [Endpoint] : [],
        );
      const found = await subscriptionsOf(context);
      const isConfirmed = ({ SubscriptionArn = '' }: Subscription): boolean =>
        SubscriptionArn.startsWith('arn:');
      const faults = expected.flatMap((address) => {
        const subscription = found.find(({ Endpoint }) => Endpoint === address);
        if (subscription === undefined) return [`${address} is not subscribed to alerts any more.`];
        return isConfirmed(subscription) ? [] : [`${address} has not confirmed the mail from AWS.`];
      });
      if (expected.length === 0 && !found.some(isConfirmed)) {
        return skipped('No one receives alarms: the setting alerts.emails is empty.');
      }
      return judge(faults, `Confirmed: ${counted(found.filter(isConfirmed).length, 'subscription')}.`);
    },
  },
  {
    name: 'alarm-drill',
    group: 'alarms',
    quick: false,
    description:
      'A drill reaches a temporary queue at the topic of alerts. Subscribers of the topic get it too.',
    async run(context) {
      const { stack, aws, runId, undoLater, signal } = context;
      const AlarmName = `${stack.name}-verify-${runId}`;
      const heard = await listenToAlerts(context);
      undoLater(`the alarm ${AlarmName}`, async () => {
        await aws.cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: [AlarmName] }));
      });
      await aws.cloudWatch.send(
        new PutMetricAlarmCommand({
          AlarmName,
          AlarmDescription: 'A drill of npm run verify: nothing is wrong.',
          AlarmActions: [stack.outputs.AlertsTopicArn],
          Namespace: 'ThumbnailGeneratorVerify',
          MetricName: runId,
          Statistic: 'Sum',
          Period: 300,
          EvaluationPeriods: 1,
          Threshold: 1,
          ComparisonOperator: 'GreaterThanThreshold',
        }),
      );
      await aws.cloudWatch.send(
        new SetAlarmStateCommand({
          AlarmName,
          StateValue: 'ALARM',
          StateReason: 'A drill of npm run verify: nothing is wrong.',
        }),
      );
      const started = Date.now();
      const bodies = await waitFor(heard, (all) => all.some((body) => body.includes(AlarmName)), {
        timeoutSeconds: 30,
        signal,
      });
      return bodies.some((body) => body.includes(AlarmName))
        ? held(`The drill arrived after ${((Date.now() - started) / 1000).toFixed(1)} s.`)
        : failed('The drill did not arrive within 30 s: alarms may not publish to the topic of alerts.');
    },
  },
  {
    name: 'alarm-queries',
    group: 'alarms',
    quick: true,
    description:
      'CloudWatch answers what each alarm asks, and an expression over metrics with points has points.',
    async run(context) {
      const alarms = await alarmsOf(context);
      const faults: string[] = [];
      let withPoints = 0;
      for (const alarm of alarms) {
        const queries = queriesOf(alarm);
        const { MetricDataResults = [] } = await context.aws.cloudWatch.send(
          new GetMetricDataCommand({
            MetricDataQueries: [...queries],
            StartTime: new Date(Date.now() - queryWindowMilliseconds),
            EndTime: new Date(),
          }),
        );
        const fault = faultOf(alarm.AlarmName ?? '', queries, MetricDataResults);
        if (fault !== undefined) faults.push(fault);
        if (MetricDataResults.some(({ Values = [] }) => Values.length > 0)) withPoints += 1;
      }
      return judge(
        faults,
        `${counted(alarms.length, 'alarm')}, ${withPoints} with points in the last three hours.`,
      );
    },
  },
];
