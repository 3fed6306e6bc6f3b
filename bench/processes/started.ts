import * as z from 'zod';

/** What a starter is asked for. */
export const startSchema = z.object({
  file: z.string(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
});

/** What it answers. */
export const startedSchema = z.union([
  z.object({ milliseconds: z.number(), word: z.string() }),
  z.object({ failed: z.string() }),
]);

export type Started = z.output<typeof startedSchema>;
