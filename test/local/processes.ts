import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export const project = join(import.meta.dirname, '../..');

export type Exit = number | NodeJS.Signals | null;

/** A process and its output so far. */
export interface Running {
  readonly pid: number;
  /** Resolves when it and all its children have ended. */
  readonly ended: Promise<Exit>;
  hasEnded(): boolean;
  out(): string;
  errors(): string;
  end(signal: NodeJS.Signals): Promise<Exit>;
}

export interface ProcessProps {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const processes: Running[] = [];
const folders: string[] = [];
const suspended: number[] = [];

export const startProcess = (
  [file = '', ...args]: readonly string[],
  { folder, environment }: ProcessProps,
): Running => follow(spawn(file, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] }));

/** Runs a file of the project in a process that ends with the tests. */
export const startNode = (
  file: string,
  { args = [], folder, environment }: ProcessProps & { readonly args?: readonly string[] },
): Running =>
  follow(
    spawn(
      process.execPath,
      [
        '--import',
        pathToFileURL(join(project, 'local/end-with-parent.ts')).href,
        join(project, file),
        ...args,
      ],
      { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    ),
  );

const follow = (child: ChildProcess): Running => {
  let out = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  // "close" also waits for the children, which share the pipes; "exit" does not.
  const ended = new Promise<Exit>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  const running: Running = {
    pid: child.pid ?? Number.NaN,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    out: () => out,
    errors: () => errors,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  processes.push(running);
  return running;
};

/** A new folder with the project's cdk.json, for the state of a run. */
export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'thumbnail-generator-local-'));
  folders.push(folder);
  await cp(join(project, 'cdk.json'), join(folder, 'cdk.json'));
  return folder;
};

/** Suspends a process, with its connections open, until `resume` or `cleanUp`. */
export const suspend = (pid: number): void => {
  suspended.push(pid);
  process.kill(pid, 'SIGSTOP');
};

export const resume = (pid: number): void => {
  suspended.splice(suspended.indexOf(pid), 1);
  process.kill(pid, 'SIGCONT');
};

/** Ends all processes and removes all folders of the tests so far. */
export const cleanUp = async (): Promise<void> => {
  // A suspended process would not notice that its parent has ended.
  for (const pid of [...suspended]) {
    try {
      resume(pid);
    } catch {
      // It has ended already.
    }
  }
  await Promise.all(processes.splice(0).map((each) => each.end('SIGKILL')));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
};
