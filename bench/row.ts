import { measurePairs, type Pair, ratiosOf, type Summary, summaryOf } from './statistics.ts';
import type { Workbench } from './workbench.ts';

/** The bound of a ratio. */
export interface Goal {
  readonly be: 'at most' | 'at least';
  readonly ratio: number;
}

export type Unit = 'ms' | 'ms of CPU' | 'MiB' | 'bytes' | 'images/s';

/** A measured row: our code, its counterpart, and the ratio of each pair. */
export interface Measured {
  readonly unit: Unit;
  readonly ours: Summary;
  readonly theirs: Summary;
  readonly ratio: Summary;
  /** How many pairs were measured. */
  readonly pairs: number;
  /** A further observation, in words. @default - none */
  readonly seen?: string;
}

/** Why a row cannot be measured here. */
export interface Impossible {
  readonly impossible: string;
}

export interface Row {
  /** Its name for `--only`. */
  readonly key: string;
  readonly what: string;
  readonly against: string;
  /** @default - the ratio is not judged */
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

/** Measures pairs, and reports progress. */
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

/** Measures once for all rows that use the result. */
export const sharedMeasurement = <Value>(measure: (workbench: Workbench) => Promise<Value>) => {
  let measured: Promise<Value> | undefined;
  return (workbench: Workbench): Promise<Value> => {
    measured ??= measure(workbench);
    return measured;
  };
};
