type Row = readonly (string | number)[];

/** A Markdown table. Vertical bars in cells are escaped. */
export const table = (head: Row, rows: readonly Row[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

/** The same with a last row in bold, such as a total. */
export const tableWithTotal = (head: Row, rows: readonly Row[], total: Row): string =>
  table(head, [...rows, total.map((cell) => (cell === '' ? '' : `**${cell}**`))]);

export const code = (text: string): string => `\`${text}\``;

/** Dollars with cents: 1,234.50. */
export const dollars = (usd: number): string =>
  usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
