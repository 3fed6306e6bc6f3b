import * as z from 'zod';

/** What the function in front of the lake reads from its environment. */
export const lakeEnvironment = z.object({
  STACK_NAME: z.string().min(1),
});

export type LakeEnvironment = z.input<typeof lakeEnvironment>;
