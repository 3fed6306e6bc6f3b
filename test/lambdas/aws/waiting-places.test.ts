import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { createLocalWaitingPlaces, createSharedPlaces } from '../../../lambdas/aws/waiting-places.ts';
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

describe('places that processes share', () => {
  const placesOf = (places: number) => createSharedPlaces(server.admissionTableName, places, server.client);

  test.each([0, 1, 3])('are %d and no more, even if many callers ask at the same time', async (places) => {
    const asked = await Promise.all(Array.from({ length: 30 }, () => placesOf(places).take(20)));
    expect(asked.filter((place) => place !== undefined)).toHaveLength(places);
  });

  test('are free again when they are released', async () => {
    const release = await placesOf(1).take(20);
    await expect(placesOf(1).take(20)).resolves.toBeUndefined();
    await release?.();
    await expect(placesOf(1).take(20)).resolves.toBeDefined();
  });

  test('are free again after the wait if their process died', async () => {
    const now = Date.now();
    await placesOf(1).take(20);
    jest.spyOn(Date, 'now').mockReturnValue(now + 20_000);
    await expect(placesOf(1).take(20)).resolves.toBeUndefined();
    jest.spyOn(Date, 'now').mockReturnValue(now + 26_000);
    await expect(placesOf(1).take(20)).resolves.toBeDefined();
  });

  test('stay with the next holder when a late caller releases its place', async () => {
    const now = Date.now();
    const late = await placesOf(1).take(1);
    jest.spyOn(Date, 'now').mockReturnValue(now + 10_000);
    await placesOf(1).take(20);
    await late?.();
    await expect(placesOf(1).take(20)).resolves.toBeUndefined();
  });

  test('cost at most three writes when there is none', async () => {
    const places = placesOf(10);
    for (let tries = 0; tries < 200; tries += 1) await places.take(20);
    writes.mockClear();
    await expect(places.take(20)).resolves.toBeUndefined();
    const sent = writes.mock.calls.filter(([command]) => command instanceof UpdateItemCommand);
    expect(sent).toHaveLength(3);
  });
});

test('places of one process are limited, and free again when they are released', async () => {
  const places = createLocalWaitingPlaces(2);
  const [first, second, third] = await Promise.all([places.take(1), places.take(1), places.take(1)]);
  expect([first, second, third].map((place) => place !== undefined)).toEqual([true, true, false]);
  await first?.();
  await expect(places.take(1)).resolves.toBeDefined();
  await expect(places.take(1)).resolves.toBeUndefined();
});
