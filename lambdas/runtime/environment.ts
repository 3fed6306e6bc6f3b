import * as z from 'zod';

// Zod would compile code for each schema on first use: 5 ms of a cold start, and no gain later.
z.config({ jitless: true });

/** Text on the outside, a typed value on the inside. */
type Variable = z.ZodType<unknown, string | undefined>;

/**
 * The variables of a process by the names of their values: `rawBucket` is the variable RAW_BUCKET. The
 * process that reads an environment shares the table with its writers: constructs, `npm start` and tests.
 */
export type EnvironmentTable = Readonly<Record<string, Variable>>;

/** What a process reads. */
export type EnvironmentOf<Table extends EnvironmentTable> = Readonly<z.output<z.ZodObject<Table>>>;

type OptionalName<Table extends EnvironmentTable> = {
  [Name in keyof Table]: undefined extends z.input<Table[Name]> ? Name : never;
}[keyof Table];

/** What a writer must know. Variables with a default may be left out. */
export type ValuesOf<Table extends EnvironmentTable> = {
  readonly [Name in Exclude<keyof Table, OptionalName<Table>>]: z.output<Table[Name]>;
} & { readonly [Name in OptionalName<Table>]?: z.output<Table[Name]> };

/** A name, a URL or an ARN. */
export const text = z.string('missing').min(1, 'empty');

/** A URL that paths are appended to. */
export const baseUrl = z
  .string('missing')
  .regex(/^https?:\/\/[^\s?#]*[^\s?#/]$/, 'a URL without a slash at the end');

export const wholeNumber = z.codec(z.string('missing').regex(/^\d+$/, 'a whole number'), z.int(), {
  decode: Number,
  encode: String,
});

export const json = <Schema extends z.ZodType>(schema: Schema) =>
  z.codec(z.string('missing'), schema, {
    decode: (value, { issues }) => {
      try {
        return JSON.parse(value);
      } catch {
        issues.push({ code: 'custom', input: value, message: 'not JSON' });
        return z.NEVER;
      }
    },
    encode: (value) => JSON.stringify(value),
  });

/** `decodeMemoryMiB` -> `DECODE_MEMORY_MIB` */
const variableName = (name: string): string => name.replaceAll(/(?=[A-Z][a-z])/g, '_').toUpperCase();

/**
 * Reads the environment of a process, once at its start.
 *
 * @throws Error naming every variable that is missing or malformed
 */
export const readEnvironment = <Table extends EnvironmentTable>(
  table: Table,
  variables: Readonly<Record<string, string | undefined>> = process.env,
): EnvironmentOf<Table> => {
  const given = Object.fromEntries(Object.keys(table).map((name) => [name, variables[variableName(name)]]));
  const { success, data, error } = z.object(table).safeParse(given);
  if (success) return data;
  const errors = error.issues.map(({ path: [name = '', ...rest], message }) =>
    [[variableName(String(name)), ...rest].join('.'), message].join(': '),
  );
  throw new Error(`Wrong environment:\n${errors.map((line) => `  ${line}`).join('\n')}`);
};

/** The variables for `readEnvironment`. */
export const writeEnvironment = <Table extends EnvironmentTable>(
  table: Table,
  values: ValuesOf<Table>,
): Record<string, string> => writeVariables(table, values);

/** Some of the variables for `readEnvironment`, to add to others. */
export const writeVariables = <Table extends EnvironmentTable>(
  table: Table,
  values: Partial<ValuesOf<Table>>,
): Record<string, string> => {
  const given: Readonly<Record<string, unknown>> = values;
  return Object.fromEntries(
    Object.entries(table).flatMap(([name, variable]) => {
      const value = given[name];
      const written = value === undefined ? undefined : z.encode(variable, value);
      return written === undefined ? [] : [[variableName(name), written]];
    }),
  );
};
