import { estimatesFor } from '../../bench/cost.ts';
import { plotOf } from '../../bench/plot.ts';
import { type Result, shareOfGoal, tableOf, verdictOf } from '../../bench/report.ts';
import { measuredOf } from '../../bench/row.ts';

const atMost = { be: 'at most', ratio: 1.2 } as const;
const atLeast = { be: 'at least', ratio: 0.95 } as const;

const result = (ours: number, theirs: number, goal: Result['goal']): Result => ({
  key: 'row',
  what: 'ours <fast>',
  against: 'theirs',
  goal,
  outcome: measuredOf('ms', [{ ours, theirs }]),
});

test.each([
  [result(12, 10, atMost), 'met'],
  [result(18, 10, atMost), 'missed by 50 %'],
  [result(19, 20, atLeast), 'met'],
  [result(9.5, 20, atLeast), 'missed by 50 %'],
  [result(5, 1, undefined), ''],
  [{ ...result(1, 1, atMost), outcome: { impossible: 'it is not there' } }, 'not measured: it is not there'],
])('judges a ratio by its goal: %#', (row, verdict) => {
  expect(verdictOf(row)).toBe(verdict);
});

test('is further from a goal the more it misses it, whichever way the goal points', () => {
  expect(shareOfGoal(atMost, 2.4)).toBe(2);
  expect(shareOfGoal(atLeast, 0.475)).toBe(2);
});

test('prints every row, and no verdict of a short run', () => {
  const rows = [
    result(18, 10, atMost),
    { ...result(1, 1, atMost), outcome: { impossible: 'it is not there' } },
  ];
  const judged = tableOf(rows, true).split('\n');
  expect(judged).toHaveLength(3);
  expect(judged[1]).toMatch(
    /^row +ours <fast> \/ theirs +18\.0 \/ 10\.0 ms +1\.800 +1 +≤ 1\.2 +missed by 50 %$/,
  );
  expect(judged[2]).toContain('it is not there');
  expect(tableOf(rows, false)).not.toContain('missed');
});

test('plots the rows that have a goal, the text escaped, bars by their share of it', () => {
  const svg = plotOf([result(12, 10, atMost), result(24, 10, atMost), result(5, 1, undefined)]);
  expect(svg.match(/<rect class="met"/g)).toHaveLength(1);
  expect(svg.match(/<rect class="missed"/g)).toHaveLength(1);
  expect(svg).toContain('ours &lt;fast&gt;');
  const [met, missed] = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(missed).toBeCloseTo((met ?? 0) * 2);
  expect(svg).toContain('prefers-color-scheme: dark');
});

test('estimates the cost of a million photos from their measured times', () => {
  const photo = {
    bytes: 2_000_000,
    ingestWallMilliseconds: 300,
    ingestCpuMilliseconds: 22,
    resizeWallMilliseconds: 300,
    resizeCpuMilliseconds: 300,
  };
  const [lambda, fargate] = estimatesFor(photo);
  const [, slower] = estimatesFor({ ...photo, resizeCpuMilliseconds: 600 });
  // The assumed seconds of docs/cost.md.
  expect(lambda?.usd).toBeCloseTo(35.21, 2);
  expect(fargate?.lines['Load balancer: bytes']).toBe(16);
  expect(slower?.lines['Workers']).toBeCloseTo(2 * (fargate?.lines['Workers'] ?? 0));
});
