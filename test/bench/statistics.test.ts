import { goesFirst, measurePairs, quantile, ratiosOf, summaryOf } from '../../bench/statistics.ts';

test('finds a quantile between two values where it falls there', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([1, 2], 0.5)).toBe(1.5);
  expect(quantile([10, 20, 30, 40, 50], 0.9)).toBeCloseTo(46);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test('returns the median and the 10th and 90th percentiles', () => {
  const values = Array.from({ length: 101 }, (_, index) => index);
  expect(summaryOf(values)).toEqual({ median: 50, p10: 10, p90: 90 });
});

test('divides each time by the bare time of the same round', () => {
  const slowed = [
    { ours: 3, theirs: 2 },
    { ours: 30, theirs: 20 },
  ];
  expect(ratiosOf(slowed)).toEqual([1.5, 1.5]);
});

test('takes turns, throws the first pairs away and keeps sides apart', async () => {
  const turns: string[] = [];
  const side = (name: string) => async () => {
    turns.push(name);
    return `${name}${turns.length}`;
  };
  const pairs = await measurePairs({ pairs: 3, warmUp: 1 }, side('a'), side('b'));
  expect(turns.join('')).toBe('abbaabba');
  expect(pairs).toEqual([
    { ours: 'a4', theirs: 'b3' },
    { ours: 'a5', theirs: 'b6' },
    { ours: 'a8', theirs: 'b7' },
  ]);
  expect([0, 1, 2, 3].map(goesFirst)).toEqual(['ours', 'theirs', 'ours', 'theirs']);
});
