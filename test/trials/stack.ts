import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { reconcileEnvironment } from '../../lambdas/reconcile/environment.ts';
import { writeVariables } from '../../lambdas/runtime/environment.ts';
import { readSettings } from '../../lib/settings.ts';
import { smallYoungGeneration } from '../../local/child.ts';
import { environmentsFor, listeningAt } from '../../local/environments.ts';
import { isListening, type Ports, portsFrom } from '../../local/ports.ts';
import { type AwsClients, awsClients, credentialsOf } from '../local/aws-clients.ts';
import { freePort, until } from '../local/local-run.ts';
import { project } from '../local/processes.ts';

export interface StackProps {
  /** As in the context of cdk.json. @default - the defaults */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The visibility timeout of the queues. */
  readonly visibilityTimeoutSeconds: number;
  /** @default 1 */
  readonly ingests?: number;
  /** @default 1 */
  readonly workers?: number;
  /**
   * Runs the reconciler with this pause, for images that wait at least as long. @default - it does not run
   */
  readonly reconcileSeconds?: number;
  /** Starts a proxy at the given ports, in front of the services. @default - no proxy */
  readonly through?: (services: Ports, proxy: Ports) => Promise<Ports>;
  /** Added to the environment of ingest and workers. @default - nothing */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A process that ended unexpectedly. */
export interface Death {
  readonly name: string;
  readonly how: string;
}

/** The processes of the containers and one of the embedded services, all supervised. */
export interface Stack {
  readonly folder: string;
  readonly ports: Ports;
  /** `http://127.0.0.1:…/dev`, of the first ingest process. */
  readonly apiUrl: string;
  /** Of each ingest process. */
  readonly apiUrls: readonly string[];
  readonly aws: AwsClients;
  /** Names of the processes: `services`, `ingest`, `ingest-2`, …, `resize-1`, `resize-2`, …, `delete` */
  readonly names: readonly string[];
  /** Sends SIGKILL. The process restarts immediately, and this is not counted as a death. */
  kill(name: string): Promise<void>;
  /** The ids of the running children of a process. */
  childrenOf(name: string): readonly number[];
  deaths(): readonly Death[];
  /** The peak memory of each process so far, in MiB. A worker's decoders are named after it. */
  peaksMiB(): Readonly<Record<string, number>>;
  /** The memory of a process and its descendants now, in MiB. */
  memoryMiB(name: string): number;
  /** Lines of output that contain a signed URL, a stack trace or a credential. */
  leaks(): readonly string[];
  /** The file with the output of all processes. */
  readonly logFile: string;
  stop(): Promise<void>;
}

const restartMilliseconds = 100;
const pollMilliseconds = 250;

export const hasStackTrace = (text: string): boolean => /\n?\s+at (?:\S+ \()?(?:file:|node:|\/)/i.test(text);

/** Whether a text contains what must not be logged. Only a reply with a signed URL for its caller may. */
export const leaksOf = (text: string): boolean =>
  hasStackTrace(text) ||
  /X-Amz-Signature|x-amz-security-token|SecretAccessKey|\bLOCAL[A-Z2-7]{15}\b/i.test(text);

export const startStack = async (props: StackProps): Promise<Stack> => {
  const { visibilityTimeoutSeconds, ingests = 1, workers = 1, reconcileSeconds, through } = props;
  const { environment = {} } = props;
  // A trial uploads more than the daily budget.
  const budget = { maxUploadsPerDay: 1_000_000_000, maxUploadBytesPerDay: 1_000_000_000_000_000 };
  const settings = readSettings({ ...budget, ...props.settings });
  const temporary = join(project, '.tmp');
  await mkdir(temporary, { recursive: true });
  const folder = await mkdtemp(join(temporary, 'trial-'));
  const port = await freePort();
  const proxyPort = await freePort();
  const services = portsFrom(port);
  const logFile = `${folder}.log`;
  const log = createWriteStream(logFile);
  const deaths: Death[] = [];
  const leaks: string[] = [];
  const peaks = new Map<string, number>();
  let isStopping = false;

  const supervise = (
    name: string,
    entry: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    /** The pause before the next run of a task that ends by itself. */
    pauseMilliseconds?: number,
  ) => {
    let child: ChildProcess;
    let isKilled = false;
    const run = (): void => {
      child = spawn(
        process.execPath,
        [
          smallYoungGeneration,
          '--import',
          pathToFileURL(join(project, 'local/end-with-parent.ts')).href,
          join(project, entry),
          ...args,
        ],
        { cwd: folder, env: { ...env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
      );
      for (const stream of [child.stdout, child.stderr]) {
        if (stream === null) throw new Error(`${name} has no output.`);
        createInterface(stream).on('line', (line) => {
          log.write(`${name} ${line}\n`);
          if (name !== 'services' && leaksOf(line)) leaks.push(`${name} ${line}`);
        });
      }
      child.once('exit', (code, signal) => {
        if (isStopping) return;
        if (!isKilled && pauseMilliseconds === undefined) {
          deaths.push({ name, how: String(signal ?? `exit code ${code}`) });
        }
        isKilled = false;
        setTimeout(() => isStopping || run(), pauseMilliseconds ?? restartMilliseconds).unref();
      });
    };
    run();
    return {
      name,
      pid: () => child.pid ?? 0,
      kill: async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        isKilled = true;
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      },
      stop: async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      },
    };
  };

  const servicesProcess = supervise(
    'services',
    'test/local/services-process.ts',
    [String(port), String(visibilityTimeoutSeconds), ...(through ? [String(proxyPort)] : [])],
    {},
  );
  await until('the services', async () => (await isListening(services.s3)) || undefined);
  const ports = through ? await through(services, portsFrom(proxyPort)) : services;
  const environments = environmentsFor(ports, settings, credentialsOf({ folder, ports: services }));
  const apiPorts = [port];
  while (apiPorts.length < ingests) apiPorts.push(await freePort());
  const processes = [
    servicesProcess,
    ...apiPorts.map((apiPort, index) =>
      supervise(index === 0 ? 'ingest' : `ingest-${index + 1}`, 'containers/ingest.ts', [], {
        ...environments.ingest,
        ...listeningAt(apiPort),
        ...environment,
      }),
    ),
    ...Array.from({ length: workers }, (_, index) =>
      supervise(`resize-${index + 1}`, 'containers/resize.ts', [], {
        ...environments.resize,
        ...environment,
      }),
    ),
    supervise('delete', 'local/workers/delete.ts', [], environments.delete),
  ];
  const reconciler =
    reconcileSeconds === undefined
      ? undefined
      : supervise(
          'reconcile',
          'local/workers/reconcile.ts',
          [],
          {
            ...environments.reconcile,
            ...writeVariables(reconcileEnvironment, { overdueSeconds: reconcileSeconds }),
          },
          reconcileSeconds * 1000,
        );

  const watch = setInterval(() => {
    for (const { name, pid } of processes) {
      for (const { role, peakMiB } of familyOf(name, pid())) {
        peaks.set(role, Math.max(peaks.get(role) ?? 0, peakMiB));
      }
    }
  }, pollMilliseconds);

  const byName = (name: string) => {
    const found = processes.find((each) => each.name === name);
    if (found === undefined) throw new Error(`There is no process ${name}.`);
    return found;
  };
  for (const apiPort of apiPorts) {
    await until('ingest', async () => (await isListening(apiPort)) || undefined);
  }
  const apiUrlAt = (apiPort: number): string => `http://127.0.0.1:${apiPort}/${settings.stage}`;

  return {
    folder,
    ports: services,
    apiUrl: apiUrlAt(port),
    apiUrls: apiPorts.map(apiUrlAt),
    aws: awsClients({ folder, ports: services }),
    names: processes.map(({ name }) => name),
    kill: (name) => byName(name).kill(),
    childrenOf: (name) => {
      const pid = byName(name).pid();
      return familyOf(name, pid).flatMap((relative) => (relative.pid === pid ? [] : [relative.pid]));
    },
    deaths: () => deaths,
    peaksMiB: () => Object.fromEntries(peaks),
    memoryMiB: (name) =>
      familyOf(name, byName(name).pid()).reduce((sum, { residentMiB }) => sum + residentMiB, 0),
    leaks: () => leaks,
    logFile,
    stop: async () => {
      isStopping = true;
      clearInterval(watch);
      await reconciler?.stop();
      await sleep(restartMilliseconds * 2);
      for (const each of processes.toReversed()) await each.stop();
      await new Promise((resolve) => log.end(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
};

interface Relative {
  readonly pid: number;
  readonly role: string;
  readonly residentMiB: number;
  readonly peakMiB: number;
}

/** A process and its descendants, from /proc; without those that have ended. */
const familyOf = (name: string, pid: number): readonly Relative[] => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mebibytes = (field: string): number =>
      Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return [
      { pid, role: name, residentMiB: mebibytes('VmRSS'), peakMiB: mebibytes('VmHWM') },
      ...children.flatMap((child) => familyOf(`${name}-decoder`, Number(child))),
    ];
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return [];
    throw error;
  }
};
