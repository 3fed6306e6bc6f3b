import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cell, type LocalLake, openLocalLake } from '../../../../bin/commands/query/engine.ts';
import { linkServedEvent } from '../../../../lambdas/image/new-event.ts';
import { placeEvent } from '../../../../lambdas/lake/row.ts';
import { namedQueries } from '../../../../lib/lake/named-queries.ts';
import { storeRows } from '../../../lake/stored-rows.ts';

const queries = namedQueries({ ingestMemoryMiB: 1024, resizeMemoryMiB: 1769 });
const folders: string[] = [];
const lakes: LocalLake[] = [];

const openAt = async (directory: string): Promise<LocalLake> => {
  const lake = await openLocalLake(directory);
  lakes.push(lake);
  return lake;
};

const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'thumbnail-generator-lake-'));
  folders.push(folder);
  return folder;
};

afterEach(async () => {
  for (const lake of lakes.splice(0)) lake.close();
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

describe('DuckDB returns what Athena returns', () => {
  // Values from Trino's documentation, or calculated by hand.
  test.each<[sql: string, answer: Cell]>([
    ["date_format(TIMESTAMP '2026-02-03 04:05:06', '%Y-%m-%d')", '2026-02-03'],
    ["date_format(DATE '2026-03-01' - INTERVAL '30' DAY, '%Y-%m-%d')", '2026-01-30'],
    ["date_format(current_date, '%Y-%m-%d')", new Date().toISOString().slice(0, 10)],
    ["date_trunc('hour', TIMESTAMP '2026-02-03 04:59:59.999')", '2026-02-03 04:00:00.000'],
    ['cardinality(ARRAY[7, 8, 9])', 3],
    ['(SELECT sum(place) FROM UNNEST(sequence(1, 4)) AS places (place))', 10],
    ['(SELECT approx_percentile(x, 0.5) FROM UNNEST(sequence(1, 100)) AS numbers (x))', 50],
    ['(SELECT approx_percentile(x, 0.95) FROM UNNEST(sequence(1, 100)) AS numbers (x))', 95],
    ['(SELECT approx_percentile(x, 0.99) FROM UNNEST(sequence(1, 3)) AS numbers (x))', 3],
    ['(SELECT approx_percentile(x, 0.5) FROM UNNEST(ARRAY[NULL, 4]) AS numbers (x))', 4],
    ['7 / 2', 3],
    ['-7 / 2', -3],
    ['7 / 2E0', 3.5],
    ['round(2.25E0, 1)', 2.3],
    ['ARRAY[7, 8, 9][1]', 7],
    ['coalesce(NULL, 5)', 5],
  ])('%s', async (sql, answer) => {
    const lake = await openAt('none');
    expect((await lake.ask(`SELECT ${sql} AS answer`, () => {})).rows).toEqual([[answer]]);
  });

  test('with nulls last in both directions', async () => {
    const lake = await openAt('none');
    for (const [order, rows] of [
      ['ASC', [[1], [2], [null]]],
      ['DESC', [[2], [1], [null]]],
    ] as const) {
      const { rows: answer } = await lake.ask(
        `SELECT x FROM UNNEST(ARRAY[2, NULL, 1]) AS numbers (x) ORDER BY x ${order}`,
        () => {},
      );
      expect(answer).toEqual(rows);
    }
  });

  test('for every date format in the queries', () => {
    const formats = queries.flatMap(({ sql }) => [
      ...sql.matchAll(/date_format\([^']*'[^']*'[^']*'([^']+)'/g),
    ]);
    expect(formats.length).toBe(queries.length);
    for (const [, format = ''] of formats) expect(format.replaceAll(/%[YmdH]/g, '')).toMatch(/^[-: ]*$/);
  });
});

const served = linkServedEvent('a'.repeat(64), 'thumbnail');

/** Stores an event that arrives at a time. */
const store = async (folder: string, body: string, now = new Date()): Promise<void> => {
  const placed = placeEvent(body, now);
  if ('refusal' in placed) throw new Error(placed.refusal);
  await storeRows(folder, placed.partition, [`${JSON.stringify(placed.row)}\n`]);
};

test('an empty lake answers every query with no rows', async () => {
  const lake = await openAt(await temporaryFolder());
  expect(lake.isEmpty).toBe(true);
  for (const { sql } of queries) {
    const { columns, rows } = await lake.ask(sql, () => {});
    expect(columns.length).toBeGreaterThan(1);
    expect(rows).toEqual([]);
  }
});

test('finds events in a folder with an unusual name, and ignores the errors', async () => {
  // GIVEN
  const folder = join(await temporaryFolder(), "it's a lake");
  await store(folder, JSON.stringify(served));
  await mkdir(join(folder, 'errors/processing-failed/2026-11-23'), { recursive: true });
  await writeFile(join(folder, 'errors/processing-failed/2026-11-23/a.json._S3rver_object'), '{}');
  // WHEN
  const lake = await openAt(folder);
  const { columns, rows } = await lake.ask(
    'SELECT type, dt, image_id, thumbnails FROM image_events',
    () => {},
  );
  // THEN
  expect(lake.isEmpty).toBe(false);
  expect(columns).toEqual(['type', 'dt', 'image_id', 'thumbnails']);
  expect(rows).toEqual([['link.served', served.time.slice(0, 10), served.imageId, null]]);
});

test('counts an event once, even when a copy arrives days later', async () => {
  const folder = await temporaryFolder();
  const body = JSON.stringify(served);
  await store(folder, body);
  await store(folder, body, new Date(Date.now() + 3 * 86_400_000));
  const lake = await openAt(folder);
  const sql = queries.find(({ name }) => name === 'most-served-links')?.sql ?? '';
  expect((await lake.ask(sql, () => {})).rows).toMatchObject([
    [served.imageId, 'thumbnail', 1, expect.any(String)],
  ]);
});

test('reports the progress of a query and its end', async () => {
  const lake = await openAt('none');
  const reported: number[] = [];
  const sql = 'SELECT count(*) FROM range(9000) AS a (x), range(9000) AS b (y) WHERE x * y % 7 = 1';
  await lake.ask(sql, (percent) => reported.push(percent));
  for (const percent of reported) {
    expect(percent).toBeGreaterThanOrEqual(0);
    expect(percent).toBeLessThanOrEqual(100);
  }
  expect(reported.at(-1)).toBe(100);
});

test('a query starts with its description and the tables that it reads', () => {
  for (const { name, description, sql } of queries) {
    expect(name).toMatch(/^[a-z-]+$/);
    expect(description).toMatch(/^[A-Z].+\.$/);
    expect(sql.startsWith(`-- ${description}\nWITH\n`)).toBe(true);
    expect(sql.match(/^events AS/gm)).toHaveLength(1);
    expect(sql.match(/FROM image_events\b/g)).toHaveLength(1);
    expect(/^event_costs AS/m.test(sql)).toBe(name === 'cost');
  }
});
