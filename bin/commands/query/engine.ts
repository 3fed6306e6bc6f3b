import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type JS } from '@duckdb/node-api';
import {
  type Column,
  columns,
  lakePrefixes,
  partitionColumns,
  tableName,
} from '../../../lambdas/lake/table.ts';

export type Cell = string | number | null;

export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The data lake on this machine. */
export interface LocalLake {
  /** Whether there are no events yet. */
  readonly isEmpty: boolean;
  /** @param onProgress called every 100 ms with DuckDB's estimate of the progress, in percent */
  ask(sql: string, onProgress: (percent: number) => void): Promise<Answer>;
  close(): void;
}

const dialect = readFileSync(join(import.meta.dirname, 'athena-in-duckdb.sql'), 'utf8');

/**
 * Reads events from the files of the S3 emulator, which cannot list a bucket's objects under a prefix.
 *
 * @param directory the bucket's folder in the emulator's store
 */
export const openLocalLake = async (directory: string): Promise<LocalLake> => {
  const instance = await DuckDBInstance.create(':memory:', {
    // DuckDB must not download anything.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run('SET enable_progress_bar = true; SET enable_progress_bar_print = false;');
  await connection.run(dialect);
  const folders = partitionColumns.map(({ name }) => `${name}=*`);
  // The suffix of the file in which the S3 emulator keeps an object.
  const files = quoted(join(directory, lakePrefixes.events, ...folders, '*._S3rver_object'));
  const found = await connection.runAndReadAll(`SELECT * FROM glob(${files}) LIMIT 1`);
  const isEmpty = found.currentRowCount === 0;
  await connection.run(`CREATE VIEW ${tableName} AS ${isEmpty ? noEvents : eventsIn(files)}`);
  return {
    isEmpty,
    ask: (sql, onProgress) => ask(connection, sql, onProgress),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
};

const ask = async (
  connection: DuckDBConnection,
  sql: string,
  onProgress: (percent: number) => void,
): Promise<Answer> => {
  const timer = setInterval(() => onProgress(Math.max(0, connection.progress.percentage)), 100);
  try {
    const reader = await connection.runAndReadAll(sql);
    onProgress(100);
    return { columns: reader.columnNames(), rows: reader.getRowsJS().map((row) => row.map(cellOf)) };
  } finally {
    clearInterval(timer);
  }
};

const cellOf = (value: JS): Cell => {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  // Athena's notation.
  if (value instanceof Date) return value.toISOString().replace('T', ' ').replace('Z', '');
  throw new Error(`A query returned a value of the type ${typeof value}, which is not supported.`);
};

const duckDBTypes = { string: 'VARCHAR', bigint: 'BIGINT', timestamp: 'TIMESTAMP' } as const;

const typeOf = ({ type }: Column): string =>
  typeof type === 'string'
    ? duckDBTypes[type]
    : `STRUCT(${type.map((column) => `${column.name} ${typeOf(column)}`).join(', ')})[]`;

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const eventsIn = (files: string): string => `
  SELECT * FROM read_json(${files},
    format = 'newline_delimited',
    columns = {${columns.map((column) => `${column.name}: ${quoted(typeOf(column))}`).join(', ')}},
    hive_partitioning = true,
    hive_types = {${partitionColumns.map(({ name }) => `${name}: VARCHAR`).join(', ')}})`;

/** read_json fails when there are no files. */
const noEvents = `
  SELECT ${[
    ...columns.map((column) => `NULL::${typeOf(column)} AS ${column.name}`),
    ...partitionColumns.map(({ name }) => `NULL::VARCHAR AS ${name}`),
  ].join(', ')}
  WHERE false`;
