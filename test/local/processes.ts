import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export const project = join(import.meta.dirname, '../..');

export type Exit = number | NodeJS.Signals | null;

/** A process, and what it has printed so far. */
export interface Running {
  readonly pid: number;
  /** Settles when it and every process that it started have ended. */
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

/** One of the project's files as a process that ends with the tests. */
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
  // "close" waits for the pipes, which its own children hold as well; "exit" would not wait for them.
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

/** A folder with the project's cdk.json, where a run keeps its state. */
export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'thumbnail-generator-local-'));
  folders.push(folder);
  await cp(join(project, 'cdk.json'), join(folder, 'cdk.json'));
  return folder;
};

/** Lets a process hold still, with its connections open, until `resume` or the end of the tests so far. */
export const suspend = (pid: number): void => {
  suspended.push(pid);
  process.kill(pid, 'SIGSTOP');
};

export const resume = (pid: number): void => {
  suspended.splice(suspended.indexOf(pid), 1);
  process.kill(pid, 'SIGCONT');
};

/** Ends every process and removes every folder of the tests so far. */
export const cleanUp = async (): Promise<void> => {
  // A process that holds still cannot notice that it is to end.
  for (const pid of [...suspended]) {
    try {
      resume(pid);
    } catch {
      // It is gone already.
    }
  }
  await Promise.all(processes.splice(0).map((each) => each.end('SIGKILL')));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
};
