import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { Answer, Cost } from './processes/answer.ts';
import { startedSchema } from './processes/started.ts';
import { benchFolder, project } from './project.ts';

/** Scripts that run in processes of their own, without `.ts`. */
export type Script =
  | 'bare/decode'
  | 'bare/empty'
  | 'bare/origin'
  | 'bare/put'
  | 'bare/require-sharp'
  | 'bare/resize'
  | 'processes/decoder-ready'
  | 'processes/first-reply'
  | 'processes/ingest-function'
  | 'processes/resize-function'
  | 'processes/starter';

const built = new Map<Script, string>();

/** A script as JavaScript: stripping types would take time and memory, which a package does not need. */
const scriptFile = (script: Script): string => {
  const known = built.get(script);
  if (known !== undefined) return known;
  const outfile = join(benchFolder, 'scripts', `${script.replace('/', '-')}.cjs`);
  buildSync({
    entryPoints: [join(project, 'bench', `${script}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['sharp'],
    logLevel: 'warning',
  });
  built.set(script, outfile);
  return outfile;
};

/** A process that does jobs and reports the cost of each. */
export interface Worker {
  readonly pid: number;
  run(job: object | string): Promise<Cost>;
  stop(): Promise<void>;
}

const jobSeconds = 120;

const within = async <Value>(what: string, seconds: number, value: Promise<Value>): Promise<Value> => {
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  const timer = setTimeout(
    () => late.reject(new Error(`${what} took longer than ${seconds} s.`)),
    seconds * 1000,
  );
  try {
    return await Promise.race([value, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

export const startWorker = async (
  script: Script,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Worker> => {
  const child = fork(scriptFile(script), [...args], {
    execArgv: [],
    env: { ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${script} ended with ${signal ?? code}.`)));
  });
  ended.catch(() => {});
  const nextAnswer = async (): Promise<Answer> => {
    const answer = new Promise<Answer>((resolve) => child.once('message', resolve));
    return within(script, jobSeconds, Promise.race([answer, ended]));
  };
  const stop = (): Promise<void> => endOf(child);
  try {
    await nextAnswer();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    async run(job) {
      const answer = nextAnswer();
      child.send(job);
      const reply = await answer;
      if (reply.kind === 'done') return reply;
      throw new Error(`${script}: ${reply.kind === 'failed' ? reply.reason : reply.kind}`);
    },
    stop,
  };
};

const endOf = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
};

let starter: ChildProcess | undefined;

/** Starts a process, and measures the time until its output. */
export const untilOutput = async (
  script: Script,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly milliseconds: number; readonly output: string }> => {
  if (starter === undefined) {
    starter = fork(scriptFile('processes/starter'), {
      execArgv: [],
      env: {},
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    // It ends with this process, and does not keep it running.
    starter.unref();
    starter.channel?.unref();
  }
  const answer = once(starter, 'message');
  starter.send({ file: scriptFile(script), args, env });
  const [message] = await within(script, 70, answer);
  const started = startedSchema.parse(message);
  if ('failed' in started) throw new Error(`${script}: ${started.failed}`);
  return started;
};
