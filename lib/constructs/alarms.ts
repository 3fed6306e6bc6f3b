import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

/**
 * One alarm, as a row of a table. If its metric is an expression, all metrics in it must have data whenever
 * it should go off: what CloudWatch makes of one without any, even with `FILL`, is not documented (CloudWatch
 * User Guide, "Using math expressions with CloudWatch metrics").
 */
export interface AlarmRow {
  /** In kebab case: the end of the alarm's name, and its heading in the runbook. */
  readonly name: string;
  /** With the period that each evaluation covers. */
  readonly metric: IMetric;
  readonly limit: { readonly above: number } | { readonly atLeast: number };
  /** How many of the latest periods must exceed the limit. @default - the latest one */
  readonly periods?: { readonly over: number; readonly of: number };
  /** Whether a period without data is in order. @default true */
  readonly mayHaveNoData?: boolean;
  /** Two or three sentences: what it means, and what to do first. */
  readonly description: string;
}

export interface AlarmsProps {
  /** The beginning of each alarm's name. */
  readonly serviceName: string;
  readonly rows: readonly AlarmRow[];
  /** Receives a message when an alarm goes off, and when it is over. */
  readonly alerts: ITopic;
  /** The file with a section for each alarm. @default docs/runbook.md */
  readonly runbook?: string;
}

/** Makes CloudWatch alarms of rows. */
export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { serviceName, rows, alerts, runbook = 'docs/runbook.md' } = props;
    const action = new SnsAction(alerts);
    this.alarms = rows.map((row) => {
      const { name, metric, limit, periods = { over: 1, of: 1 }, mayHaveNoData = true, description } = row;
      const [threshold, comparisonOperator] =
        'above' in limit
          ? [limit.above, ComparisonOperator.GREATER_THAN_THRESHOLD]
          : [limit.atLeast, ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD];
      const alarm = new Alarm(this, name, {
        alarmName: `${serviceName}-${name}`,
        alarmDescription: `${description} See ${runbook}#${name}`,
        metric,
        threshold,
        comparisonOperator,
        evaluationPeriods: periods.of,
        datapointsToAlarm: periods.over,
        // Most metrics have data only while something happens.
        treatMissingData: mayHaveNoData ? TreatMissingData.NOT_BREACHING : TreatMissingData.BREACHING,
      });
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
  }
}
