import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { StartError } from './start-error.ts';
import { describeLogLine } from './terminal.ts';

export interface EntryProps {
  /** The entry file, relative to the project. */
  readonly entry: string;
  /** The whole environment: the process inherits no variable. */
  readonly environment: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Whether its log is shortened for a person to read. @default false */
  readonly isForPeople?: boolean;
}

/** As in a container: buffers of images are freed sooner (docs/performance.md). */
export const smallYoungGeneration = '--max-semi-space-size=1';

/** Runs an entry file as a process that ends with this one. */
export const spawnEntry = ({ entry, environment, args = [], isForPeople }: EntryProps): ChildProcess => {
  const child = spawn(
    process.execPath,
    [
      smallYoungGeneration,
      '--import',
      import.meta.resolve('./end-with-parent.ts'),
      fileURLToPath(new URL(`../${entry}`, import.meta.url)),
      ...args,
    ],
    {
      env: environment,
      stdio: ['ignore', isForPeople ? 'pipe' : 'inherit', 'inherit', 'ipc'],
      // In its own process group, so that Ctrl-C reaches only the parent, which stops its children in order.
      detached: true,
    },
  );
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const text = describeLogLine(line);
      if (text !== undefined) console.log(text);
    });
  }
  return child;
};

/** Enough to finish open requests. An unfinished message is redelivered after the next start. */
const stopMilliseconds = 4000;

/** Ends a process, by force if it does not end in time. */
export const stopProcess = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  const force = setTimeout(() => child.kill('SIGKILL'), stopMilliseconds);
  child.kill('SIGTERM');
  await exit;
  clearTimeout(force);
};

export interface ChildProps extends EntryProps {
  readonly name: string;
  /** Resolves when the process has started to work. */
  readonly works: (signal: AbortSignal) => Promise<void>;
}

export interface Child {
  /** Rejects with a StartError when the process died or hung before it worked. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

const startMilliseconds = 60_000;
const restartMilliseconds = 1000;

/** Keeps a process running: like ECS, it starts the process again whenever it dies. */
export const startChild = ({ name, works, ...entry }: ChildProps): Child => {
  const started = Promise.withResolvers<void>();
  const deadline = AbortSignal.timeout(startMilliseconds);
  let hasWorked = false;
  let isStopping = false;
  let restart: NodeJS.Timeout | undefined;
  let child: ChildProcess;

  const run = (): void => {
    child = spawnEntry(entry);
    child.once('error', died);
    child.once('exit', (code, signal) => died(signal ?? `exit code ${code}`));
  };

  const died = (reason: unknown): void => {
    if (isStopping) return;
    if (!hasWorked) {
      started.reject(new StartError(`${name} did not start (${reason}). See the messages above.`));
      return;
    }
    console.error(`\n  ${name} died (${reason}). It starts again in a second.\n`);
    restart = setTimeout(run, restartMilliseconds);
  };

  deadline.addEventListener('abort', () =>
    started.reject(new StartError(`${name} did not start within ${startMilliseconds / 1000} seconds.`)),
  );
  run();
  works(deadline).then(() => {
    hasWorked = true;
    started.resolve();
  }, started.reject);

  return {
    ready: started.promise,
    stop: async () => {
      isStopping = true;
      clearTimeout(restart);
      await stopProcess(child);
    },
  };
};
