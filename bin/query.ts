import { join } from 'node:path';
import { ingestMemoryMiB, resizeMemoryMiB } from '../lib/function-memory.ts';
import { type NamedQuery, namedQueries } from '../lib/lake/named-queries.ts';
import { resources } from '../local/aws.ts';
import { readOptions } from '../local/options.ts';
import { readArguments, runCommand, UsageError } from './commands/command.ts';
import { createProgress } from './commands/progress.ts';
import { type Answer, openLocalLake } from './commands/query/engine.ts';
import { asCsv, asJson, asTable } from './commands/query/output.ts';
import { portsWithEvents } from './commands/query/ports-with-events.ts';

const usage = `Usage: npm run query -- NAME [--csv | --json]
       npm run query -- --list

  --csv, --json  prints the answer for programs; "npm run --silent query -- …" prints nothing else
  --list         lists the queries
  PORT=3100      queries the events of the npm start at this port`;

const listOf = (queries: readonly NamedQuery[]): string => {
  const width = Math.max(...queries.map(({ name }) => name.length));
  return queries.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`).join('\n');
};

/** What to do where there are no events: those of an `npm start` at another port may be meant. */
const hintAt = (name: string): string => {
  const ports = portsWithEvents();
  return ports.length === 0
    ? 'Upload an image to npm start first.'
    : `There are some at other ports: ${ports.map((port) => `PORT=${port} npm run query -- ${name}`).join(', ')}`;
};

const ask = async ({ name, sql }: NamedQuery, directory: string): Promise<Answer> => {
  const lake = await openLocalLake(directory);
  const progress = createProgress({ name, total: 100, describe: (percent) => `${Math.floor(percent)} %` });
  try {
    const answer = await lake.ask(sql, progress.show);
    if (lake.isEmpty) {
      console.error(`There are no events in ${directory} yet. ${hintAt(name)}`);
    } else if (answer.rows.length === 0) {
      console.error('No event of the last 30 days matches.');
    }
    return answer;
  } finally {
    progress.end();
    lake.close();
  }
};

/** Runs a named query of the data lake on the events of `npm start`. */
await runCommand(async () => {
  const { values, positionals } = readArguments(usage, {
    allowPositionals: true,
    options: {
      csv: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.csv && values.json) throw new UsageError(`Give --csv or --json, not both.\n\n${usage}`);
  if (positionals.length > 1) {
    throw new UsageError(`One query at a time (given ${positionals.join(', ')}).\n\n${usage}`);
  }
  const { settings, dataFolder } = readOptions([], process.env);
  const queries = namedQueries({
    ingestMemoryMiB,
    resizeMemoryMiB: resizeMemoryMiB(settings, 'slow'),
  });
  if (values.list) {
    console.log(listOf(queries));
    return 0;
  }
  const [name] = positionals;
  if (name === undefined) throw new UsageError(`${usage}\n\nThe queries:\n${listOf(queries)}`);
  const query = queries.find((each) => each.name === name);
  if (query === undefined) {
    throw new UsageError(`There is no query ${JSON.stringify(name)}. The queries:\n${listOf(queries)}`);
  }
  // The folder in which the S3 emulator keeps the bucket.
  const answer = await ask(query, join(dataFolder, 's3', resources.dataLakeBucket));
  process.stdout.write(values.json ? asJson(answer) : values.csv ? asCsv(answer) : asTable(answer));
  return 0;
});
