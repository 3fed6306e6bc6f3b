/** The median, and the range of the middle four fifths. */
export interface Summary {
  readonly median: number;
  /** The 10th percentile. */
  readonly p10: number;
  /** The 90th percentile. */
  readonly p90: number;
}

/** The quantile of values, interpolated between two of them; NaN without values. */
export const quantile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((one, other) => one - other);
  const position = (sorted.length - 1) * part;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
};

export const summaryOf = (values: readonly number[]): Summary => ({
  median: quantile(values, 0.5),
  p10: quantile(values, 0.1),
  p90: quantile(values, 0.9),
});

/** A measurement of our code and one of its counterpart, one right after the other. */
export interface Pair {
  readonly ours: number;
  readonly theirs: number;
}

/** Ratios of pairs: a slow phase of the machine affects both and cancels out. */
export const ratiosOf = (pairs: readonly Pair[]): readonly number[] =>
  pairs.map(({ ours, theirs }) => ours / theirs);

/** The order within each pair: A B B A, so that a drift of the machine favours neither. */
export const goesFirst = (number: number): 'ours' | 'theirs' => (number % 2 === 0 ? 'ours' : 'theirs');

/** Measures both sides in turns. The pairs of the warm-up are discarded. */
export const measurePairs = async <Sample>(
  { pairs, warmUp }: { readonly pairs: number; readonly warmUp: number },
  ours: () => Promise<Sample>,
  theirs: () => Promise<Sample>,
): Promise<readonly { readonly ours: Sample; readonly theirs: Sample }[]> => {
  const measured: { readonly ours: Sample; readonly theirs: Sample }[] = [];
  for (let number = 0; number < warmUp + pairs; number += 1) {
    if (goesFirst(number) === 'ours') {
      const sample = await ours();
      measured.push({ ours: sample, theirs: await theirs() });
    } else {
      const sample = await theirs();
      measured.push({ ours: await ours(), theirs: sample });
    }
  }
  return measured.slice(warmUp);
};
