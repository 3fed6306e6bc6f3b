import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import sharp from 'sharp';
import * as z from 'zod';
import { resizeContainerEnvironment } from '../../../containers/environment.ts';
import { writeVariables } from '../../../lambdas/runtime/environment.ts';
import { readSettings } from '../../../lib/settings.ts';
import type { Credentials } from '../../../local/data-folder.ts';
import { environmentsFor } from '../../../local/environments.ts';
import { endpointOf, type Ports } from '../../../local/ports.ts';
import { cameraPicture } from '../../images.ts';
import { credentialsOf } from '../../local/aws-clients.ts';
import { startEmbeddedServices } from '../../local/embedded-services.ts';
import { pidOfChild, until } from '../../local/local-run.ts';
import { cleanUp, project, type Running, resume, startProcess, suspend } from '../../local/processes.ts';
import { uploadAndWait } from '../../local/uploads.ts';
import { assembleImage, filesBelow, image } from './assemble.ts';

const settings = readSettings({});
const versions = z.record(z.string(), z.string());
const manifest = z
  .object({ dependencies: versions, devDependencies: versions })
  .parse(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')));
const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === 'linux';
/** Whether the loader finds the allocator; without it the tests run with that of the system. */
const hasAllocator = execFileSync('sh', ['-c', 'ldconfig -p 2> /dev/null || true'], {
  encoding: 'utf8',
}).includes('libjemalloc.so.2');

let folder: string;
/** Of the image's file system. */
let root: string;
let ports: Ports;
let credentials: Credentials;
let ingest: Running;
let worker: Running;
/** The files of the image before anything ran in it. */
let filesBefore: readonly string[];

const at = (path: string): string => join(root, path);
const app = (): string => at('app');

/** The environment of the image, and what the deployment adds to it. */
const environmentWith = (added: Readonly<Record<string, string>>) => ({
  PATH: `${at('usr/local/bin')}:/usr/bin:/bin`,
  ...image.environment,
  ...(hasAllocator ? {} : { LD_PRELOAD: undefined }),
  TMPDIR: at(image.environment['TMPDIR'] ?? ''),
  HEARTBEAT_FILE: at(image.environment['HEARTBEAT_FILE'] ?? ''),
  ...added,
});

/**
 * Runs as the user of the image, if this test runs as root, and without any capability, as on ECS. A shell
 * drops the last ones: Linux checks whether a program may be read with the capabilities of the process that
 * starts it, and setpriv still has some at that moment.
 */
const inImage = (
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Running => {
  const [uid = '', gid = ''] = image.user.split(':');
  const asUser = [
    ...['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'],
    ...['--inh-caps=-all', '--bounding-set=-all', 'sh', '-c', 'exec "$@"', 'sh'],
  ];
  const [file = '', ...rest] = words;
  return startProcess([...(isRoot ? asUser : []), join(at('usr/local/bin'), file), ...rest], {
    folder: app(),
    environment,
  });
};

/** Both services share one file system here, and ingest has no heartbeat. */
const ingestOverrides = { HEARTBEAT_FILE: undefined };

/** Whether the health check of the image succeeds. */
const isHealthy = async (of: 'ingest' | 'worker'): Promise<boolean> => {
  const check = inImage(image.healthCheck, {
    ...environmentWith({ PORT: String(ports.api) }),
    ...(of === 'ingest' ? ingestOverrides : {}),
  });
  return (await check.ended) === 0;
};

const url = (path: string): string => `${endpointOf(ports.api)}${path}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thumbnail-generator-image-'));
  // The user of the image must be able to read it.
  chmodSync(folder, 0o755);
  root = assembleImage(folder);
  for (const volume of image.volumes) mkdirSync(at(volume), { recursive: true });
  execFileSync('chmod', ['-R', 'a-w,a+rX', app()]);
  // All folders except the volumes are read-only.
  execFileSync('find', [folder, '-type', 'd', '-exec', 'chmod', '0555', '{}', '+']);
  for (const volume of image.volumes) chmodSync(at(volume), 0o1777);
  filesBefore = filesBelow(root);
  const services = await startEmbeddedServices(300);
  ports = services.ports;
  credentials = credentialsOf(services);
}, 300_000);

afterAll(async () => {
  await cleanUp();
  execFileSync('chmod', ['-R', 'u+rwX', folder]);
  rmSync(folder, { recursive: true, force: true });
});

describe('the image', () => {
  test('is based on the Node.js that the tests run on', () => {
    expect(image.base).toBe(`node:${manifest.devDependencies['node']}-trixie-slim AS base`);
  });

  test('is assembled here by the steps of the Dockerfile, except the one that installs the allocator', () => {
    expect(image.steps).toEqual([
      'WORKDIR /app',
      'COPY package.json package-lock.json ./',
      expect.stringMatching(/^RUN npm ci --omit=dev --ignore-scripts /),
      // The test leaves the decoder of HEIC in, as by default.
      'RUN [ "$HEIC" = true ] || rm -r node_modules/libheif-js',
      expect.stringMatching(/^RUN apt-get update && apt-get install .* libjemalloc2 /),
      'RUN chmod 0711 /usr/local/bin/node',
      'COPY --from=dependencies /app/node_modules ./node_modules',
      'COPY package.json ./',
      'COPY lambdas ./lambdas',
      'COPY containers ./containers',
    ]);
  });

  test('contains the files that its two commands import, and declares every package they need', () => {
    const { metafile } = buildSync({
      absWorkingDir: project,
      entryPoints: [
        'containers/ingest.ts',
        'containers/resize.ts',
        'containers/healthy.ts',
        'lambdas/resize/decoder/process.ts',
        'lambdas/resize/decoder/originals/heic/heic-thread.ts',
      ],
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outdir: 'out',
      write: false,
      metafile: true,
    });
    const imported = Object.keys(metafile.inputs);
    const packages = Object.values(metafile.inputs)
      .flatMap(({ imports }) => imports)
      .flatMap(({ external, path }) => (external && !isBuiltin(path) ? [path] : []))
      .map((path) => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path);
    expect(Object.keys(manifest.dependencies)).toEqual(expect.arrayContaining([...new Set(packages)]));
    const own = filesBelow(app()).filter((file) => !file.startsWith('node_modules/'));
    const forBrowsers = ['client.js', 'page.css', 'page.js'].map((name) => `lambdas/ingest/web/${name}`);
    expect(own.toSorted()).toEqual([...imported, ...forBrowsers, 'package.json'].sort());
  });

  test('contains no package for development', () => {
    const { packages } = z
      .object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) })
      .parse(JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')));
    const forDevelopment = Object.entries(packages).flatMap(([path, { dev }]) => (dev ? [path] : []));
    for (const name of ['typescript', 'jest', 'aws-cdk', 'aws-cdk-lib', 'fauxqs', 'node']) {
      expect(forDevelopment).toContain(`node_modules/${name}`);
    }
    const present = forDevelopment.filter((path) => existsSync(join(app(), path)));
    expect(present).toEqual([]);
  });

  test('adds less than 100 MB to its base', () => {
    const bytes = filesBelow(app()).reduce((sum, file) => sum + lstatSync(join(app(), file)).size, 0);
    expect(bytes).toBeGreaterThan(20_000_000);
    expect(bytes).toBeLessThan(100_000_000);
  });

  test('runs as a numeric user other than root, and writes to a volume only', () => {
    expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(image.volumes).toEqual([image.environment['TMPDIR']]);
  });
});

test('lets its user execute Node.js, but not read it', () => {
  const program = at('usr/local/bin/node');
  expect((statSync(program).mode & 0o777).toString(8)).toBe('711');
  // The owner of the file is this user: remove the right that the user of the image does not have either.
  if (!isRoot) chmodSync(program, 0o111);
});

/** These tests follow both services from start to stop, in this order. */
describe('both commands', () => {
  beforeAll(async () => {
    const environments = environmentsFor(ports, settings, credentials);
    ingest = inImage([...image.entrypoint, ...image.command], environmentWith(environments.ingest));
    worker = inImage([...image.entrypoint, 'containers/resize.ts'], environmentWith(environments.resize));
    await until('ingest', () => ingest.out().includes('ingest listens') || undefined);
    await until('the worker', () => worker.out().includes('resize polls') || undefined);
  });

  test('start, and are healthy, and ingest is ready', async () => {
    expect((await fetch(url('/ready'))).status).toBe(200);
    expect(await isHealthy('ingest')).toBe(true);
    expect(await isHealthy('worker')).toBe(true);
  });

  test('make a thumbnail', async () => {
    const photo = await (await cameraPicture(480, 640, 6)).jpeg().toBuffer();
    const reply = await uploadAndWait(url(`/${settings.stage}/upload_image`), Buffer.from(photo));
    const thumbnail = Buffer.from(await (await fetch(reply.url)).arrayBuffer());
    expect(await sharp(thumbnail).metadata()).toMatchObject({ format: 'webp', width: 240, height: 320 });
  });

  // Only root may read their maps.
  (isRoot && hasAllocator ? test : test.skip)(
    'use the allocator, and so does the process that decodes',
    async () => {
      const decoder = await pidOfChild(worker.pid, 'decoder/process.ts');
      for (const pid of [ingest.pid, worker.pid, decoder]) {
        expect(readFileSync(`/proc/${pid}/maps`, 'utf8')).toContain('libjemalloc.so.2');
      }
    },
  );

  (isRoot ? test : test.skip)('run as the user of the image', () => {
    const [uid = ''] = image.user.split(':');
    for (const { pid } of [ingest, worker]) {
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(
        new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s`, 'm'),
      );
    }
  });

  test('are unhealthy after a minute without a heartbeat of the worker, and then healthy again', async () => {
    const file = at(image.environment['HEARTBEAT_FILE'] ?? '');
    suspend(worker.pid);
    const longAgo = new Date(Date.now() - 61_000);
    utimesSync(file, longAgo, longAgo);
    expect(await isHealthy('worker')).toBe(false);
    resume(worker.pid);
    await until('a healthy worker', async () => (await isHealthy('worker')) || undefined);
  });

  test('stop on SIGTERM without an error', async () => {
    expect(await Promise.all([ingest.end('SIGTERM'), worker.end('SIGTERM')])).toEqual([0, 0]);
    expect(ingest.errors() + worker.errors()).toBe('');
    expect(ingest.out()).toContain('ingest stops');
    expect(worker.out()).toContain('resize stops');
    expect(await isHealthy('ingest')).toBe(false);
  });

  test('leave no file behind', () => {
    expect(filesBelow(root)).toEqual(filesBefore);
    for (const volume of image.volumes) expect(readdirSync(at(volume))).toEqual([]);
  });
});

