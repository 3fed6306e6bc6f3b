import { readFileSync } from 'node:fs';
import * as z from 'zod';

const published = z
  .object({
    isShort: z.literal(false),
    rows: z.array(
      z.object({
        key: z.string(),
        goal: z.object({ be: z.enum(['at most', 'at least']), ratio: z.number() }).optional(),
        ratio: z.object({ median: z.number() }).optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync('docs/bench.json', 'utf8')));

test('publishes a whole run, and the plot of the same one', () => {
  const measured = published.rows.flatMap(({ goal, ratio }) => (goal && ratio ? [{ goal, ratio }] : []));
  expect(measured.length).toBeGreaterThanOrEqual(13);
  const plot = readFileSync('docs/bench.svg', 'utf8');
  const plotted = [...plot.matchAll(/>([\d.]+)<tspan class="against" dx="6">goal (?:≤|≥) ([\d.]+)/g)].map(
    ([, ratio, goal]) => [Number(ratio), Number(goal)],
  );
  expect(plotted).toEqual(measured.map(({ goal, ratio }) => [Number(ratio.median.toFixed(2)), goal.ratio]));
});
