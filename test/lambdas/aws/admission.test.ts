import { ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import {
  createPlacesOfProcess,
  createSharedPlaces,
  createUploadBudget,
  type UploadBudget,
} from '../../../lambdas/aws/admission.ts';
import type { DailyBudget } from '../../../lambdas/aws/budget-shares.ts';
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

/** What became of many uploads at the same moment. */
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
    'of %d uploads takes exactly so many, however many processes take at once',
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

  test('of bytes is never exceeded, and is used up by what still fits', async () => {
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
    // What is left: less than one of the largest uploads in each share before the small ones came.
    expect(large.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(100_000 - 6 * 2000);
    expect((await counted()).reduce((sum, item) => sum + item['bytes'], 0)).toBe(bytes);
  });

  test('says how much is used, of uploads or bytes, whichever is more', async () => {
    const budget = budgetOf({ uploads: 10, bytes: 1000, maxUploadBytes: 1000 });
    expect(await budget.take(1)).toBeCloseTo(10);
    expect(await budget.take(499)).toBeCloseTo(50);
    expect(await budget.take(500)).toBeCloseTo(100);
  });

  test('says when uploads are accepted again, and accepts them then', async () => {
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

  test('of another process counts as well', async () => {
    const budget = { uploads: 2, bytes: 1000, maxUploadBytes: 1000 };
    await budgetOf(budget).take(10);
    await budgetOf(budget).take(10);
    await expect(budgetOf(budget).take(10)).rejects.toMatchObject({ code: 'daily-budget-exhausted' });
  });

  test('goes on to count after its settings were raised', async () => {
    const bytes = { bytes: 1000, maxUploadBytes: 1000 };
    await budgetOf({ uploads: 1, ...bytes }).take(10);
    const raised = budgetOf({ uploads: 2, ...bytes });
    await raised.take(10);
    await expect(raised.take(10)).rejects.toMatchObject({ code: 'daily-budget-exhausted' });
  });

  test('is written to no more once it is exhausted, whatever sizes come', async () => {
    const budget = budgetOf({ uploads: 8000, bytes: 160_000, maxUploadBytes: 1000 });
    while ((await takeAll([budget], [1000])).length > 0);
    const other = budgetOf({ uploads: 8000, bytes: 160_000, maxUploadBytes: 1000 });
    writes.mockClear();
    // Each smaller than the one before: none is known not to fit from the one before alone.
    for (let bytes = 1000; bytes > 500; bytes -= 1) {
      await expect(other.take(bytes)).rejects.toMatchObject({ code: 'daily-budget-exhausted' });
    }
    expect(writes.mock.calls.length).toBeLessThanOrEqual(16);
  });

  test('takes small uploads when there is no room for a large one any more', async () => {
    const budget = budgetOf({ uploads: 100, bytes: 1000, maxUploadBytes: 1000 });
    await budget.take(900);
    await expect(budget.take(200)).rejects.toMatchObject({ code: 'daily-budget-exhausted' });
    await expect(budget.take(100)).resolves.toBeCloseTo(100);
  });

  test('spreads its writes over its shares, and lets them expire after two days', async () => {
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

  test('lets nothing through while its table is out of reach', async () => {
    const budget = budgetOf({ uploads: 10, bytes: 1000, maxUploadBytes: 1000 });
    writes.mockRejectedValueOnce(new Error('out of reach'));
    await expect(budget.take(10)).rejects.toThrow('out of reach');
    await expect(budget.take(10)).resolves.toBeCloseTo(10);
  });
});

describe('places that processes share', () => {
  const placesOf = (places: number) => createSharedPlaces(server.admissionTableName, places, server.client);

  test.each([0, 1, 3])('are %d and no more, however many ask at once', async (places) => {
    const asked = await Promise.all(Array.from({ length: 30 }, () => placesOf(places).take(20)));
    expect(asked.filter((place) => place !== undefined)).toHaveLength(places);
  });

  test('are free again when they are given back', async () => {
    const giveBack = await placesOf(1).take(20);
    await expect(placesOf(1).take(20)).resolves.toBeUndefined();
    await giveBack?.();
    await expect(placesOf(1).take(20)).resolves.toBeDefined();
  });

  test('are free again after the wait when their process has died', async () => {
    const now = Date.now();
    await placesOf(1).take(20);
    jest.spyOn(Date, 'now').mockReturnValue(now + 20_000);
    await expect(placesOf(1).take(20)).resolves.toBeUndefined();
    jest.spyOn(Date, 'now').mockReturnValue(now + 26_000);
    await expect(placesOf(1).take(20)).resolves.toBeDefined();
  });

  test('are not taken from the next holder by one who comes late', async () => {
    const now = Date.now();
    const late = await placesOf(1).take(1);
    jest.spyOn(Date, 'now').mockReturnValue(now + 10_000);
    await placesOf(1).take(20);
    await late?.();
    await expect(placesOf(1).take(20)).resolves.toBeUndefined();
  });

  test('cost three writes at most to be refused', async () => {
    const places = placesOf(10);
    for (let tries = 0; tries < 200; tries += 1) await places.take(20);
    writes.mockClear();
    await expect(places.take(20)).resolves.toBeUndefined();
    const sent = writes.mock.calls.filter(([command]) => command instanceof UpdateItemCommand);
    expect(sent).toHaveLength(3);
  });
});

test('places of one process are as many as are said, and free again when they are given back', async () => {
  const places = createPlacesOfProcess(2);
  const [first, second, third] = await Promise.all([places.take(1), places.take(1), places.take(1)]);
  expect([first, second, third].map((place) => place !== undefined)).toEqual([true, true, false]);
  await first?.();
  await expect(places.take(1)).resolves.toBeDefined();
  await expect(places.take(1)).resolves.toBeUndefined();
});
