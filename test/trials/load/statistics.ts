/** The quantile of values; NaN without values. */
export const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ??
  Number.NaN;

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** One fifth of values in the order of time: 1 is the first, 5 the last. */
export const fifth = <Value>(values: readonly Value[], number: 1 | 2 | 3 | 4 | 5): readonly Value[] =>
  values.slice(Math.floor((values.length * (number - 1)) / 5), Math.ceil((values.length * number) / 5));
