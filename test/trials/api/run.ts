import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { endOf, startCommand } from '../../e2e/command.ts';
import { pythonEnvironment } from '../../e2e/python-environment.ts';
import { createRunFolder } from '../../e2e/run-folder.ts';
import { anySeed, readOptions, wholeOption } from '../options.ts';
import { type Figure, report, zero } from '../report.ts';
import { hasStackTrace, startStack } from '../stack.ts';
import { describedAnswers, descriptionSchema, readAnswers, withExamples } from './answers.ts';
import { imagesInEveryState, writeImages } from './images.ts';

const usage = `Usage: npm run test:api -- [option]...

Tries the API against its own description with Schemathesis. Needs Python 3.11 or newer with venv.

  --examples N   requests that are made up for each operation, beside the systematic ones (default 300)
  --seed N       the same seed makes up the same requests (default: another one each time)
  --short        40 examples
  --help         prints this`;

const options = readOptions(usage, {
  examples: { type: 'string', default: '300' },
  seed: { type: 'string', default: anySeed() },
  short: { type: 'boolean', default: false },
});
const examples = options.short ? 40 : wholeOption('examples', options.examples, 1, 100_000);
const seed = wholeOption('seed', options.seed, 0, 2 ** 32 - 1);
console.log(`seed ${seed}, ${examples} examples for each operation`);

/**
 * Described replies that this trial does not provoke: internal errors, slow senders, an exhausted budget,
 * foreign hosts and origins, forms of browsers, and those for very large or broken images. Other tests cover
 * them.
 */
const outOfReach =
  /^(?:\w+ (?:5\d\d|408|421|429)|upload (?:303|413|422)|(?:image|link|variantLink|description|client|page) 403)$/;

/** The part of Schemathesis' report that is read here. */
const verdictSchema = z.object({
  complete: z.boolean(),
  operations: z.object({ total: z.int(), tested: z.int() }),
  test_cases: z.object({ generated: z.int(), unique_failures: z.int() }),
  errors: z.array(z.object({ title: z.string(), count: z.int() })),
});

const limitSeconds = 60 + examples * 6;
const folder = createRunFolder('api');
const logFile = join(folder, 'schemathesis.log');
const programs = await pythonEnvironment({
  folder: resolve('.tmp/api/venv'),
  requirementsFile: join(import.meta.dirname, 'requirements.txt'),
  module: 'schemathesis',
  logFile: join(folder, 'install.log'),
});

const stack = await startStack({ visibilityTimeoutSeconds: 30 });
const { apiUrl } = stack;
try {
  await writeImages(join(folder, 'images'));
  const { ids, deletedId } = await imagesInEveryState(stack);
  writeFileSync(join(folder, 'ids.txt'), ids.map((id) => `"${id}"\n`).join(''));
  const description = await (await fetch(`${apiUrl}/openapi.json`)).text();
  writeFileSync(join(folder, 'openapi.json'), withExamples(description, [...ids, deletedId]));

  // Schemathesis expects its dictionary beside the description.
  const configurationFile = join(folder, 'schemathesis.toml');
  copyFileSync(join(import.meta.dirname, 'schemathesis.toml'), configurationFile);

  const command = startCommand(
    join(programs, 'schemathesis'),
    [
      ...['--config-file', configurationFile, 'run'],
      ...[join(folder, 'openapi.json'), '--url', apiUrl, '--no-color'],
      ...['--seed', String(seed), '--max-examples', String(examples)],
    ],
    {
      logFile,
      environment: {
        PATH: process.env['PATH'],
        HOME: folder,
        RUN_FOLDER: folder,
        SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'hooks.py'),
        HYPOTHESIS_STORAGE_DIRECTORY: join(folder, 'hypothesis'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    },
  );
  const late = setTimeout(() => void command.stop(), limitSeconds * 1000);
  const exitCode = await command.exitCode;
  clearTimeout(late);
  const verdictFile = join(folder, 'report.json');
  if (!existsSync(verdictFile)) throw new Error(`Schemathesis wrote no report:\n${endOf(logFile)}`);
  const verdict = verdictSchema.parse(JSON.parse(readFileSync(verdictFile, 'utf8')));
  const described = descriptionSchema.parse(JSON.parse(description));
  const { count, seen, bodies } = readAnswers(join(folder, 'answers.har'), apiUrl, described);
  const missing = describedAnswers(described).filter(
    (answer) => !seen.has(answer) && !outOfReach.test(answer),
  );
  const serverErrors = [...seen].filter(([answer]) => / 5\d\d$/.test(answer));

  if (exitCode !== 0) console.log(`\n${endOf(logFile, 400)}`);
  const figures: readonly Figure[] = [
    {
      name: 'operations tried',
      value: `${verdict.operations.tested} of ${verdict.operations.total}`,
      must: { be: 'all', holds: verdict.operations.tested === verdict.operations.total && verdict.complete },
    },
    { name: 'requests', value: count },
    {
      name: 'described replies not met',
      value: missing.join(', ') || 0,
      must: { be: '0', holds: missing.length === 0 },
    },
    zero('failures', verdict.test_cases.unique_failures),
    zero(
      'errors of the trial',
      verdict.errors.reduce((sum, error) => sum + error.count, 0),
    ),
    { name: 'exit code of Schemathesis', value: exitCode, must: { be: '0', holds: exitCode === 0 } },
    zero(
      'answers 5xx',
      serverErrors.reduce((sum, [, times]) => sum + times, 0),
    ),
    zero('replies with a stack trace', bodies.filter(hasStackTrace).length),
    zero('deaths of processes', stack.deaths().length),
    zero('log lines that leak', stack.leaks().length),
    { name: 'peak memory of ingest, MiB', value: Math.round(stack.peaksMiB()['ingest'] ?? 0) },
  ];
  console.log(
    [...seen]
      .map(([answer, times]) => `${answer}: ${times}`)
      .sort()
      .join('\n'),
  );
  report(`The API against its description, seed ${seed}`, figures);
  if (process.exitCode === 1) {
    copyFileSync(stack.logFile, join(folder, 'stack.log'));
    console.log(`All requests and replies are kept in ${folder}`);
  }
} finally {
  await stack.stop();
}
