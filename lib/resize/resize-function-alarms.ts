import { Duration } from 'aws-cdk-lib';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { AlarmRow } from '../monitoring/alarms.ts';
import type { OwnMetric } from '../monitoring/own-metrics.ts';
import type { Settings } from '../settings.ts';

export interface ResizeFunctionAlarmsProps {
  readonly ownMetric: OwnMetric;
  readonly resize: IFunction;
  readonly slowResize: IFunction;
  readonly usualImagesPerHour: Settings['alerts']['usualImagesPerHour'];
}

const period = Duration.minutes(5);

/** What is to be noticed while a function resizes. */
export const resizeFunctionAlarms = (props: ResizeFunctionAlarmsProps): readonly AlarmRow[] => [
  {
    name: 'resize-errors',
    metric: new MathExpression({
      // A message that failed is no error to Lambda: the function answers which ones are to come again.
      expression: 'FILL(died, 0) + FILL(slowDied, 0) + FILL(retried, 0)',
      usingMetrics: {
        died: props.resize.metricErrors(),
        slowDied: props.slowResize.metricErrors(),
        retried: props.ownMetric('Retries'),
      },
      label: 'Failed tries to resize an image',
      period,
    }),
    limit: { atLeast: 5 },
    description:
      'At least five tries to resize an image failed within five minutes, for no fault of the images. They are tried again, five times in all, so nothing is lost yet. See in the log of resize what fails.',
  },
  ...[
    { name: 'resize-throttles', resize: props.resize },
    { name: 'slow-resize-throttles', resize: props.slowResize },
  ].map(({ name, resize }) => ({
    name,
    metric: resize.metricThrottles({ period }),
    limit: { atLeast: 5 },
    periods: { over: 2, of: 2 },
    description:
      'For ten minutes Lambda has refused to run resize as often as its queue wants it, and images wait. Other functions use up the quota of the account: see which.',
  })),
  {
    name: 'runaway-invocations',
    metric: props.resize.metricInvocations({ period: Duration.hours(1) }),
    limit: { above: 5 * props.usualImagesPerHour },
    description: `The resize function ran more than five times as often within an hour as there usually are images (${props.usualImagesPerHour}). See whether somebody uploads that many, or messages go round and round, which costs money.`,
  },
];
