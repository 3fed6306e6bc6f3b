import { inspect, type ParseArgsConfig, parseArgs } from 'node:util';
import { argumentProblemOf } from '../../local/argument-problem.ts';
import { StartError } from '../../local/start-error.ts';
import { describeAwsError } from './aws-errors.ts';

/** An error that the operator can fix. It is printed without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads the command line. With `--help` it prints the usage and ends the process.
 *
 * @throws UsageError with the usage, for an argument that `config` does not allow
 */
export const readArguments = <const Config extends ParseArgsConfig>(usage: string, config: Config) => {
  if (process.argv.some((argument) => argument === '--help' || argument === '-h')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(`${argumentProblemOf(error)}\n\n${usage}`);
  }
};

/** Why a file cannot be read or written, without the code and the path that Node.js adds. */
export const fileProblemOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/^E[A-Z]+: ([^,]+),.*$/s, '$1');

/**
 * Runs a command, which resolves to its exit code. An error is explained.
 *
 * @param exitCodeOfErrors of a command that throws
 */
export const runCommand = async (command: () => Promise<number>, exitCodeOfErrors = 1): Promise<void> => {
  try {
    process.exitCode = await command();
  } catch (error) {
    console.error(`\n${explanationOf(error) ?? inspect(error)}\n`);
    process.exitCode = exitCodeOfErrors;
  }
};

/** What the operator can act on; undefined for a bug, which needs its stack. */
const explanationOf = (error: unknown): string | undefined => {
  if (error instanceof UsageError || error instanceof StartError) return error.message;
  if (!(error instanceof Error)) return undefined;
  const { kind, sentence } = describeAwsError(error);
  // Errors of AWS and of the network.
  return kind !== 'other' || '$metadata' in error || 'code' in error ? sentence : undefined;
};
