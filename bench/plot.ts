import { html } from 'hono/html';
import { goalOf, isMeasured, type Result, shareOfGoal } from './report.ts';

const rowHeight = 30;
const labelWidth = 540;
const plotWidth = 330;
const rightWidth = 150;
const top = 44;

/** The end of the scale; longer bars are cut off, beside their figure. */
const maxShare = 2;

const escaped = (text: string): string => String(html`${text}`);

const px = (value: number): string => value.toFixed(1);

/**
 * A bar for each row that has a goal, as long as its ratio relative to the goal: one that ends before the
 * line meets it. The whiskers are the 10th and the 90th percentile. Colours follow the light or dark scheme
 * of the reader.
 */
export const plotOf = (results: readonly Result[]): string => {
  const rows = results.flatMap(({ what, against, goal, outcome }) =>
    goal !== undefined && isMeasured(outcome) ? [{ what, against, goal, ...outcome }] : [],
  );
  const height = top + rows.length * rowHeight + 12;
  const width = labelWidth + plotWidth + rightWidth;
  const at = (share: number): number => labelWidth + (Math.min(share, maxShare) / maxShare) * plotWidth;
  const lines = rows.map(({ what, against, goal, ratio }, index) => {
    const y = top + index * rowHeight;
    const middle = y + rowHeight / 2 - 2;
    const share = shareOfGoal(goal, ratio.median);
    const ends = [ratio.p10, ratio.p90].map((end) => at(shareOfGoal(goal, end)));
    return [
      `<text class="label" x="${labelWidth - 10}" y="${px(middle - 2)}" text-anchor="end">${escaped(what)}</text>`,
      `<text class="against" x="${labelWidth - 10}" y="${px(middle + 10)}" text-anchor="end">against ${escaped(against)}</text>`,
      `<rect class="${share <= 1 ? 'met' : 'missed'}" x="${labelWidth}" y="${px(middle - 6)}" width="${px(at(share) - labelWidth)}" height="12" rx="2"/>`,
      `<path class="spread" d="M${px(Math.min(...ends))} ${px(middle)}H${px(Math.max(...ends))}"/>`,
      `<text class="label" x="${labelWidth + plotWidth + 10}" y="${px(middle + 4)}">${ratio.median.toFixed(2)}<tspan class="against" dx="6">goal ${escaped(goalOf(goal))}</tspan></text>`,
    ].join('\n');
  });
  const goalX = px(at(1));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="How each measured ratio compares with its goal">
<style>
svg { font-family: system-ui, sans-serif; }
.label { font-size: 13px; fill: #1f2328; }
.against { font-size: 10.5px; fill: #656d76; }
.met { fill: #2da44e; }
.missed { fill: #d4a72c; }
.goal { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 4 3; }
.spread { stroke: #1f2328; stroke-width: 1.5; opacity: 0.55; }
@media (prefers-color-scheme: dark) {
.label { fill: #e6edf3; }
.against { fill: #8d96a0; }
.met { fill: #3fb950; }
.missed { fill: #d29922; }
.goal, .spread { stroke: #e6edf3; }
}
</style>
<text class="label" x="${goalX}" y="18" text-anchor="middle">goal</text>
<text class="against" x="${goalX}" y="31" text-anchor="middle">bars that end before it meet it</text>
${lines.join('\n')}
<path class="goal" d="M${goalX} ${top - 8}V${height - 8}"/>
</svg>
`;
};
