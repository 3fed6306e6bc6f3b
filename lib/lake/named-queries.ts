import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { eventCostsTable } from '../cost/event-costs.ts';

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
  const tables = { events: once, event_costs: eventCostsTable(props) };
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
