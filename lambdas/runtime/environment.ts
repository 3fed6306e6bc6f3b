import * as z from 'zod';

// Zod would compile code of its own for each schema when it first uses it: 5 ms of a cold start, and nothing to gain later.
z.config({ jitless: true });

/** A whole number, as an environment variable spells it. */
export const wholeNumber = z.string().regex(/^\d+$/, 'a whole number').transform(Number);

/** A value as JSON. */
export const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, { issues }) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        issues.push({ code: 'custom', input: text, message: 'not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

/**
 * Reads a process's environment once, at its start.
 *
 * @throws Error naming every variable that is missing or malformed, so that a wrong deployment fails on its first line
 */
export const readEnvironment = <Schema extends z.ZodType>(
  schema: Schema,
  variables = process.env,
): z.output<Schema> => {
  const { success, data, error } = schema.safeParse(variables);
  if (success) return data;
  throw new Error(`Wrong environment:\n${z.prettifyError(error)}`);
};
