import { describeAwsError } from '../aws-errors.ts';
import type { Check, Deployment } from './checks.ts';
import { type Outcome, unknown } from './outcome.ts';

/** What one check found. */
export type Finding = Outcome & {
  readonly check: string;
  /** The actions that it was not allowed to use. */
  readonly deniedActions?: readonly string[];
};

/** Makes all checks that concern the settings, at the same time. */
export const makeChecks = (checks: readonly Check[], deployment: Deployment): Promise<readonly Finding[]> =>
  Promise.all(
    checks
      .filter(({ concerns }) => concerns(deployment.settings))
      .map((check) => makeCheck(check, deployment)),
  );

const makeCheck = async (check: Check, deployment: Deployment): Promise<Finding> => {
  try {
    return { check: check.name, ...(await check.look(deployment)) };
  } catch (error) {
    const { kind, sentence, action } = describeAwsError(error);
    if (kind !== 'access-denied') return { check: check.name, ...unknown(sentence) };
    const deniedActions = action === undefined ? check.actions : [action];
    const advice = `Allow ${deniedActions.join(', ')} for these credentials, or look yourself.`;
    return { check: check.name, ...unknown(sentence, advice), deniedActions };
  }
};

/** 0: a deployment should succeed. 1: something fails. 2: nothing is known to fail, but not all is known. */
export const exitCodeOf = (findings: readonly Finding[]): 0 | 1 | 2 => {
  if (findings.some(({ result }) => result === 'fails')) return 1;
  return findings.some(({ result }) => result === 'unknown') ? 2 : 0;
};
