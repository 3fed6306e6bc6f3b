import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Programs of the project are first on PATH, such as the Node.js version of the functions. */
export const programs = resolve('node_modules/.bin');

export interface CommandOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The file for the output of the command. */
  readonly logFile: string;
  /** @default - the current folder */
  readonly workingFolder?: string;
}

export interface RunningCommand {
  /** Whether the command has ended. */
  ended(): boolean;
  /** Ends the command and its descendants. */
  stop(): Promise<void>;
  /** The exit code, after the command has ended. */
  readonly exitCode: Promise<number>;
}

/** Starts a command that leaves no process behind: see contain.ts. */
export const startCommand = (
  command: string,
  args: readonly string[],
  { environment, logFile, workingFolder }: CommandOptions,
): RunningCommand => {
  const log = openSync(logFile, 'a');
  const child = spawn(join(programs, 'node'), [join(import.meta.dirname, 'contain.ts'), command, ...args], {
    env: environment,
    cwd: workingFolder,
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  const exitCode = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : 1));
  return {
    ended: () => child.exitCode !== null || child.signalCode !== null,
    exitCode,
    async stop() {
      child.stdin?.end();
      await exitCode;
    },
  };
};

/**
 * Runs a command to its end.
 *
 * @throws Error with the end of its output if it fails or takes too long
 */
export const runCommand = async (
  command: string,
  args: readonly string[],
  options: CommandOptions & { readonly timeoutSeconds: number },
): Promise<void> => {
  const running = startCommand(command, args, options);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void running.stop();
  }, options.timeoutSeconds * 1000);
  const exitCode = await running.exitCode;
  clearTimeout(timer);
  if (exitCode === 0 && !late) return;
  const reason = late ? `took longer than ${options.timeoutSeconds} s` : `ended with ${exitCode}`;
  throw new Error(`${command} ${args.join(' ')} ${reason}:\n${endOf(options.logFile)}`);
};

/** The last lines of a log. */
export const endOf = (logFile: string, lines = 60): string =>
  readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
