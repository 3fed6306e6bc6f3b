import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { anySeed, readOptions, wholeOption } from '../options.ts';
import { createProgress, type Figure, report, zero } from '../report.ts';
import { startStack } from '../stack.ts';
import { createCorpus, type HostileInput } from './corpus.ts';
import { deliver } from './deliver.ts';
import { keepFailure, readInput } from './failures.ts';
import { watchIncidents } from './incidents.ts';
import { findLeftovers } from './leftovers.ts';
import { createTally } from './tally.ts';

const usage = `Usage: npm run test:hostile -- [options]

Sends damaged, lying and foreign files and bombs through ingest, queue and resize, and watches the processes.

  --short            as many inputs as take about a minute and a half
  --mutations N      inputs: 50,000, or 2,500 with --short
  --workers N        resize workers: 2
  --clients N        inputs under way at a time: 16
  --decoder-mib N    the most memory of a process that decodes: 1,700
  --process-mib N    the most memory of ingest and of a worker: 400
  --only INDEX       one input of the seed
  --replay FILE      one input that was kept in .tmp/hostile/, or any file
  --seed N           repeats a run
  --help             this text`;

const options = readOptions(usage, {
  short: { type: 'boolean', default: false },
  mutations: { type: 'string' },
  workers: { type: 'string', default: '2' },
  clients: { type: 'string', default: '16' },
  'decoder-mib': { type: 'string', default: '1700' },
  'process-mib': { type: 'string', default: '400' },
  only: { type: 'string' },
  replay: { type: 'string' },
  seed: { type: 'string' },
});
const seed = wholeOption('seed', options.seed ?? anySeed(), 0, 2 ** 32 - 1);
const mutations = wholeOption(
  'mutations',
  options.mutations ?? (options.short ? '2500' : '50000'),
  1,
  10_000_000,
);
const workers = wholeOption('workers', options.workers, 1, 16);
const clients = wholeOption('clients', options.clients, 1, 256);
const limits = {
  decoderMiB: wholeOption('decoder-mib', options['decoder-mib'], 1, 1_000_000),
  processMiB: wholeOption('process-mib', options['process-mib'], 1, 1_000_000),
};
const { replay } = options;
if (replay !== undefined && !existsSync(replay)) {
  console.error(`There is no file ${JSON.stringify(replay)}.\n\n${usage}`);
  process.exit(2);
}
const only = options.only === undefined ? undefined : wholeOption('only', options.only, 0, 10_000_000);

console.log(`seed ${seed}`);
const corpus = await createCorpus(seed);

/** Built one at a time: all inputs together would not fit into memory. */
const inputs: readonly (() => Promise<HostileInput>)[] =
  replay !== undefined
    ? [() => readInput(replay)]
    : only !== undefined
      ? [() => corpus.input(only)]
      : Array.from({ length: mutations }, (_, index) => () => corpus.input(index));

// Each decode of the slow lane may use its time twice, beside others that have priority: with the 20 s of the
// defaults the corpus would take hours.
const stack = await startStack({
  visibilityTimeoutSeconds: 60,
  workers,
  settings: { decodeTimeoutSeconds: 5 },
});
const tally = createTally();
const maxTold = 40;
const maxKept = 200;
const underWay = new Map<number, HostileInput>();
const failures: string[] = [];

const fail = async (input: HostileInput, problems: readonly string[]): Promise<void> => {
  const file = await keepFailure(seed, input, problems);
  failures.push(`${file}: ${problems.join('; ').slice(0, 300)}`);
};

/** Any input in progress may be the cause of an incident in a process, so all of them are kept. */
const incidents = watchIncidents(stack, limits, (what) => {
  const suspects = [...underWay.values()];
  failures.push(`${what}, with these under way: ${suspects.map(({ index }) => index).join(', ')}`);
  if (failures.length > maxKept) return;
  for (const input of suspects) void keepFailure(seed, input, [`was under way when ${what}`]);
});

const progress = createProgress('hostile inputs', inputs.length);
let next = 0;
let done = 0;
const client = async (): Promise<void> => {
  for (let take = inputs[next]; take !== undefined; take = inputs[next]) {
    const turn = next;
    next += 1;
    const input = await take();
    underWay.set(turn, input);
    const outcome = await deliver(stack.apiUrl, input);
    underWay.delete(turn);
    tally.count(input, outcome);
    if (outcome.problems.length > 0) await fail(input, outcome.problems);
    done += 1;
    progress(done);
  }
};

try {
  await Promise.all(Array.from({ length: clients }, client));
  const leftovers = await findLeftovers(stack);
  await incidents.stop();

  const peaks = Object.entries(stack.peaksMiB()).map(
    ([role, peakMiB]): Figure => ({
      name: `peak memory of ${role}, MiB`,
      value: Math.round(peakMiB),
      ...(role === 'services'
        ? {}
        : {
            must: {
              be: `at most ${role.endsWith('-decoder') ? limits.decoderMiB : limits.processMiB}`,
              holds: !incidents.overMemory.includes(role),
            },
          }),
    }),
  );
  for (const failure of failures.slice(0, maxTold)) console.log(failure);
  if (failures.length > maxTold) console.log(`… and ${failures.length - maxTold} more`);
  report(`Hostile inputs, seed ${seed}`, [
    ...tally.figures(),
    zero('inputs with an outcome that is not allowed', tally.failed()),
    zero('deaths of ingest, workers and services', stack.deaths().length),
    zero('deaths of decoders', incidents.decoderDeaths),
    zero('log lines that leak', stack.leaks().length),
    zero('messages still queued', leftovers.queued),
    zero('dead letters', leftovers.deadLetters),
    zero('records that were never settled', leftovers.received.length),
    zero('temporary files left', leftovers.files.length),
    ...peaks,
  ]);
  for (const leak of stack.leaks().slice(0, 5)) console.log(leak.slice(0, 500));
  console.log(`The processes' output: ${relative('', stack.logFile)}`);
} finally {
  await stack.stop();
}
