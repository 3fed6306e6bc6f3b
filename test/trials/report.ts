/** Reports the progress of a trial: on one line of a terminal, otherwise on a new line every 15 s. */
export const createProgress = (what: string, total: number) => {
  const startedAt = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  return (done: number): void => {
    const now = performance.now();
    const isLast = done === total;
    if (!isLast && now - shownAt < (process.stdout.isTTY ? 200 : 15_000)) return;
    shownAt = now;
    const line = `${what}: ${done} of ${total}, ${Math.round((now - startedAt) / 1000)} s`;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${line}${isLast ? '\n' : ''}`);
    else console.log(line);
  };
};

/** A figure of the report; with a limit it is also a check. */
export interface Figure {
  readonly name: string;
  readonly value: number | string;
  /** The required value, in words and as a check. @default - the figure is not checked */
  readonly must?: { readonly be: string; readonly holds: boolean };
}

/** Prints the figures of a trial and the number of checks. If a check fails, the process exits with 1. */
export const report = (title: string, figures: readonly Figure[]): void => {
  const width = Math.max(...figures.map(({ name }) => name.length));
  console.log(`\n${title}`);
  for (const { name, value, must } of figures) {
    const verdict =
      must === undefined ? '' : must.holds ? `  (${must.be}: yes)` : `  FAILED: must be ${must.be}`;
    console.log(`  ${name.padEnd(width)}  ${value}${verdict}`);
  }
  const checks = figures.flatMap(({ must }) => (must === undefined ? [] : [must.holds]));
  const failed = checks.filter((holds) => !holds).length;
  console.log(`\n${checks.length - failed} passed, ${failed} failed\n`);
  if (checks.length === 0) throw new Error(`${title} checked nothing.`);
  if (failed > 0) process.exitCode = 1;
};

/** A value that must be zero. */
export const zero = (name: string, value: number): Figure => ({
  name,
  value,
  must: { be: '0', holds: value === 0 },
});
