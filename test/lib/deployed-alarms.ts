import type { Template } from 'aws-cdk-lib/assertions';
import { resourcesOf } from './stacks.ts';

interface MetricStat {
  readonly Metric: {
    readonly Namespace: string;
    readonly MetricName: string;
    readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
  };
  readonly Period: number;
  readonly Stat: string;
}

/** Part of an alarm with an expression: a metric, or the expression itself. */
interface MetricDataQuery {
  readonly Id: string;
  readonly Expression?: string;
  readonly MetricStat?: MetricStat;
}

/** An alarm of a template. The expression of one that watches a single metric is that metric. */
export interface DeployedAlarm {
  /** Without that of the service. */
  readonly name: string;
  readonly description: string;
  readonly expression: string;
  /** By their ids in the expression. */
  readonly metrics: Readonly<Record<string, MetricStat>>;
  readonly periodSeconds: number;
  readonly sign: string;
  readonly threshold: number;
  readonly over: number;
  readonly of: number;
  readonly missing: string;
  readonly actions: { readonly alarm: unknown; readonly ok: unknown };
}

const signs: Readonly<Record<string, string>> = {
  GreaterThanThreshold: '>',
  GreaterThanOrEqualToThreshold: '>=',
};

export const alarmsOf = (template: Template): readonly DeployedAlarm[] =>
  resourcesOf(template, 'AWS::CloudWatch::Alarm').map((alarm) => {
    const { Namespace, MetricName, Dimensions = [], Period, Statistic } = alarm;
    const only = { Metric: { Namespace, MetricName, Dimensions }, Period, Stat: Statistic };
    const queries: readonly MetricDataQuery[] = alarm.Metrics ?? [{ Id: 'only', MetricStat: only }];
    const metrics = Object.fromEntries(
      queries.flatMap(({ Id, MetricStat }) => (MetricStat ? [[Id, MetricStat]] : [])),
    );
    const [periodSeconds = Number.NaN, ...others] = new Set(
      Object.values(metrics).map((each) => each.Period),
    );
    if (others.length > 0) throw new Error(`${alarm.AlarmName} looks at several periods`);
    return {
      name: alarm.AlarmName.replace(/^[A-Z][A-Za-z]+-/, ''),
      description: alarm.AlarmDescription,
      expression: queries.find(({ Expression }) => Expression)?.Expression ?? 'only',
      metrics,
      periodSeconds,
      sign: signs[alarm.ComparisonOperator] ?? alarm.ComparisonOperator,
      threshold: alarm.Threshold,
      over: alarm.DatapointsToAlarm,
      of: alarm.EvaluationPeriods,
      missing: alarm.TreatMissingData,
      actions: { alarm: alarm.AlarmActions, ok: alarm.OKActions },
    };
  });

/** The resource that a dimension refers to, without its hash; undefined for a plain name. */
const referredTo = (value: unknown): string | undefined =>
  /"([A-Za-z]+)[0-9A-F]{8}"/.exec(JSON.stringify(value))?.[1];

/** For example `Errors of IngestFunction`, or only the name for metrics that the code records. */
const metricNameOf = ({ Metric }: MetricStat): string =>
  [Metric.MetricName, ...Metric.Dimensions.flatMap(({ Value }) => referredTo(Value) ?? [])].join(' of ');

/** For example `Errors of IngestFunction (Sum) >= 3, 1 of 1 x 300 s`. */
export const summaryOf = ({ metrics, sign, threshold, over, of, periodSeconds }: DeployedAlarm): string => {
  const names = Object.values(metrics).map((metric) => `${metricNameOf(metric)} (${metric.Stat})`);
  return `${names.join(', ')} ${sign} ${threshold}, ${over} of ${of} x ${periodSeconds} s`;
};

/** Sums or values by metric. Other metrics have no data. */
export type Facts = Readonly<Record<string, number | undefined>>;

/**
 * CloudWatch's functions, for one period (CloudWatch User Guide, "Using math expressions with CloudWatch
 * metrics"). The dashboard may use `FILL`, alarms may not.
 */
const metricMath = {
  FILL: (value: number | undefined, filler: number) => value ?? filler,
  IF: (condition: boolean, then: number, otherwise: number) => (condition ? then : otherwise),
};

export const evaluate = (expression: string, values: Facts): number => {
  const scope = { ...metricMath, ...values };
  return Number(new Function(...Object.keys(scope), `return ${expression}`)(...Object.values(scope)));
};

/** With the zeros that resize records for each image that it settles. */
const recorded = (facts: Facts): Facts => {
  const { Ready = 0, Failed = 0 } = facts;
  const settled = Ready + Failed;
  if (settled === 0) return facts;
  return { Uploads: 0, ...facts, 'SampleCount of Failed': settled, 'Average of Failed': Failed / settled };
};

/** Statistics that do not grow with the length of a period. */
const isLevel = (statistic: string): boolean => /^(?:p\d|Average|Minimum|Maximum)/.test(statistic);

/**
 * Whether an alarm goes off when these facts are spread evenly over so many seconds, and repeat for as long
 * as the alarm looks back.
 */
export const goesOff = (alarm: DeployedAlarm, facts: Facts, withinSeconds: number): boolean => {
  const share = Math.min(1, alarm.periodSeconds / withinSeconds);
  const all = recorded(facts);
  const measured = (metric: MetricStat): number | undefined => {
    const name = metricNameOf(metric);
    const ofStatistic = all[`${metric.Stat} of ${name}`];
    const fact = ofStatistic ?? (metric.Stat.startsWith('p') ? undefined : all[name]);
    return fact === undefined || isLevel(metric.Stat) ? fact : fact * share;
  };
  const values = Object.entries(alarm.metrics).map(([id, metric]) => [id, measured(metric)] as const);
  // What CloudWatch makes of an expression with a metric that has no data is not documented.
  if (values.some(([, value]) => value === undefined)) return alarm.missing === 'breaching';
  const value = evaluate(alarm.expression, Object.fromEntries(values));
  return alarm.sign === '>' ? value > alarm.threshold : value >= alarm.threshold;
};
