import { imageEventSchema } from '../image/event.ts';
import { type Column, columns, keptDays, type Partition } from './table.ts';

type Cell = string | number | readonly Row[] | undefined;
export interface Row {
  readonly [column: string]: Cell;
}

/** An event as a row of the table, or why it is refused. */
export type Placed =
  | { readonly row: Row; readonly partition: Partition }
  /** Names what is wrong, and repeats nothing of the message. */
  | { readonly refusal: string };

const dayMilliseconds = 86_400_000;

/** The largest expected difference between the clocks of two machines. */
const clockMilliseconds = 3_600_000;

/**
 * Turns the body of a message into a row. An event is dated by its own time, so all its copies are in one
 * partition, however late they arrive.
 */
export const placeEvent = (body: string, now: Date): Placed => {
  const { success, data: event, error } = imageEventSchema.safeParse(parsed(body));
  if (!success) {
    const wrong = error.issues.map(({ path, code }) => `${path.join('.') || 'all of it'} (${code})`);
    return { refusal: `no event of this version: ${wrong.join(', ')}` };
  }
  const time = new Date(event.time);
  // Queries read no other days.
  const age = now.getTime() - time.getTime();
  if (age < -clockMilliseconds) return { refusal: 'dated in the future' };
  if (age > keptDays * dayMilliseconds) return { refusal: `older than ${keptDays} days` };
  return {
    row: rowOf(event, columns),
    partition: { type: event.type, dt: time.toISOString().slice(0, 10) },
  };
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const rowOf = (source: unknown, of: readonly Column[]): Row =>
  Object.fromEntries(of.map((column) => [column.name, cellOf(source, column)]));

const cellOf = (source: unknown, { type, from }: Column): Cell => {
  const value = from.reduce(fieldOf, source);
  if (value === undefined) return undefined;
  if (typeof type !== 'string') {
    return Array.isArray(value) ? value.map((item) => rowOf(item, type)) : undefined;
  }
  // Firehose reads at most nine digits of a second (Firehose Developer Guide, "Record format conversion").
  if (type === 'timestamp') return new Date(String(value)).toISOString();
  return type === 'bigint' ? Number(value) : String(value);
};

const fieldOf = (source: unknown, name: string): unknown =>
  typeof source === 'object' && source !== null ? Reflect.get(source, name) : undefined;
