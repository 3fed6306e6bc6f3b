import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readOptions, wholeOption } from '../test/trials/options.ts';
import { estimatesFor } from './cost.ts';
import { describeMachine, describeVersions } from './machine.ts';
import { plotOf } from './plot.ts';
import { benchFolder, project } from './project.ts';
import { isMeasured, type Result, tableOf, verdictOf } from './report.ts';
import type { Impossible } from './row.ts';
import { ingestCosts, resizeCosts } from './rows/functions.ts';
import { peerRows } from './rows/peers.ts';
import { rows } from './rows.ts';
import { quantile } from './statistics.ts';
import { createWorkbench, type Workbench } from './workbench.ts';

const keys = [...rows, ...peerRows].map(({ key }) => key);

const usage = `Usage: npm run bench -- [option]...

Compares the cost of our code with the least that the same work needs. Runs alternate, so that a slower machine slows both
down. Use a machine that is otherwise idle. Takes about 9 minutes.

  --only ROW    one row: ${keys.join(', ').replaceAll(/(.{60,90}?), /g, '$1,\n                ')}
  --peers       also compares with other image servers, if they are installed
  --short       measures each row once or twice, to prove that it runs; judges nothing
  --seed N      other photos (default 1)
  --json FILE   file for the figures, and with .svg for the plot (default docs/bench.json for a whole run)
  --help        prints this`;

const options = readOptions(usage, {
  only: { type: 'string' },
  peers: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
});
const seed = wholeOption('seed', options.seed, 0, 2 ** 32 - 1);
const isShort = options.short;
const { only } = options;
if (only !== undefined && !keys.includes(only)) {
  console.error(`There is no row ${only}. There are: ${keys.join(', ')}.`);
  process.exit(2);
}
const isWhole = only === undefined && !isShort;
const jsonFile = resolve(
  options.json ?? (isWhole ? join(project, 'docs/bench.json') : join(benchFolder, 'bench.json')),
);
const chosen = [...rows, ...(options.peers || only?.startsWith('peer-') ? peerRows : [])].filter(
  ({ key }) => only === undefined || key === only,
);

let current = '';
let shownAt = Number.NEGATIVE_INFINITY;
const progress = (done: number, total: number): void => {
  const now = performance.now();
  if (now - shownAt < (process.stderr.isTTY ? 200 : 15_000)) return;
  shownAt = now;
  const line = `${current}: ${done} of ${total}`;
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${line}` : `${line}\n`);
};
const clearProgress = (): void => {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
};

const photoCost = async (workbench: Workbench) => {
  const { bytes } = await workbench.photo('12 MP JPEG');
  const medianOf = (values: readonly number[]): number => quantile(values, 0.5);
  const ingest = (await ingestCosts(workbench)).map(({ ours }) => ours);
  const resize = (await resizeCosts(workbench)).map(({ ours }) => ours);
  const meanOf = (values: readonly number[]): number =>
    values.reduce((total, value) => total + value, 0) / values.length;
  return {
    bytes: bytes.byteLength,
    ingestWallMilliseconds: medianOf(ingest.map(({ wallMilliseconds }) => wallMilliseconds)),
    // Linux counts hundredths of a second: the mean of many is more exact than their median.
    ingestCpuMilliseconds: meanOf(ingest.map(({ cpuMilliseconds }) => cpuMilliseconds)),
    resizeWallMilliseconds: medianOf(resize.map(({ wallMilliseconds }) => wallMilliseconds)),
    resizeCpuMilliseconds: meanOf(resize.map(({ cpuMilliseconds }) => cpuMilliseconds)),
  };
};

/** A row that fails does not end the run. */
const failed = (error: unknown): Impossible => {
  process.exitCode = 1;
  return { impossible: `it failed: ${error}` };
};

const measureAll = async (workbench: Workbench): Promise<readonly Result[]> => {
  const results: Result[] = [];
  for (const [index, { key, what, against, goal, measure }] of chosen.entries()) {
    current = `${index + 1} of ${chosen.length}, ${key}`;
    const startedAt = performance.now();
    const outcome = await measure(workbench).catch(failed);
    await workbench.stopWorkers();
    clearProgress();
    const result = isMeasured(outcome) ? outcome.ratio.median.toFixed(3) : outcome.impossible;
    console.log(`${current}: ${result} (${((performance.now() - startedAt) / 1000).toFixed(0)} s)`);
    results.push({ key, what, against, goal, outcome });
  }
  return results;
};

const workbench = createWorkbench({ seed, isShort, progress });
// All processes that it started end with this one: see local/end-with-parent.ts.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const machine = describeMachine();
console.log(
  `${machine.processor}, ${machine.cores} cores, load ${machine.loadBefore}, seed ${seed}${isShort ? ', in short' : ''}`,
);
if (!isShort && machine.loadBefore > 0.5) {
  console.log('This machine is busy: the ratios are valid, but their spread is wider.');
}
try {
  const results = await measureAll(workbench);
  const estimates =
    only === undefined && process.exitCode === undefined ? estimatesFor(await photoCost(workbench)) : [];
  await workbench.stop();

  console.log(`\n${tableOf(results, !isShort)}\n`);
  for (const { key, outcome } of results) {
    if (isMeasured(outcome) && outcome.seen !== undefined) console.log(`${key}: ${outcome.seen}`);
  }
  for (const { mode, lines, usd } of estimates) {
    const parts = Object.entries(lines).map(([name, dollars]) => `${name} ${dollars.toFixed(2)}`);
    console.log(`\nA million 12 MP photos, ${mode}: $ ${usd.toFixed(2)} (${parts.join(', ')})`);
  }

  const figures = {
    date: new Date().toISOString(),
    isShort,
    seed,
    machine,
    versions: describeVersions(),
    rows: results.map(({ outcome, ...row }) => ({
      ...row,
      ...outcome,
      verdict: isShort ? undefined : verdictOf({ ...row, outcome }),
    })),
    millionPhotosUsd: estimates,
  };
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${JSON.stringify(figures, rounded, 2)}\n`);
  const plotFile = `${jsonFile.replace(/\.json$/, '')}.svg`;
  writeFileSync(plotFile, plotOf(results));
  console.log(`\n${jsonFile}\n${plotFile}`);

  const measured = results.filter(({ outcome }) => isMeasured(outcome)).length;
  console.log(`\n${measured} rows measured, ${results.length - measured} not`);
} finally {
  await workbench.stop();
}

/** Five significant digits. */
function rounded(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
