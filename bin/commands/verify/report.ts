import type { Outcome } from './outcome.ts';
import type { Result } from './runner.ts';

/** What a run of all checks has found. */
export interface Report {
  readonly stack: string;
  readonly region: string;
  readonly results: readonly Result[];
  /** Why the run ended before the last check; undefined if it did not. */
  readonly stoppedBy: string | undefined;
  /** A sentence for each thing that the run created and could not remove. */
  readonly left: readonly string[];
}

/** As in the help of the command. */
export const exitCodes = { allHeld: 0, failed: 1, couldNotRun: 2 } as const;

const statuses = ['held', 'failed', 'unknown', 'skipped'] as const satisfies readonly Outcome['status'][];

const countsOf = ({ results }: Report) =>
  Object.fromEntries(
    statuses.map((status) => [status, results.filter((result) => result.status === status).length]),
  );

/** A failed check counts more than one that could not be made. */
export const exitCodeOf = ({ results, stoppedBy, left }: Report): number => {
  if (results.some(({ status }) => status === 'failed')) return exitCodes.failed;
  const isIncomplete =
    results.length === 0 ||
    results.some(({ status }) => status === 'unknown') ||
    stoppedBy !== undefined ||
    left.length > 0;
  return isIncomplete ? exitCodes.couldNotRun : exitCodes.allHeld;
};

const nameWidth = 22;

/** One line of a check. */
export const lineOf = ({ name, status, seen, milliseconds }: Result): string => {
  const seconds = milliseconds < 100 ? '' : ` (${(milliseconds / 1000).toFixed(1)} s)`;
  return `${(status === 'failed' ? 'FAILED' : status).padEnd(8)} ${name.padEnd(nameWidth)} ${seen}${seconds}`;
};

/** What follows the lines of the checks. */
export const summaryOf = (report: Report): string => {
  const counts = countsOf(report);
  const failed = report.results.filter(({ status }) => status === 'failed').map(({ name }) => name);
  return [
    '',
    ...report.left,
    ...(report.stoppedBy === undefined ? [] : [report.stoppedBy]),
    ...(report.left.length === 0 ? ['Everything that this run created is removed.'] : []),
    `${report.stack} in ${report.region}: ${statuses.map((status) => `${counts[status]} ${status}`).join(', ')}.`,
    ...(failed.length > 0 ? [`Failed: ${failed.join(', ')}`] : []),
  ].join('\n');
};

/** For programs. */
export const asJson = (report: Report): string => {
  const { stack, region, results, stoppedBy, left } = report;
  const checks = results.map(({ milliseconds, ...result }) => ({
    ...result,
    seconds: Math.round(milliseconds / 100) / 10,
  }));
  return JSON.stringify(
    { stack, region, exitCode: exitCodeOf(report), counts: countsOf(report), stoppedBy, left, checks },
    undefined,
    2,
  );
};
