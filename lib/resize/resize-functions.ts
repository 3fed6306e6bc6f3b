import { Duration } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Lane } from '../../lambdas/resize/lanes.ts';
import type { AlarmRow } from '../constructs/alarms.ts';
import type { Monitored } from '../constructs/monitored.ts';
import type { Compute } from './compute.ts';
import type { Resize } from './resize.ts';
import { ResizeFunction } from './resize-function.ts';

export interface ResizeFunctionsProps {
  readonly serviceName: string;
  readonly resize: Resize;
  /** Functions of each lane that run at the same time. */
  readonly maxConcurrency: Readonly<Record<Lane, number>>;
  readonly logRetention: RetentionDays;
  readonly usualImagesPerHour: number;
}

const period = Duration.minutes(5);

/** Resizes with functions of Lambda: one for each lane. */
export class ResizeFunctions extends Construct implements Compute {
  /** Functions leave no message waiting; a few may be on their way. */
  readonly steadyBacklog = 10;
  readonly monitored: Monitored;

  constructor(scope: Construct, id: string, props: ResizeFunctionsProps) {
    super(scope, id);
    const functionOf = (functionId: string, lane: Lane) =>
      new ResizeFunction(this, functionId, {
        lane,
        resize: props.resize,
        maxConcurrency: props.maxConcurrency[lane],
        logRetention: props.logRetention,
      });
    const resize = functionOf('Function', 'fast');
    const slowResize = functionOf('SlowFunction', 'slow');
    this.monitored = {
      functions: { resize, 'slow resize': slowResize },
      alarms: alarms(props, resize, slowResize),
      lines: { durations: [resize.metricDuration({ period, statistic: 'p95', label: 'resize' })] },
    };
  }
}

const alarms = (
  { usualImagesPerHour }: ResizeFunctionsProps,
  resize: ResizeFunction,
  slowResize: ResizeFunction,
): readonly AlarmRow[] => [
  ...[
    { name: 'resize-crashes', crashing: resize },
    { name: 'slow-resize-crashes', crashing: slowResize },
  ].map(({ name, crashing }) => ({
    name,
    // Failed messages are no errors to Lambda: the function returns which ones to deliver again.
    metric: crashing.metricErrors({ period }),
    limit: { atLeast: 3 },
    description:
      'The resize function crashed or timed out at least three times within five minutes. Each message is delivered five times, so nothing is lost yet. Look in the log of resize for the cause.',
  })),
  ...[
    { name: 'resize-throttles', throttled: resize },
    { name: 'slow-resize-throttles', throttled: slowResize },
  ].map(({ name, throttled }) => ({
    name,
    metric: throttled.metricThrottles({ period }),
    limit: { atLeast: 5 },
    periods: { over: 2, of: 2 },
    description:
      "For ten minutes Lambda has throttled the resize function, and images wait. Other functions use up the account's concurrency quota: find out which.",
  })),
  {
    name: 'runaway-invocations',
    metric: resize.metricInvocations({ period: Duration.hours(1) }),
    limit: { above: 5 * usualImagesPerHour },
    description: `The resize function ran more than five times as often within an hour as there usually are images (${usualImagesPerHour}). Check whether that many were uploaded; if not, messages circulate, which costs money.`,
  },
];
