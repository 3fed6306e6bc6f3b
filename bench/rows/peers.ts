import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { freePort, until } from '../../test/local/local-run.ts';
import { bareRequest } from '../bare/http.ts';
import { cpuMillisecondsOf, familyOf } from '../processes/answer.ts';
import { benchFolder, project } from '../project.ts';
import { type Impossible, measuredOf, pairsOf, type Row, sharedMeasurement } from '../row.ts';
import type { Workbench } from '../workbench.ts';

interface Peer {
  readonly name: string;
  /** @returns how to start it, or undefined if it is not installed */
  command(port: number):
    | {
        readonly program: string;
        readonly args: readonly string[];
        readonly environment?: Readonly<Record<string, string>>;
      }
    | undefined;
  /** The path of a thumbnail as ours: inside 320 x 320, WebP of quality 80. */
  path(original: string): string;
}

const peersFolder = join(benchFolder, 'peers');

/** A program on PATH or in a virtual environment of Python in `.tmp/bench/peers`. */
const programOf = (name: string): string | undefined =>
  [join(peersFolder, 'python/bin'), ...(process.env['PATH'] ?? '').split(delimiter)]
    .map((folder) => join(folder, name))
    .find(existsSync);

/** A package of npm in `.tmp/bench/peers` or in the project. */
const npmFileOf = (path: string): string | undefined =>
  [peersFolder, project].map((folder) => join(folder, 'node_modules', path)).find(existsSync);

const peers: readonly Peer[] = [
  {
    name: 'ipx',
    command: (port) => {
      const entry = npmFileOf('ipx/bin/ipx.mjs');
      return entry === undefined
        ? undefined
        : {
            program: process.execPath,
            args: [entry, 'serve', '--dir', benchFolder, '--port', String(port), '--host', '127.0.0.1'],
            environment: { IPX_HTTP_ALLOW_ALL_DOMAINS: 'true' },
          };
    },
    path: (original) => `/s_320x320,fit_inside,f_webp,q_80/${original}`,
  },
  {
    name: 'thumbor',
    command: (port) => {
      const program = programOf('thumbor');
      return program === undefined
        ? undefined
        : {
            program,
            args: [
              '--port',
              String(port),
              '--ip',
              '127.0.0.1',
              '--processes',
              '1',
              '--log-level',
              'error',
              '--use-environment',
              'true',
            ],
            environment: { STORAGE: 'thumbor.storages.no_storage', RESULT_STORAGE: '' },
          };
    },
    path: (original) =>
      `/unsafe/fit-in/320x320/filters:format(webp):quality(80)/${encodeURIComponent(original)}`,
  },
  {
    name: 'imgproxy',
    command: (port) => {
      const program = programOf('imgproxy');
      return program === undefined
        ? undefined
        : {
            program,
            args: [],
            environment: {
              IMGPROXY_BIND: `127.0.0.1:${port}`,
              IMGPROXY_ALLOW_LOOPBACK_SOURCE_ADDRESSES: 'true',
            },
          };
    },
    path: (original) => `/unsafe/rs:fit:320:320/q:80/plain/${original}@webp`,
  },
];

interface Sample {
  readonly wallMilliseconds: number;
  readonly cpuMilliseconds: number;
}

/** Images of one sample: Linux counts CPU in hundredths of a second. */
const block = 5;

const startPeer = async (peer: Peer) => {
  const port = await freePort();
  const command = peer.command(port);
  if (command === undefined) return undefined;
  const child: ChildProcess = spawn(command.program, command.args, {
    env: { ...process.env, ...command.environment },
    stdio: 'ignore',
  });
  await once(child, 'spawn');
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    kill();
    await exit;
  };
  const cpu = (): number =>
    familyOf(child.pid ?? 0).reduce((total, member) => total + cpuMillisecondsOf(member), 0);
  const get = (original: string) => bareRequest('GET', `http://127.0.0.1:${port}${peer.path(original)}`);
  return { stop, cpu, get };
};

const samplesOf = (peer: Peer) =>
  sharedMeasurement(async (workbench: Workbench) => {
    const server = await startPeer(peer);
    if (server === undefined) return undefined;
    try {
      const { environments, take, purge } = await workbench.services();
      const { file } = await workbench.photo('12 MP JPEG');
      const originPort = await freePort();
      await workbench.worker('bare/origin', [file, String(originPort)]);
      const ours = await workbench.worker(
        'processes/resize-function',
        [workbench.packaged('resize')],
        environments.resize,
      );
      let originals = 0;
      const next = (): string => {
        originals += 1;
        return `http://127.0.0.1:${originPort}/${process.pid}-${originals}.jpg`;
      };
      await until(peer.name, () => server.get(next()).catch(() => undefined));
      const pairs = await pairsOf<Sample>(
        workbench,
        { full: 20, warmUp: 2 },
        async () => {
          const messages: string[] = [];
          while (messages.length < block) {
            messages.push(await take((await workbench.another('12 MP JPEG')).bytes));
          }
          await purge();
          const cost = await ours.run(messages);
          return {
            wallMilliseconds: cost.wallMilliseconds / block,
            cpuMilliseconds: cost.cpuMilliseconds / block,
          };
        },
        async () => {
          const cpuBefore = server.cpu();
          const startedAt = performance.now();
          for (let count = 0; count < block; count += 1) await server.get(next());
          return {
            wallMilliseconds: (performance.now() - startedAt) / block,
            cpuMilliseconds: (server.cpu() - cpuBefore) / block,
          };
        },
      );
      return pairs;
    } finally {
      await server.stop();
    }
  });

const rowsOf = (peer: Peer): readonly Row[] => {
  const samples = samplesOf(peer);
  const absent: Impossible = { impossible: `${peer.name} is not installed` };
  const goal = { be: 'at most', ratio: 1 } as const;
  return [
    {
      key: `peer-${peer.name}`,
      what: 'resize handler with catalog, events and storage, 12 MP JPEG',
      against: `${peer.name}, which fetches and replies`,
      goal,
      measure: async (workbench) => {
        const pairs = await samples(workbench);
        if (pairs === undefined) return absent;
        return measuredOf(
          'ms',
          pairs.map(({ ours, theirs }) => ({ ours: ours.wallMilliseconds, theirs: theirs.wallMilliseconds })),
        );
      },
    },
    {
      key: `peer-${peer.name}-cpu`,
      what: 'its CPU',
      against: `that of ${peer.name}`,
      goal,
      measure: async (workbench) => {
        const pairs = await samples(workbench);
        if (pairs === undefined) return absent;
        return measuredOf(
          'ms of CPU',
          pairs.map(({ ours, theirs }) => ({ ours: ours.cpuMilliseconds, theirs: theirs.cpuMilliseconds })),
        );
      },
    },
  ];
};

/** Image servers that fetch an original over HTTP and reply with its thumbnail. */
export const peerRows: readonly Row[] = peers.flatMap(rowsOf);
