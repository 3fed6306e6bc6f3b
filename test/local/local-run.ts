import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as z from 'zod';

const run = promisify(execFile);
const project = join(import.meta.dirname, '../..');

/** Asks again and again until there is an answer; gives up after a while, naming what it waited for. */
export const until = async <Answer>(
  what: string,
  ask: () => Promise<Answer | undefined> | Answer | undefined,
  milliseconds = 30_000,
): Promise<Answer> => {
  for (const end = Date.now() + milliseconds; Date.now() < end; await wait(50)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`Waited ${milliseconds} ms in vain for ${what}`);
};

export const isFree = async (port: number): Promise<boolean> => {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    await once(server.close(), 'close');
    return true;
  } catch {
    return false;
  }
};

/** The first of three free ports in a row, below those that systems give to outgoing connections. */
export const freePort = (): Promise<number> =>
  until('three free ports in a row', async () => {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    for (const each of [port, port + 1, port + 2]) if (!(await isFree(each))) return undefined;
    return port;
  });

export type Exit = number | NodeJS.Signals | null;

/** local/start.ts as a process of its own, and what it prints. */
export interface LocalRun {
  readonly port: number;
  readonly pid: number;
  readonly uploadUrl: string;
  /** Settles when it and every process that it started have ended. */
  readonly ended: Promise<Exit>;
  out(): string;
  errors(): string;
  /** The JSON lines that the services have logged so far. */
  logs(): readonly Readonly<Record<string, unknown>>[];
  /** Settles when it says that it is ready. */
  ready(): Promise<void>;
  /** The process id of one of its children. */
  pidOf(name: 'ingest' | 'resize'): Promise<number>;
  end(signal: NodeJS.Signals): Promise<Exit>;
}

export interface LocalRunProps {
  readonly folder: string;
  readonly port: number;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Started by a shell that waits for it, as npm does. @default false */
  readonly inShell?: boolean;
}

const runs: LocalRun[] = [];
const folders: string[] = [];
const suspended: number[] = [];

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

/** Ends every run and removes every folder of the tests so far. */
export const cleanUp = async (): Promise<void> => {
  // A process that holds still cannot notice that it is to end.
  for (const pid of [...suspended]) {
    try {
      resume(pid);
    } catch {
      // It is gone already.
    }
  }
  await Promise.all(runs.splice(0).map((each) => each.end('SIGKILL')));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
};

export const startLocal = (props: LocalRunProps): LocalRun => {
  const { folder, port, args = [], environment = {}, inShell = false } = props;
  const command = [process.execPath, join(project, 'local/start.ts'), ...args];
  // The colon keeps the shell there: without it, it would become the command.
  const [file = '', ...rest] = inShell ? ['sh', '-c', '"$@"; :', 'sh', ...command] : command;
  const child = spawn(file, rest, {
    cwd: folder,
    // As npm says it: whatever ends the tests ends the run as well.
    env: { ...process.env, npm_lifecycle_event: 'start', PORT: String(port), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? Number.NaN;
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  // "close" waits for the pipes, which the children hold as well; "exit" would not wait for them.
  const ended = new Promise<Exit>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );

  const localRun: LocalRun = {
    port,
    pid,
    uploadUrl: `http://127.0.0.1:${port}/dev/upload_image`,
    ended,
    out: () => out,
    errors: () => errors,
    logs: () =>
      // Warnings and errors go to the other stream. A last line may be half there.
      [out, errors]
        .flatMap((text) => text.split('\n').slice(0, -1))
        .filter((line) => line.startsWith('{'))
        .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line))),
    ready: async () => {
      const isReady = () => {
        const exit = child.exitCode ?? child.signalCode;
        if (exit !== null) throw new Error(`It ended (${exit}): ${errors}`);
        return out.includes('Ctrl-C') || undefined;
      };
      await until('the start', isReady, 60_000);
    },
    pidOf: (name) =>
      until(`the process of ${name}`, async () => {
        const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,args=']);
        const rows = stdout.split('\n').map((row) => {
          const [own = '', parent = '', ...words] = row.trim().split(/\s+/);
          return { pid: Number(own), parent: Number(parent), args: words.join(' ') };
        });
        return rows.find(({ parent, args }) => parent === pid && args.endsWith(`containers/${name}.ts`))?.pid;
      }),
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  runs.push(localRun);
  return localRun;
};
