import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { placeEvent } from '../../lambdas/lake/row.ts';
import { namedQueries } from '../../lib/lake/named-queries.ts';
import { resources } from '../../local/aws.ts';
import { storeRows } from '../lake/stored-rows.ts';
import { cleanUp, startNode, temporaryFolder } from '../local/processes.ts';

const names = namedQueries({ ingestMemoryMiB: 1024, resizeMemoryMiB: 1769 }).map(({ name }) => name);
let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const time = new Date().toISOString();
  const failures = ['image-corrupt', 'image-corrupt', 'decode-timeout'].map((code, index) =>
    JSON.stringify({
      schemaVersion: 1,
      eventId: String(index).padStart(32, '0'),
      time,
      imageId: 'a'.repeat(64),
      type: 'image.failed',
      original: { bytes: 9 },
      code,
    }),
  );
  for (const body of failures) {
    const placed = placeEvent(body, new Date());
    if ('refusal' in placed) throw new Error(placed.refusal);
    const bucket = join(folder, '.local/3100/s3', resources.dataLakeBucket);
    await storeRows(bucket, placed.partition, [`${JSON.stringify(placed.row)}\n`]);
  }
});

afterAll(cleanUp);

/** Runs `npm run query` to its end. */
const query = async (args: readonly string[], port = '3100', currentFolder = folder) => {
  const running = startNode('bin/query.ts', {
    args,
    folder: currentFolder,
    environment: { PORT: port },
  });
  const code = await running.ended;
  return { code, out: running.out(), errors: running.errors() };
};

test('prints a table', async () => {
  expect(await query(['failures-by-code'])).toEqual({
    code: 0,
    out: [
      'code            images  percent_of_failures',
      '--------------  ------  -------------------',
      'image-corrupt        2                 66.7',
      'decode-timeout       1                 33.3',
      '',
    ].join('\n'),
    errors: '',
  });
});

test('prints CSV or JSON for programs, and nothing else', async () => {
  expect(await query(['failures-by-code', '--csv'])).toEqual({
    code: 0,
    out: 'code,images,percent_of_failures\nimage-corrupt,2,66.7\ndecode-timeout,1,33.3\n',
    errors: '',
  });
  const { code, out } = await query(['failures-by-code', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual([
    { code: 'image-corrupt', images: 2, percent_of_failures: 66.7 },
    { code: 'decode-timeout', images: 1, percent_of_failures: 33.3 },
  ]);
});

test('lists the queries', async () => {
  const { code, out, errors } = await query(['--list']);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  const lines = out.trimEnd().split('\n');
  expect(lines.map((line) => line.trim().split(' ')[0])).toEqual(names);
  for (const line of lines) expect(line).toMatch(/ {2}[A-Z].+\.$/);
});

test.each<[string, readonly string[], RegExp]>([
  ['an unknown name', ['failures'], /^\nThere is no query "failures"\. The queries:\n/],
  ['no name', [], /Usage: npm run query -- NAME/],
])('fails for %s and lists the queries', async (_, args, message) => {
  const { code, out, errors } = await query(args);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(errors).toMatch(message);
  for (const name of names) expect(errors).toContain(`  ${name} `);
  expect(errors).not.toMatch(/^\s+at /m);
});

test.each<[string, readonly string[], string]>([
  ['an unknown flag', ['cost', '--xml'], "Unknown option '--xml'"],
  ['two formats', ['cost', '--csv', '--json'], 'Give --csv or --json, not both.'],
  ['two names', ['cost', 'uploads-per-day'], 'One query at a time (given cost, uploads-per-day).'],
])('fails for %s with its usage', async (_, args, message) => {
  const { code, out, errors } = await query(args);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(errors).toContain(message);
  expect(errors).toContain('Usage: npm run query -- NAME');
});

test('prints a hint and succeeds when there are no events, or none that match', async () => {
  const elsewhere = await query(['cost', '--json'], '3200');
  expect(elsewhere).toMatchObject({ code: 0, out: '[]\n' });
  expect(elsewhere.errors).toBe(
    'There are no events in .local/3200/s3/data-lake yet. There are some at other ports: PORT=3100 npm run query -- cost\n',
  );
  const emptyFolder = await temporaryFolder();
  const never = await query(['cost', '--json'], '3200', emptyFolder);
  expect(never).toMatchObject({ code: 0, out: '[]\n' });
  expect(never.errors).toBe(
    'There are no events in .local/3200/s3/data-lake yet. Upload an image to npm start first.\n',
  );
  const none = await query(['most-served-links', '--csv']);
  expect(none).toEqual({
    code: 0,
    out: 'image_id,variant,served,last_served\n',
    errors: 'No event of the last 30 days matches.\n',
  });
});

test('fails for an object without rows instead of skipping it', async () => {
  const broken = join(
    folder,
    '.local/3300/s3',
    resources.dataLakeBucket,
    'events/type=image.failed/dt=2026-11-23',
  );
  await mkdir(broken, { recursive: true });
  await writeFile(join(broken, 'a.json._S3rver_object'), '{"event_id": "torn');
  const { code, out, errors } = await query(['cost'], '3300');
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(errors).toContain('a.json._S3rver_object');
});
