import * as z from 'zod';

/** A request to the starter. */
export const startSchema = z.object({
  file: z.string(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
});

/** Its reply. */
export const startedSchema = z.union([
  z.object({ milliseconds: z.number(), output: z.string() }),
  z.object({ failed: z.string() }),
]);

export type Started = z.output<typeof startedSchema>;
