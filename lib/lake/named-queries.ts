import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { prices } from '../cost/prices.ts';

export interface NamedQuery {
  readonly name: string;
  /** The question that it answers, in one sentence. */
  readonly description: string;
  /** In Athena's dialect. */
  readonly sql: string;
}

export interface NamedQueriesProps {
  readonly ingestMemoryMiB: number;
  readonly resizeMemoryMiB: number;
}

const folder = join(import.meta.dirname, 'queries');
const once = readFileSync(join(import.meta.dirname, 'once.sql'), 'utf8').trimEnd();

/** All named queries: one for each file, after the definitions of the tables that it reads. */
export const namedQueries = (props: NamedQueriesProps): readonly NamedQuery[] => {
  const tables = { events: once, prices: pricesTable(props) };
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8').trimEnd();
      const [, description = '', body = ''] = /^-- (.+)\n([\s\S]+)$/.exec(text) ?? [];
      const read = Object.entries(tables).filter(([name]) =>
        new RegExp(`(?:FROM|JOIN) ${name}\\b`).test(body),
      );
      const sql = `-- ${description}\nWITH\n${read.map(([, table]) => table).join(',\n')}\n${body}`;
      return { name: basename(file, '.sql'), description, sql };
    });
};

/** A table with one row and a column for each price. */
const pricesTable = ({ ingestMemoryMiB, resizeMemoryMiB }: NamedQueriesProps): string => {
  const values = {
    ...prices,
    ingestGigabytes: ingestMemoryMiB / 1024,
    resizeGigabytes: resizeMemoryMiB / 1024,
  };
  const columns = Object.entries(values).map(
    // An exponent makes a number a DOUBLE in Athena and in DuckDB; without one it is a DECIMAL.
    ([name, value]) => `    ${value.toExponential().toUpperCase()} AS ${snakeCase(name)}`,
  );
  return `-- List prices of us-east-2, and the memory of the functions.\nprices AS (\n  SELECT\n${columns.join(',\n')}\n)`;
};

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
