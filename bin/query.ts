import { join } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { type NamedQuery, namedQueries } from '../lib/lake/named-queries.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../lib/resize/function-memory.ts';
import { resources } from '../local/aws.ts';
import { readOptions } from '../local/options.ts';
import { StartError } from '../local/start-error.ts';
import { type Answer, openLocalLake } from './query/engine.ts';
import { asCsv, asJson, asTable } from './query/output.ts';
import { createProgress } from './query/progress.ts';

/** Asks the events on this machine what Athena is asked of those in AWS, in the same words. */
const usage = `Usage: npm run query -- NAME [--csv | --json]
       npm run query -- --list

  --csv, --json  the answer for a program to read; npm adds no line of its own with "npm run --silent query -- …"
  --list         what can be asked
  PORT=3100      asks the events of the npm start that has this port`;

const readArguments = () => {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        csv: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
      },
    });
    if (values.csv && values.json) throw new Error('Give --csv or --json, not both.');
    if (positionals.length > 1) throw new Error(`One query at a time (given ${positionals.join(', ')}).`);
    return { ...values, name: positionals[0] };
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
};

const listOf = (queries: readonly NamedQuery[]): string => {
  const width = Math.max(...queries.map(({ name }) => name.length));
  return queries.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`).join('\n');
};

const ask = async ({ name, sql }: NamedQuery, directory: string): Promise<Answer> => {
  const lake = await openLocalLake(directory);
  const progress = createProgress(name);
  try {
    const answer = await lake.ask(sql, progress.show);
    if (lake.isEmpty) {
      console.error(`There are no events in ${directory} yet. Upload an image to npm start, and ask again.`);
    } else if (answer.rows.length === 0) {
      console.error('There is nothing of the kind within the last 30 days.');
    }
    return answer;
  } finally {
    progress.end();
    lake.close();
  }
};

try {
  const { name, list, csv, json } = readArguments();
  const { settings, dataFolder } = readOptions([], process.env);
  const queries = namedQueries({
    ingestMemoryMiB,
    resizeMemoryMiB: resizeMemoryMiB(settings, 'slow'),
  });
  const query = queries.find((each) => each.name === name);
  if (list) {
    console.log(listOf(queries));
  } else if (name === undefined) {
    throw new StartError(`${usage}\n\nThere are:\n${listOf(queries)}`);
  } else if (query === undefined) {
    throw new StartError(`There is no query ${JSON.stringify(name)}. There are:\n${listOf(queries)}`);
  } else {
    // Where the embedded S3 keeps the bucket.
    const answer = await ask(query, join(dataFolder, 's3', resources.dataLakeBucket));
    process.stdout.write(json ? asJson(answer) : csv ? asCsv(answer) : asTable(answer));
  }
} catch (error) {
  console.error(`\n${error instanceof StartError ? error.message : inspect(error)}\n`);
  process.exitCode = 1;
}
