import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DailyBudget } from '../../../lambdas/aws/budget-shares.ts';
import { createUploadBudget, type UploadBudget } from '../../../lambdas/aws/upload-budget.ts';
import { RequestError } from '../../../lambdas/runtime/request-error.ts';
import { startCatalogServer } from '../../catalog-server.ts';

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let writes: jest.SpyInstance;

/** Each test has a table of its own. */
beforeEach(async () => {
  server = await startCatalogServer();
  writes = jest.spyOn(server.client, 'send');
});
afterEach(async () => {
  jest.restoreAllMocks();
  await server.stop();
});

const budgetOf = (budget: DailyBudget) =>
  createUploadBudget(server.admissionTableName, budget, server.client);

const at = (time: string) => jest.spyOn(Date, 'now').mockReturnValue(Date.parse(time));

/** The sizes of those of many simultaneous uploads that the budget allowed. */
const takeAll = async (budgets: readonly UploadBudget[], sizes: readonly number[]) => {
  const results = await Promise.allSettled(
    sizes.map((bytes, index) => (budgets[index % budgets.length] as UploadBudget).take(bytes)),
  );
  const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'daily-budget-exhausted' });
  return sizes.filter((_, index) => results[index]?.status === 'fulfilled');
};

const counted = async () => {
  const { Items = [] } = await server.client.send(new ScanCommand({ TableName: server.admissionTableName }));
  return Items.map((item) => unmarshall(item));
};

describe('a day’s budget', () => {
  test.each([1, 7, 1100])(
    'of %d uploads allows exactly that many, even if many processes count at the same time',
    async (uploads) => {
      const budget = { uploads, bytes: 1e12, maxUploadBytes: 1000 };
      const processes = [1, 2, 3, 4, 5].map(() => budgetOf(budget));
      const taken = await takeAll(
        processes,
        Array.from({ length: uploads + 100 }, () => 10),
      );
      expect(taken).toHaveLength(uploads);
      expect((await counted()).reduce((sum, item) => sum + item['uploads'], 0)).toBe(uploads);
    },
  );

  test('of bytes is never exceeded, and small uploads use up the rest', async () => {
    const budget = { uploads: 1e6, bytes: 100_000, maxUploadBytes: 2000 };
    const processes = [1, 2, 3].map(() => budgetOf(budget));
    const sizes = Array.from({ length: 300 }, (_, index) => 500 + 100 * ((index * 7) % 16));
    const large = await takeAll(processes, sizes);
    const small = await takeAll(
      processes,
      Array.from({ length: 200 }, () => 100),
    );
    const bytes = [...large, ...small].reduce((sum, each) => sum + each, 0);
    expect(bytes).toBeLessThanOrEqual(100_000);
    // Each share ends within the last 100 bytes of its part.
    expect(bytes).toBeGreaterThan(100_000 - 6 * 100);
    // Before the small uploads, each share had room for less than one of the largest.
    expect(large.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(100_000 - 6 * 2000);
    expect((await counted()).reduce((sum, item) => sum + item['bytes'], 0)).toBe(bytes);
  });

  test('reports how much is used, of uploads or bytes, whichever is more', async () => {
    const budget = budgetOf({ uploads: 10, bytes: 1000, maxUploadBytes: 1000 });
    expect(await budget.take(1)).toBeCloseTo(10);
    expect(await budget.take(499)).toBeCloseTo(50);
    expect(await budget.take(500)).toBeCloseTo(100);
  });

  test('refuses with the time at which uploads are accepted again, and accepts them then', async () => {
    const budget = budgetOf({ uploads: 1, bytes: 1000, maxUploadBytes: 1000 });
    at('2026-11-28T22:58:30Z');
    await budget.take(10);
    const refusal = await budget.take(10).catch((error) => error);
    expect(refusal).toBeInstanceOf(RequestError);
    expect(refusal).toMatchObject({
      code: 'daily-budget-exhausted',
      message: expect.stringContaining('2026-11-29T00:00:00.000Z'),
      retryAfterSeconds: 3690,
    });
    at('2026-11-29T00:00:00Z');
    await expect(budget.take(10)).resolves.toBeCloseTo(100);
    await expect(budget.take(10)).rejects.toMatchObject({ retryAfterSeconds: 86_400 });
  });

  test('includes the uploads of other processes', async () => {
    const budget = { uploads: 2, bytes: 1000, maxUploadBytes: 1000 };
    await budgetOf(budget).take(10);
    await budgetOf(budget).take(10);
    await expect(budgetOf(budget).take(10)).rejects.toMatchObject({ code: 'daily-budget-exhausted' });
  });

  test('keeps its count when its settings are raised', async () => {
    const bytes = { bytes: 1000, maxUploadBytes: 1000 };
    await budgetOf({ uploads: 1, ...bytes }).take(10);
    const raised = budgetOf({ uploads: 2, ...bytes });
    await raised.take(10);
    await expect(raised.take(10)).rejects.toMatchObject({ code: 'daily-budget-exhausted' });
  });

  test('is no longer written to once it is exhausted, whatever the sizes of uploads', async () => {
    const budget = budgetOf({ uploads: 8000, bytes: 160_000, maxUploadBytes: 1000 });
    while ((await takeAll([budget], [1000])).length > 0);
    const other = budgetOf({ uploads: 8000, bytes: 160_000, maxUploadBytes: 1000 });
    writes.mockClear();
    // Each is smaller than the one before, so an earlier refusal does not imply the next.
    for (let bytes = 1000; bytes > 500; bytes -= 1) {
      await expect(other.take(bytes)).rejects.toMatchObject({ code: 'daily-budget-exhausted' });
    }
    expect(writes.mock.calls.length).toBeLessThanOrEqual(16);
  });

  test('allows small uploads when there is no room for a large one', async () => {
    const budget = budgetOf({ uploads: 100, bytes: 1000, maxUploadBytes: 1000 });
    await budget.take(900);
    await expect(budget.take(200)).rejects.toMatchObject({ code: 'daily-budget-exhausted' });
    await expect(budget.take(100)).resolves.toBeCloseTo(100);
  });

  test('spreads its writes over its shares, which expire after two days', async () => {
    const budget = budgetOf({ uploads: 1e9, bytes: 1e15, maxUploadBytes: 1000 });
    await takeAll(
      [budget],
      Array.from({ length: 800 }, () => 10),
    );
    const items = await counted();
    expect(items).toHaveLength(16);
    for (const { uploads, expiresAtSeconds } of items) {
      // 50 on average.
      expect(uploads).toBeLessThan(150);
      expect(expiresAtSeconds - Date.now() / 1000).toBeGreaterThan(2 * 86_400 - 60);
      expect(expiresAtSeconds - Date.now() / 1000).toBeLessThanOrEqual(2 * 86_400 + 1);
    }
  });

  test('allows nothing while its table cannot be reached', async () => {
    const budget = budgetOf({ uploads: 10, bytes: 1000, maxUploadBytes: 1000 });
    writes.mockRejectedValueOnce(new Error('unreachable'));
    await expect(budget.take(10)).rejects.toThrow('unreachable');
    await expect(budget.take(10)).resolves.toBeCloseTo(10);
  });
});
