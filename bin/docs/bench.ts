import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { table } from './table.ts';

const benchSchema = z.object({
  rows: z.array(
    z.object({
      what: z.string(),
      against: z.string(),
      goal: z.object({ be: z.enum(['at most', 'at least']), ratio: z.number() }).optional(),
      ratio: z.object({ median: z.number(), p10: z.number(), p90: z.number() }).optional(),
      verdict: z.string(),
    }),
  ),
});

/** The rows of the last whole run of the bench that were measured. */
export const benchTable = (): string => {
  const { rows } = benchSchema.parse(JSON.parse(readFileSync('docs/bench.json', 'utf8')));
  return table(
    ['Measured', 'Compared with', 'Ratio (p10 to p90)', 'Goal', ''],
    rows.flatMap(({ what, against, goal, ratio, verdict }) => {
      if (ratio === undefined) return [];
      const spread = `${ratio.median.toFixed(2)} (${ratio.p10.toFixed(2)} to ${ratio.p90.toFixed(2)})`;
      return [[what, against, spread, goal ? `${goal.be} ${goal.ratio}` : '', verdict]];
    }),
  );
};
