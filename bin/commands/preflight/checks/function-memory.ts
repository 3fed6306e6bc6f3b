import { type Outcome, ok, surprise } from '../outcome.ts';

/**
 * The most that Lambda gives a function in a new account (alexcasalboni/aws-lambda-power-tuning#181). No API
 * returns it.
 */
export const newAccountMaxMemoryMiB = 3008;

export interface FunctionMemoryFacts {
  /** Of the function of this service with the most memory. */
  readonly wantedMiB: number;
  /** Of the functions that the account has in this region; undefined if that does not matter. */
  readonly largestExistingMiB: number | undefined;
}

/** Whether the account allows functions as large as the settings need. */
export const judgeFunctionMemory = ({ wantedMiB, largestExistingMiB = 0 }: FunctionMemoryFacts): Outcome => {
  if (wantedMiB <= newAccountMaxMemoryMiB) {
    return ok(`The largest function has ${wantedMiB} MiB; every account allows ${newAccountMaxMemoryMiB}.`);
  }
  if (largestExistingMiB > newAccountMaxMemoryMiB) {
    return ok(
      `The largest function has ${wantedMiB} MiB, and the account already has one with ${largestExistingMiB}.`,
    );
  }
  return surprise(
    `The largest function has ${wantedMiB} MiB. New accounts allow ${newAccountMaxMemoryMiB}, and AWS does not show which this is.`,
    'If the deployment fails with "\'MemorySize\' value failed to satisfy constraint", lower decodeMemoryMiB, or ask AWS Support for more memory.',
  );
};