/** The rows of the table in SECURITY.md: an attempt, and whether it is refused or possible. */
const documentedOutcomes = (): Readonly<Record<string, string>> => {
  const text = readFileSync(join(project, 'SECURITY.md'), 'utf8');
  const [, section = ''] = /\n## In containers\n(.*?)\n## /s.exec(text) ?? [];
  const rows = section.matchAll(/^\| (.+?) \| (refused|possible) \|$/gm);
  return Object.fromEntries([...rows].map(([, attempt = '', outcome = '']) => [attempt, outcome]));
};

const reportSchema = z.object({
  worker: z.number(),
  otherDecoders: z.array(z.number()),
  outcomes: z.record(z.string(), z.string()),
});

/** Only these outcomes count as refused: other errors might hide that an attempt is possible. */
const refusals = ['EACCES', 'EPERM', 'EROFS', 'nothing found'];
const judged = (outcome: string): string =>
  outcome.split(',').every((each) => refusals.includes(each)) ? 'refused' : outcome;

/** In this order: the last tests end the processes. The attacks need /proc. */
(isLinux ? describe : describe.skip)('code that took over a decoder', () => {
  let temporary: string;
  let reports: ReadonlyMap<number, z.infer<typeof reportSchema>>;
  const outcomes: Record<string, string> = {};

  /** Adds hostile code to the entry file of the decoder, so that both run in each decoder process. */
  const infect = (): void => {
    const decoder = join(app(), 'lambdas/resize/decoder');
    const entry = join(decoder, 'process.ts');
    chmodSync(decoder, 0o755);
    renameSync(entry, join(decoder, 'own-process.ts'));
    copyFileSync(join(import.meta.dirname, 'hostile-decoder.ts'), join(decoder, 'hostile-decoder.ts'));
    writeFileSync(entry, "import './own-process.ts';\nimport './hostile-decoder.ts';\n");
    chmodSync(decoder, 0o555);
  };

  const orderSignal = (sender: number, receiver: number, signal: NodeJS.Signals): void => {
    const order = join(temporary, `signal-${sender}`);
    writeFileSync(`${order}-new`, `${receiver} ${signal}`);
    renameSync(`${order}-new`, order);
  };

  const hasSent = (sender: number): boolean => existsSync(join(temporary, `sent-${sender}`));

  const hasEnded = (pid: number): boolean => !existsSync(`/proc/${pid}`);

  beforeAll(async () => {
    temporary = at(image.environment['TMPDIR'] ?? '');
    infect();
    const environments = environmentsFor(ports, settings, credentials);
    ingest = inImage([...image.entrypoint, ...image.command], environmentWith(environments.ingest));
    worker = inImage(
      [...image.entrypoint, 'containers/resize.ts'],
      environmentWith({
        ...environments.resize,
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/a-secret',
        ...writeVariables(resizeContainerEnvironment, { decodesAtOnce: 2 }),
      }),
    );
    await until('ingest', () => ingest.out().includes('ingest listens') || undefined);
    await until('the worker', () => worker.out().includes('resize polls') || undefined);
    const photos = await Promise.all(
      [1, 2, 3, 4].map(async (turn) => (await cameraPicture(1200, 900 + turn, turn)).jpeg().toBuffer()),
    );
    await Promise.all(
      photos.map((photo) => uploadAndWait(url(`/${settings.stage}/upload_image`), Buffer.from(photo))),
    );
    writeFileSync(join(temporary, 'attack'), endpointOf(ports.s3));
    reports = await until('two reports', () => {
      const found = readdirSync(temporary).filter((name) => name.startsWith('report-'));
      if (found.length < 2) return undefined;
      return new Map(
        found.map((name) => [
          Number(name.slice('report-'.length)),
          reportSchema.parse(JSON.parse(readFileSync(join(temporary, name), 'utf8'))),
        ]),
      );
    });
  }, 120_000);

  test('runs in several decoders of one worker, each of which finds the others', () => {
    expect(reports.size).toBeGreaterThanOrEqual(2);
    for (const [pid, report] of reports) {
      expect(report.worker).toBe(worker.pid);
      expect(report.otherDecoders).not.toContain(pid);
      expect(report.otherDecoders.length).toBeGreaterThanOrEqual(1);
    }
  });

  test('has the same outcomes in each of them', () => {
    for (const report of reports.values()) {
      const own = Object.entries(report.outcomes).map(([attempt, outcome]) => [attempt, judged(outcome)]);
      for (const [attempt = '', outcome = ''] of own) outcomes[attempt] ??= outcome;
      expect(Object.fromEntries(own)).toEqual(outcomes);
    }
  });

  test('cannot open the debugger of another decoder or of its worker', async () => {
    const [sender = 0, receiver = 0] = reports.keys();
    orderSignal(sender, receiver, 'SIGUSR1');
    orderSignal(receiver, worker.pid, 'SIGUSR1');
    await until('both signals', () => (hasSent(sender) && hasSent(receiver)) || undefined);
    // Node.js reports an open debugger immediately.
    await wait(1000);
    expect(worker.out() + worker.errors()).not.toContain('Debugger listening');
    outcomes['open the debugger of another decoder'] = 'refused';
    outcomes['open the debugger of its worker'] = 'refused';
  });

  test('can end another decoder and its worker', async () => {
    const [sender = 0, receiver = 0] = reports.keys();
    orderSignal(sender, receiver, 'SIGKILL');
    await until('the end of the other decoder', () => hasEnded(receiver) || undefined);
    orderSignal(sender, worker.pid, 'SIGKILL');
    expect(await worker.ended).toBe('SIGKILL');
    outcomes['end its worker or another decoder'] = 'possible';
  });

  test('can do what SECURITY.md lists, and nothing else', () => {
    const documented = documentedOutcomes();
    expect(Object.values(documented).filter((outcome) => outcome === 'refused').length).toBeGreaterThan(10);
    expect(outcomes).toEqual(documented);
  });
});
