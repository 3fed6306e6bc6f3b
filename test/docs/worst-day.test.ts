import { readFileSync } from 'node:fs';
import { describeApi } from '../../lambdas/ingest/openapi.ts';
import { routes } from '../../lambdas/ingest/routes.ts';
import { storedByWorstDay, worstDay, worstDayAssumptions, worstDayTotal } from '../../lib/cost/worst-day.ts';
import { readSettings } from '../../lib/settings.ts';
import { inContainers } from '../lib/stacks.ts';

const usd = (value: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const page = readFileSync('docs/cost.md', 'utf8');
const text = page.replaceAll(/\s+/g, ' ');
const rowsOf = (heading: string): readonly (readonly string[])[] => {
  const [, section = ''] = page.split(new RegExp(`^##+ ${heading}\n`, 'm'));
  const [table = ''] = section.split('\n\n').filter((block) => block.startsWith('|'));
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
};

const functions = worstDay(readSettings({}));
const containers = worstDay(readSettings(inContainers));
const cellsOf = ({ what, boundedBy, usd: amount }: (typeof functions)[number]) => [
  what,
  boundedBy,
  usd(amount),
];

describe('docs/cost.md has the worst day', () => {
  test('as the model computes it, row by row', () => {
    expect(functions.length).toBeGreaterThan(15);
    expect(rowsOf('The worst day')).toEqual([
      ...functions.map(cellsOf),
      ['**In all**', '', `**${usd(worstDayTotal(readSettings({})))}**`],
    ]);
  });

  test('in containers, where it is another than with functions', () => {
    const isShared = ({ what }: (typeof functions)[number]) => functions.some((row) => row.what === what);
    const shared = containers.filter(isShared).reduce((sum, row) => sum + row.usd, 0);
    expect(rowsOf('The worst day, in containers')).toEqual([
      ...containers.filter((row) => !isShared(row)).map(cellsOf),
      ['All that is the same as with functions', '', usd(shared)],
      ['**In all**', '', `**${usd(worstDayTotal(readSettings(inContainers)))}**`],
    ]);
  });

  test('with what is stored by then', () => {
    const { bytes, usdPerMonth } = storedByWorstDay(readSettings({}));
    expect(text).toContain(`${Math.round(bytes / 1e9)} GB with thumbnails at their largest`);
    expect(text).toContain(`goes on to cost ${usd(usdPerMonth)} a month`);
    expect(text).toContain(`at most ${worstDayAssumptions.requeues} times each`);
  });
});

test('the README says what it comes to under the defaults', () => {
  const readme = readFileSync('README.md', 'utf8')
    .replaceAll(/<!-- .*? -->/g, '')
    .replaceAll(/\n> /g, ' ');
  expect(readme).toContain(`about $${Math.round(worstDayTotal(readSettings({})))} a day under the defaults`);
});

describe('the worst day', () => {
  test.each([
    ['maxUploadsPerDay', 200_000],
    ['maxUploadBytesPerDay', 400_000_000_000],
    ['maxWaitingCallers', 20],
    ['uploadsPerSecond', 20],
    ['requestsPerSecond', 100],
    ['resizeMaxConcurrency', 40],
    ['email', { from: 'images@example.com', allowedRecipients: ['example.com'] }],
    ['dataLake', true],
    ['variants', [{ name: 'one' }, { name: 'two' }]],
  ])('rises with %s', (name, value) => {
    expect(worstDayTotal(readSettings({ [name]: value }))).toBeGreaterThan(worstDayTotal(readSettings({})));
  });

  test.each(['ingest', 'worker'])('rises in containers with fargate.%s.maxTasks', (service) => {
    const more = { ...inContainers, fargate: { [service]: { maxTasks: 100 } } };
    expect(worstDayTotal(readSettings(more))).toBeGreaterThan(worstDayTotal(readSettings(inContainers)));
  });

  test('stores no more for faster uploads: the budget bounds it', () => {
    const fast = readSettings({ uploadsPerSecond: 10_000, uploadBurst: 5000 });
    expect(storedByWorstDay(fast)).toEqual(storedByWorstDay(readSettings({})));
  });

  test('is reckoned with every route, GET and HEAD each', () => {
    const methods = Object.values(routes).map(({ method }) => method);
    const gets = methods.filter((method) => method === 'GET').length;
    expect(methods.length).toBe(gets + methods.filter((method) => method === 'POST').length);
    const [http] = functions.filter(({ what }) => what === 'HTTP API, all other routes');
    expect(http?.boundedBy).toContain(`each of ${2 * gets} routes`);
    // 50 a second and a burst of 100, at 1.00 a million.
    expect(http?.usd).toBeCloseTo((2 * gets * (50 * 86_400 + 100)) / 1e6);
  });

  test('assumes a description no smaller than the real one', () => {
    const real = describeApi({
      apiUrl: 'https://abcdefghij.execute-api.us-east-2.amazonaws.com/dev',
      maxInlineBytes: 4_700_000,
      maxUploadBytes: 100_000_000,
      auth: { jwt: { issuer: 'https://idp.example', audience: ['thumbnails'] } },
      links: 'same',
      hasMail: true,
    });
    expect(JSON.stringify(real).length).toBeLessThanOrEqual(worstDayAssumptions.descriptionBytes);
    expect(JSON.stringify(real).length).toBeGreaterThan(worstDayAssumptions.descriptionBytes / 4);
  });
});
