import type { Goal, Impossible, Measured, Row } from './row.ts';
import type { Summary } from './statistics.ts';

/** A row and its result. */
export interface Result extends Pick<Row, 'key' | 'what' | 'against' | 'goal'> {
  readonly outcome: Measured | Impossible;
}

export const isMeasured = (outcome: Measured | Impossible): outcome is Measured => 'ratio' in outcome;

/** A ratio relative to its goal: more than 1 misses it. */
export const shareOfGoal = ({ be, ratio }: Goal, measured: number): number =>
  be === 'at most' ? measured / ratio : ratio / measured;

/** Whether the goal is met, or by how much it is missed. */
export const verdictOf = ({ goal, outcome }: Pick<Result, 'goal' | 'outcome'>): string => {
  if (!isMeasured(outcome)) return `not measured: ${outcome.impossible}`;
  if (goal === undefined) return '';
  const measured = outcome.ratio.median;
  if (shareOfGoal(goal, measured) <= 1) return 'met';
  const percent = (Math.abs(measured - goal.ratio) / goal.ratio) * 100;
  return `missed by ${percent.toFixed(percent < 1 ? 1 : 0)} %`;
};

export const goalOf = (goal: Goal | undefined): string =>
  goal === undefined ? '' : `${goal.be === 'at most' ? '≤' : '≥'} ${goal.ratio}`;

/** At least three significant digits. */
export const figure = (value: number): string => {
  if (value >= 10_000) return Math.round(value).toLocaleString('en');
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

const ratioOf = ({ median, p10, p90 }: Summary, pairs: number): string => {
  const middle = median.toFixed(3);
  return pairs === 1 ? middle : `${middle} (${p10.toFixed(2)} to ${p90.toFixed(2)})`;
};

/** @param isJudged whether to compare with the goals, which is meaningless after a short run */
export const tableOf = (results: readonly Result[], isJudged: boolean): string => {
  const cells = results.map(({ key, what, against, goal, outcome }) =>
    isMeasured(outcome)
      ? [
          key,
          `${what} / ${against}`,
          `${figure(outcome.ours.median)} / ${figure(outcome.theirs.median)} ${outcome.unit}`,
          ratioOf(outcome.ratio, outcome.pairs),
          String(outcome.pairs),
          goalOf(goal),
          isJudged ? verdictOf({ goal, outcome }) : '',
        ]
      : [key, `${what} / ${against}`, '', '', '', goalOf(goal), verdictOf({ goal, outcome })],
  );
  const heads = [
    'row',
    'what / against',
    'ours / theirs',
    'ratio (p10 to p90)',
    'pairs',
    'goal',
    isJudged ? 'verdict' : '',
  ];
  const rows = [heads, ...cells];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
