import { sharesOf } from '../../../lambdas/aws/budget-shares.ts';
import { dayOf, secondsUntil } from '../../../lambdas/runtime/day.ts';
import { readSettings } from '../../../lib/settings.ts';

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);

describe('the shares of a budget', () => {
  test('are sixteen by default, each with room for many of the largest uploads', () => {
    const { maxUploadsPerDay, maxUploadBytesPerDay, maxUploadBytes } = readSettings({});
    const shares = sharesOf({ uploads: maxUploadsPerDay, bytes: maxUploadBytesPerDay, maxUploadBytes });
    expect(shares).toHaveLength(16);
    for (const share of shares) expect(share).toEqual({ uploads: 6250, bytes: 12_500_000_000 });
  });

  test.each([
    [1, 1, 1],
    [3, 100, 100],
    [999, 1e12, 5_000_000],
    [1000, 1e12, 5_000_000],
    [1e9, 1_600_000_000, 100_000_000],
    [1e9, 1_600_000_001, 100_000_000],
    [123_457, 987_654_321_011, 777_777],
  ])(
    'of %d uploads and %d bytes are the budget in all, and take the largest upload',
    (uploads, bytes, maxUploadBytes) => {
      const shares = sharesOf({ uploads, bytes, maxUploadBytes });
      expect(sumOf(shares.map((share) => share.uploads))).toBe(uploads);
      expect(sumOf(shares.map((share) => share.bytes))).toBe(bytes);
      expect(Math.min(...shares.map((share) => share.bytes))).toBeGreaterThanOrEqual(maxUploadBytes);
      expect(Math.min(...shares.map((share) => share.uploads))).toBeGreaterThanOrEqual(1);
    },
  );

  test.each([
    ['few uploads', { uploads: 999, bytes: 1e15, maxUploadBytes: 1000 }],
    ['few bytes', { uploads: 1e9, bytes: 15_000, maxUploadBytes: 1000 }],
  ])('are one with %s, so that nothing of it is left over', (_, budget) => {
    expect(sharesOf(budget)).toHaveLength(1);
  });
});

test('a day is one of UTC, and ends at its midnight', () => {
  const late = Date.parse('2026-11-28T23:59:59.001Z');
  expect(dayOf(late)).toEqual({ day: '2026-11-28', endsAt: new Date('2026-11-29T00:00:00Z') });
  expect(secondsUntil(dayOf(late).endsAt, late)).toBe(1);
  const midnight = Date.parse('2026-11-29T00:00:00Z');
  expect(dayOf(midnight).day).toBe('2026-11-29');
  expect(secondsUntil(dayOf(midnight).endsAt, midnight)).toBe(86_400);
});
