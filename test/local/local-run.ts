import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as z from 'zod';
import { type Ports, portsFrom } from '../../local/ports.ts';
import { project, type Running, startProcess } from './processes.ts';

const run = promisify(execFile);

/** Repeats `ask` until it returns an answer. @throws Error naming `what`, after a timeout */
export const until = async <Answer>(
  what: string,
  ask: () => Promise<Answer | undefined> | Answer | undefined,
  milliseconds = 30_000,
): Promise<Answer> => {
  for (const end = Date.now() + milliseconds; Date.now() < end; await wait(50)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`Timed out after ${milliseconds} ms waiting for ${what}`);
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

/** The id of a child process, by the end of its command line. */
export const pidOfChild = (parentPid: number, end: string): Promise<number> =>
  until(`the process of ${end}`, async () => {
    const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,args=']);
    const rows = stdout.split('\n').map((row) => {
      const [own = '', parent = '', ...words] = row.trim().split(/\s+/);
      return { pid: Number(own), parent: Number(parent), args: words.join(' ') };
    });
    return rows.find(({ parent, args }) => parent === parentPid && args.endsWith(end))?.pid;
  });

/** The first of five free ports in a row, below the range of outgoing connections. */
export const freePort = (): Promise<number> =>
  until('free ports in a row', async () => {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    for (const each of Object.values(portsFrom(port))) if (!(await isFree(each))) return undefined;
    return port;
  });

/** local/start.ts in a process of its own. */
export interface LocalRun extends Running {
  readonly folder: string;
  readonly port: number;
  readonly ports: Ports;
  readonly uploadUrl: string;
  /** The JSON lines that the processes have logged so far. */
  logs(): readonly Readonly<Record<string, unknown>>[];
  /** The log lines of resize about one image. */
  resizeLogs(imageId: string): readonly Readonly<Record<string, unknown>>[];
  /** Resolves when it has printed that it is ready. */
  ready(): Promise<void>;
  /** The id of a child process. */
  pidOf(name: 'ingest' | 'resize' | 'notify' | 'delete'): Promise<number>;
}

export interface LocalRunProps {
  readonly folder: string;
  readonly port: number;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether a shell starts it and waits for it, as npm does. @default false */
  readonly inShell?: boolean;
}

export const startLocal = (props: LocalRunProps): LocalRun => {
  const { folder, port, args = [], environment = {}, inShell = false } = props;
  const command = [process.execPath, join(project, 'local/start.ts'), ...args];
  const running = startProcess(
    // Without the colon the shell would replace itself by the command.
    inShell ? ['sh', '-c', '"$@"; :', 'sh', ...command] : command,
    // npm sets this variable. With it, the run ends together with the tests.
    {
      folder,
      environment: { ...process.env, npm_lifecycle_event: 'start', PORT: String(port), ...environment },
    },
  );
  const logs = (): readonly Readonly<Record<string, unknown>>[] =>
    // Warnings and errors go to stderr. The last line may be incomplete.
    [running.out(), running.errors()]
      .flatMap((text) => text.split('\n').slice(0, -1))
      .filter((line) => line.startsWith('{'))
      .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
  return {
    ...running,
    folder,
    port,
    ports: portsFrom(port),
    uploadUrl: `http://127.0.0.1:${port}/dev/upload_image`,
    logs,
    resizeLogs: (id) => logs().filter(({ imageId, service }) => imageId === id && service === 'resize'),
    ready: async () => {
      const isReady = () => {
        if (running.hasEnded()) throw new Error(`It ended: ${running.errors()}`);
        return running.out().includes('Ctrl-C') || undefined;
      };
      await until('the start', isReady, 60_000);
    },
    pidOf: (name) => pidOfChild(running.pid, `/${name}.ts`),
  };
};
