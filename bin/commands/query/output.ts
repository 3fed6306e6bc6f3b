import type { Answer, Cell } from './engine.ts';

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 6 });

/** Aligned columns for a terminal, with numbers on the right. */
export const asTable = ({ columns, rows }: Answer): string => {
  const texts = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? grouped.format(cell) : (cell ?? ''))),
  );
  const isNumeric = columns.map((_, index) => rows.some((row) => typeof row[index] === 'number'));
  const widths = columns.map((name, index) =>
    Math.max(name.length, ...texts.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, index) =>
        isNumeric[index] ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [columns, widths.map((width) => '-'.repeat(width)), ...texts]
    .map((cells) => `${line(cells)}\n`)
    .join('');
};

/** RFC 4180, with line feeds as line ends. */
export const asCsv = ({ columns, rows }: Answer): string =>
  [columns, ...rows].map((cells) => `${cells.map(csvField).join(',')}\n`).join('');

const csvField = (cell: Cell): string => {
  const text = String(cell ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** An array with one object for each row. */
export const asJson = ({ columns, rows }: Answer): string => {
  const objects = rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])));
  return `${JSON.stringify(objects, undefined, 2)}\n`;
};
