import { measurePairs, type Pair, ratiosOf, type Summary, summaryOf } from './statistics.ts';
import type { Workbench } from './workbench.ts';

/** What a ratio is to be. */
export interface Goal {
  readonly be: 'at most' | 'at least';
  readonly ratio: number;
}

export type Unit = 'ms' | 'ms of CPU' | 'MiB' | 'bytes' | 'images/s';

/** What was measured: ours, theirs, and the ratio of both, pair by pair. */
export interface Measured {
  readonly unit: Unit;
  readonly ours: Summary;
  readonly theirs: Summary;
  readonly ratio: Summary;
  /** How many pairs, in turns. */
  readonly pairs: number;
  /** What else was seen on the way, in words. @default - nothing */
  readonly seen?: string;
}

/** Why a row cannot be measured here. */
export interface Impossible {
  readonly impossible: string;
}

export interface Row {
  /** What `--only` calls it. */
  readonly key: string;
  readonly what: string;
  readonly against: string;
  /** @default - the figure is only told */
  readonly goal?: Goal;
  measure(workbench: Workbench): Promise<Measured | Impossible>;
}

export const measuredOf = (unit: Unit, pairs: readonly Pair[], seen?: string): Measured => ({
  unit,
  ours: summaryOf(pairs.map(({ ours }) => ours)),
  theirs: summaryOf(pairs.map(({ theirs }) => theirs)),
  ratio: summaryOf(ratiosOf(pairs)),
  pairs: pairs.length,
  ...(seen === undefined ? {} : { seen }),
});

/** Measures so many pairs, and says how far it is. */
export const pairsOf = <Sample>(
  workbench: Workbench,
  { full, warmUp }: { readonly full: number; readonly warmUp: number },
  ours: () => Promise<Sample>,
  theirs: () => Promise<Sample>,
) => {
  const pairs = workbench.times(full);
  const warm = workbench.times(warmUp, 1);
  let done = 0;
  return measurePairs(
    { pairs, warmUp: warm },
    () => {
      done += 1;
      workbench.progress(done, pairs + warm);
      return ours();
    },
    theirs,
  );
};

/** Measures once, however many rows are made of it. */
export const sharedMeasurement = <Value>(measure: (workbench: Workbench) => Promise<Value>) => {
  let measured: Promise<Value> | undefined;
  return (workbench: Workbench): Promise<Value> => {
    measured ??= measure(workbench);
    return measured;
  };
};
