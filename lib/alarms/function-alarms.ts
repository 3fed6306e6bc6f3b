import { Duration } from 'aws-cdk-lib';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { AlarmRow } from '../constructs/alarms.ts';
import type { OwnMetric } from '../own-metrics.ts';
import type { Settings } from '../settings.ts';

export interface FunctionAlarmsProps {
  readonly ownMetric: OwnMetric;
  readonly ingest: IFunction;
  readonly resize: IFunction;
  readonly reconciler: IFunction;
  readonly usualImagesPerHour: Settings['alerts']['usualImagesPerHour'];
}

const period = Duration.minutes(5);

/** What is to be noticed of code that runs as Lambda functions. */
export const functionAlarms = (props: FunctionAlarmsProps): readonly AlarmRow[] => [
  {
    name: 'ingest-errors',
    metric: props.ingest.metricErrors({ period }),
    limit: { atLeast: 3 },
    description:
      'The ingest function died or ran out of time at least three times within five minutes, and callers got no proper answer. See in its log how it ended.',
  },
  {
    name: 'ingest-throttles',
    metric: props.ingest.metricThrottles({ period }),
    limit: { atLeast: 5 },
    periods: { over: 2, of: 2 },
    description:
      'For ten minutes Lambda has refused to run ingest as often as it was called, and callers got 503. See whether the setting ingestMaxConcurrency or the quota of the account holds it back.',
  },
  {
    name: 'resize-errors',
    metric: new MathExpression({
      // A message that failed is no error to Lambda: the function answers which ones are to come again.
      expression: 'FILL(died, 0) + FILL(retried, 0)',
      usingMetrics: {
        died: props.resize.metricErrors(),
        retried: props.ownMetric('Retries'),
      },
      label: 'Failed tries to resize an image',
      period,
    }),
    limit: { atLeast: 5 },
    description:
      'At least five tries to resize an image failed within five minutes, for no fault of the images. They are tried again, five times in all, so nothing is lost yet. See in the log of resize what fails.',
  },
  {
    name: 'resize-throttles',
    metric: props.resize.metricThrottles({ period }),
    limit: { atLeast: 5 },
    periods: { over: 2, of: 2 },
    description:
      'For ten minutes Lambda has refused to run resize as often as the queue wants it, and images wait. Other functions use up the quota of the account: see which.',
  },
  {
    name: 'runaway-invocations',
    metric: props.resize.metricInvocations({ period: Duration.hours(1) }),
    limit: { above: 5 * props.usualImagesPerHour },
    description: `The resize function ran more than five times as often within an hour as there usually are images (${props.usualImagesPerHour}). See whether somebody uploads that many, or messages go round and round, which costs money.`,
  },
  {
    name: 'reconciler-errors',
    metric: props.reconciler.metricErrors({ period }),
    limit: { atLeast: 1 },
    periods: { over: 2, of: 3 },
    description:
      'The reconciler failed in two of its last three runs: images whose event was lost stay as they are. See in its log why.',
  },
];
