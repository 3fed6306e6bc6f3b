import { describeAwsError } from '../aws-errors.ts';
import type { Check, Context } from './check.ts';
import { failed, NotAsExpected, type Outcome, skipped, unknown } from './outcome.ts';

/** A check with what it saw. */
export interface Result extends Outcome {
  readonly name: string;
  readonly group: Check['group'];
  readonly milliseconds: number;
}

export interface RunOptions {
  /** The outcome of checks that upload; undefined if they can. */
  readonly noCaller: Outcome | undefined;
  /** The names of checks that are left out. */
  readonly skip: readonly string[];
  readonly onResult: (result: Result) => void;
}

/**
 * Runs checks one after the other, until the run is aborted.
 *
 * @throws what stops all checks, such as expired credentials
 */
export const runChecks = async (
  checks: readonly Check[],
  context: Context,
  { noCaller, skip, onResult }: RunOptions,
): Promise<readonly Result[]> => {
  const results: Result[] = [];
  for (const check of checks) {
    if (context.signal.aborted) break;
    const started = Date.now();
    const outcome = skip.includes(check.name)
      ? skipped('Left out with --skip.')
      : check.needsCaller && noCaller !== undefined
        ? noCaller
        : await outcomeOf(check, context);
    if (outcome === undefined) break;
    const { name, group } = check;
    const result = { name, group, ...outcome, milliseconds: Date.now() - started };
    results.push(result);
    onResult(result);
  }
  return results;
};

/** @returns undefined if the run was aborted */
const outcomeOf = async (check: Check, context: Context): Promise<Outcome | undefined> => {
  try {
    return await check.run(context);
  } catch (error) {
    if (context.signal.aborted) return undefined;
    if (error instanceof NotAsExpected) return failed(error.message);
    const { kind, sentence } = describeAwsError(error);
    // No other check would fare better.
    if (kind === 'no-credentials' || kind === 'expired-credentials') throw error;
    return kind === 'not-found' ? failed(sentence) : unknown(sentence);
  }
};
