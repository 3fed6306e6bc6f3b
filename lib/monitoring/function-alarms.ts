import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { AlarmRow } from './alarms.ts';

export interface FunctionAlarmsProps {
  readonly ingest: IFunction;
  readonly reconciler: IFunction;
}

const period = Duration.minutes(5);

/** What is to be noticed of the functions that there always are. */
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
    name: 'reconciler-errors',
    metric: props.reconciler.metricErrors({ period }),
    limit: { atLeast: 1 },
    periods: { over: 2, of: 3 },
    description:
      'The reconciler failed in two of its last three runs: images whose event was lost stay as they are. See in its log why.',
  },
];
