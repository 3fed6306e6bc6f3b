import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { project } from '../../local/processes.ts';
import { anySeed, readOptions, wholeOption } from '../options.ts';
import { createRandom } from '../random.ts';
import { report, zero } from '../report.ts';
import { allCells, sampleCells } from './cells.ts';
import { runKills } from './kills.ts';
import { runMatrix } from './matrix.ts';
import { runPoison } from './poison.ts';

const usage = `Usage: npm run test:faults -- [options]

Fails every call between the handlers and their services in every way, poisons the queue, and kills processes under load.

  --short        a sample of the cells and 15 kills: about a minute and a half
  --only WORDS   the cells whose names have all of these words, such as "GetObject reset after lasting" or "SendMessage";
                 or one part: "poison" or "kills"
  --kills N      kills of ingest, workers and decoders: 200, or 15 with --short
  --restarts N   kills of the services under load: 10, or 1 with --short
  --lanes N      how many cells run at the same time: 4, or 3 with --short
  --seed N       repeats a run's choices
  --help         this text`;

const options = readOptions(usage, {
  short: { type: 'boolean', default: false },
  only: { type: 'string' },
  kills: { type: 'string' },
  restarts: { type: 'string' },
  lanes: { type: 'string' },
  seed: { type: 'string' },
});
const { short: isShort, only } = options;
const whole = (name: 'kills' | 'restarts' | 'lanes' | 'seed', byDefault: number, from: number, to: number) =>
  wholeOption(name, options[name] ?? String(byDefault), from, to);
const kills = whole('kills', isShort ? 15 : 200, 1, 10_000);
const restarts = whole('restarts', isShort ? 1 : 10, 0, kills);
const lanes = whole('lanes', isShort ? 3 : 4, 1, 16);
const seed = whole('seed', Number(anySeed()), 0, 2 ** 32 - 1);

const words = only?.split(/\s+/).filter(Boolean);
const isPart = words?.[0] === 'poison' || words?.[0] === 'kills';
const matching = allCells.filter(({ name }) => words?.every((word) => name.split(' ').includes(word)));
const cells = isPart ? [] : words ? matching : isShort ? sampleCells(createRandom(seed)) : allCells;
if (words && !isPart && cells.length === 0) {
  console.error(`There is no cell ${JSON.stringify(only)}.\n\n${usage}`);
  process.exit(2);
}
const runs = (part: 'poison' | 'kills'): boolean => words === undefined || words[0] === part;

console.log(`seed ${seed}${isShort ? ', short' : ''}`);
const startedAt = performance.now();
const matrix = cells.length > 0 ? await runMatrix(cells, { seed, lanes }) : undefined;
const poison = runs('poison') ? await runPoison(createRandom(seed + 1)) : undefined;
const killing = runs('kills')
  ? await runKills({ random: createRandom(seed + 2), kills, restarts })
  : undefined;

const results = matrix?.results ?? [];
const parts = [matrix, poison, killing].flatMap((part) => (part === undefined ? [] : [part]));
const failures = [
  ...results.map(({ cell, problems }) => ({ name: cell.name, problems })),
  { name: 'poison', problems: poison?.problems ?? [] },
  { name: 'kills', problems: killing?.problems ?? [] },
].filter(({ problems }) => problems.length > 0);
const uploads = [results, poison ?? [], killing ?? []].flat().flatMap((part) => part.uploads);
const accepted = uploads.filter(({ id }) => id !== undefined).length;
const ready = [results, poison ?? [], killing ?? []].flat().reduce((sum, part) => sum + part.ready, 0);
const killed = Object.values(killing?.kills ?? {}).reduce((sum, count) => sum + count, 0);
const deaths = parts.flatMap((part) => part.deaths);
const leaks = parts.flatMap((part) => part.leaks);
const unexpectedDeadLetters =
  results.flatMap(({ deadLetters }) => deadLetters).length + (killing?.deadLetters.length ?? 0);

if (failures.length + deaths.length + leaks.length > 0) {
  const file = `.tmp/faults-${seed}.json`;
  await mkdir(join(project, '.tmp'), { recursive: true });
  const logFiles = parts.flatMap((part) => part.logFiles.map((path) => relative(project, path)));
  await writeFile(
    join(project, file),
    JSON.stringify({ seed, failures, deaths, leaks, logFiles }, undefined, 2),
  );
  console.log('');
  for (const { name, problems } of failures) {
    console.log(`${name}: ${problems.length} problems, the first: ${problems[0]}`);
    console.log(`  again: npm run test:faults -- --seed ${seed} --only "${name}"`);
  }
  console.log(`Details, and the paths of the logs: ${file}`);
}

report(`Faults, seed ${seed}, ${Math.round((performance.now() - startedAt) / 1000)} s`, [
  ...(matrix
    ? [
        { name: 'cells run', value: results.length },
        zero('cells failed', results.filter(({ problems }) => problems.length > 0).length),
        { name: 'requests that a fault hit', value: results.reduce((sum, { hits }) => sum + hits, 0) },
      ]
    : []),
  { name: 'uploads tried', value: uploads.reduce((sum, { attempts }) => sum + attempts, 0) },
  {
    name: 'uploads refused, then retried',
    value: uploads.reduce((sum, { refusals }) => sum + refusals, 0),
  },
  zero('images never accepted', uploads.length - accepted),
  { name: 'images accepted', value: accepted },
  { name: 'images ready, thumbnail shown', value: ready },
  zero('images lost', accepted - ready),
  ...(poison
    ? [
        {
          name: 'dead letters made / found',
          value: `${poison.expectedDeadLetters} / ${poison.foundDeadLetters}`,
          must: { be: 'equal', holds: poison.expectedDeadLetters === poison.foundDeadLetters },
        },
        {
          name: 'slowest neighbour without / with poison, ms',
          value: `${poison.slowestMilliseconds.without} / ${poison.slowestMilliseconds.with}`,
        },
        zero('problems with poison', poison.problems.length),
      ]
    : []),
  ...(killing
    ? [
        { name: 'kills of ingest', value: killing.kills.ingest },
        { name: 'kills of workers', value: killing.kills.worker },
        { name: 'kills of decoders', value: killing.kills.decoder },
        {
          name: 'kills in total',
          value: killed,
          must: { be: String(kills), holds: killed === kills },
        },
        {
          name: 'restarts of the services',
          value: killing.restarts,
          must: { be: String(restarts), holds: killing.restarts === restarts },
        },
        zero('problems with kills', killing.problems.length),
      ]
    : []),
  zero('other dead letters', unexpectedDeadLetters),
  zero('unexpected deaths', deaths.length),
  zero('lines that leak', leaks.length),
]);
