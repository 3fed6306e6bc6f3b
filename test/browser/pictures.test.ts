import { mkdirSync, writeFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { ImageError } from '../../lambdas/image/errors.ts';
import { variantsSchema } from '../../lambdas/image/variant.ts';
import { renderImage } from '../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../lib/settings.ts';
import { type Difference, differenceOf, isAlike, isVisible, type Pixels } from '../pictures/compare.ts';
import type { Row } from '../pictures/row.ts';
import { rows } from '../pictures/rows.ts';
import { launchChromium } from './chromium.ts';
import { shownIn } from './shown.ts';

/** Where the table is stored, for a person to read. */
const folder = '.tmp/browser';

const limits = readSettings({});
const largest = 4096;
const variants = variantsSchema.parse([{ name: 'same', width: largest, height: largest, format: 'png' }]);

interface Refused {
  readonly code: string;
  readonly detail: string;
}

/** Our thumbnail in the size of the original. */
const rendered = async (bytes: Buffer): Promise<Pixels | Refused> => {
  try {
    const { thumbnails } = await renderImage(bytes, variants, limits);
    const { data, info } = await sharp(thumbnails[0]?.bytes)
      .toColourspace('srgb')
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { code: error.code, detail: error.message };
  }
};

interface Result {
  readonly row: Row;
  readonly isShown: boolean;
  readonly isRefused: boolean;
  readonly difference?: Difference;
  /** What is wrong, in a few words. */
  readonly fault?: string;
}

const judge = (row: Row, shown: Pixels | undefined, ours: Pixels | Refused): Result => {
  const isShown = shown !== undefined && isVisible(shown);
  if ('code' in ours) {
    const fault = isShown ? { fault: `refused: ${ours.code}, ${ours.detail}` } : {};
    return { row, isShown, isRefused: true, ...fault };
  }
  if (!isShown || shown === undefined) {
    const isFault = isVisible(ours) && !row.mayShowMore;
    return { row, isShown, isRefused: false, ...(isFault && { fault: 'Chromium shows nothing' }) };
  }
  const sizes = [ours, shown].map(({ width, height }) => `${width} x ${height}`);
  if (sizes[0] !== sizes[1]) {
    return { row, isShown, isRefused: false, fault: `${sizes[0]} instead of ${sizes[1]} pixels` };
  }
  const difference = differenceOf(ours, shown, row.mayShowMore);
  const { mean, most } = difference;
  const fault = isAlike(difference) ? {} : { fault: `mean ${mean.toFixed(1)}, most ${most.toFixed(0)}` };
  return { row, isShown, isRefused: false, difference, ...fault };
};

/** A line for each kind. Files that differ on purpose do not count in the differences. */
const tableOf = (results: readonly Result[]): string => {
  const kinds = [...new Set(results.map(({ row }) => row.kind))];
  const lines = kinds.map((kind) => {
    const files = results.filter(({ row }) => row.kind === kind);
    const measured = files.flatMap(({ row, difference }) =>
      difference && row.differs === undefined ? [difference] : [],
    );
    const largestOf = (name: keyof Difference): string =>
      measured.length === 0 ? '' : Math.max(...measured.map((each) => each[name])).toFixed(1);
    return [
      kind,
      files.length,
      files.filter(({ isShown }) => isShown).length,
      files.filter(({ isRefused }) => isRefused).length,
      files.filter(({ row }) => row.differs !== undefined).length,
      largestOf('mean'),
      largestOf('most'),
    ].join(' | ');
  });
  return [
    '| Kind | Files | Shown by Chromium | Refused here | Differ on purpose | Largest mean difference | At a point |',
    '|---|---|---|---|---|---|---|',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n');
};

let browser: Browser;
let page: Page;
const results: Result[] = [];

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  browser = await launchChromium();
  page = await browser.newPage();
});

afterAll(async () => {
  await browser?.close();
});

const compare = async (row: Row): Promise<Result> => {
  const bytes = Buffer.from(await row.make());
  const [shown, ours] = await Promise.all([shownIn(page, bytes), rendered(bytes)]);
  return judge(row, shown, ours);
};

const kinds = [...new Set(rows.map(({ kind }) => kind))];

// Mean and largest difference: see `allowed`.
test.each(kinds)('looks as in Chromium: %s', async (kind) => {
  const faults: string[] = [];
  const notDiffering: string[] = [];
  for (const row of rows.filter((each) => each.kind === kind)) {
    const result = await compare(row);
    results.push(result);
    const { name } = row;
    if (row.differs !== undefined) {
      if (result.fault === undefined) notDiffering.push(name);
    } else if (result.fault !== undefined) {
      faults.push(`${name}: ${result.fault}`);
    }
  }
  expect({ faults, notDiffering }).toEqual({ faults: [], notDiffering: [] });
});

test('at least 150 files of 40 kinds were compared', () => {
  const table = tableOf(results);
  writeFileSync(`${folder}/pictures.md`, `${table}\n`);
  process.stdout.write(`\n${table}\n`);
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  expect(results.length).toBe(rows.length);
  expect(results.length).toBeGreaterThanOrEqual(150);
  expect(kinds.length).toBeGreaterThanOrEqual(40);
});
