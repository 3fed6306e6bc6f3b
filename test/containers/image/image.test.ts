import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import sharp from 'sharp';
import * as z from 'zod';
import { readSettings } from '../../../lib/settings.ts';
import type { Credentials } from '../../../local/data-folder.ts';
import { environmentsFor } from '../../../local/environments.ts';
import { endpointOf, type Ports } from '../../../local/ports.ts';
import { cameraPicture } from '../../images.ts';
import { credentialsOf } from '../../local/aws-clients.ts';
import { startEmbeddedServices } from '../../local/embedded-services.ts';
import { pidOfChild, until } from '../../local/local-run.ts';
import { cleanUp, project, type Running, startProcess } from '../../local/processes.ts';
import { uploadAndWait } from '../../local/uploads.ts';
import { assembleImage, contextFiles, filesBelow, type Image } from './assemble.ts';

const settings = readSettings({});
const versions = z.record(z.string(), z.string());
const manifest = z
  .object({ dependencies: versions, devDependencies: versions })
  .parse(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')));
const isRoot = process.getuid?.() === 0;
/** Where the loader finds libraries on Debian; elsewhere the allocator is not looked for. */
const hasAllocator = execFileSync('sh', ['-c', 'ldconfig -p 2> /dev/null || true'], {
  encoding: 'utf8',
}).includes('libjemalloc.so.2');

let folder: string;
let image: Image;
let ports: Ports;
let credentials: Credentials;
let ingest: Running;
let worker: Running;
/** All of the tree before anything ran in it. */
let filesBefore: readonly string[];

const at = (path: string): string => join(image.root, path);

/** The image's own environment, and what the deployment adds to it. */
const environmentWith = (added: Readonly<Record<string, string>>) => ({
  PATH: `${at('usr/local/bin')}:/usr/bin:/bin`,
  ...image.environment,
  ...(hasAllocator ? {} : { LD_PRELOAD: undefined }),
  TMPDIR: at(image.environment['TMPDIR'] ?? ''),
  ...added,
});

/** Runs as the image's user, if whoever runs this test may choose. */
const inImage = (
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Running => {
  const [uid = '', gid = ''] = image.user.split(':');
  const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'];
  const [file = '', ...rest] = words;
  return startProcess([...(isRoot ? asUser : []), join(at('usr/local/bin'), file), ...rest], {
    folder: at(image.workingFolder),
    environment,
  });
};

/** Whether Docker's own check finds the process healthy. */
const isHealthy = async (): Promise<boolean> => {
  const check = inImage(image.healthCheck, environmentWith({ PORT: String(ports.api) }));
  return (await check.ended) === 0;
};

const url = (path: string): string => `${endpointOf(ports.api)}${path}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thumbnail-generator-image-'));
  // Whoever it runs as must be able to read it.
  chmodSync(folder, 0o755);
  image = assembleImage(folder);
  for (const volume of image.volumes) {
    mkdirSync(at(volume), { recursive: true });
    chmodSync(at(volume), 0o1777);
  }
  execFileSync('chmod', ['-R', 'a-w,a+rX', at(image.workingFolder)]);
  filesBefore = filesBelow(image.root);
  const services = await startEmbeddedServices(300);
  ports = services.ports;
  credentials = credentialsOf(services);
}, 300_000);

afterAll(async () => {
  await cleanUp();
  execFileSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true, force: true });
});

describe('the image', () => {
  test('begins with the Node.js that the tests run on', () => {
    expect(image.base).toBe(`node:${manifest.devDependencies['node']}-trixie-slim`);
  });

  test('is made by the steps of the Dockerfile, all but the one that installs the allocator', () => {
    expect(image.omitted).toEqual([
      expect.stringMatching(/^apt-get update && apt-get install .* libjemalloc2 /),
    ]);
  });

  test('holds the files that its two commands import, and the packages that are said to be needed', () => {
    const { metafile } = buildSync({
      absWorkingDir: project,
      entryPoints: ['containers/ingest.ts', 'containers/resize.ts', 'lambdas/resize/decoder-process.ts'],
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
    const own = filesBelow(at(image.workingFolder)).filter((file) => !file.startsWith('node_modules/'));
    expect(own.toSorted()).toEqual([...imported, 'package.json'].sort());
    // Docker is sent no other file: what else changes leaves the image and its hash as they are.
    expect(contextFiles().toSorted()).toEqual([...imported, 'package-lock.json', 'package.json'].sort());
  });

  test('holds no package that is there for development alone', () => {
    const { packages } = z
      .object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) })
      .parse(JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')));
    const forDevelopment = Object.entries(packages).flatMap(([path, { dev }]) => (dev ? [path] : []));
    for (const name of ['typescript', 'jest', 'aws-cdk', 'aws-cdk-lib', 'fauxqs', 'node']) {
      expect(forDevelopment).toContain(`node_modules/${name}`);
    }
    const present = forDevelopment.filter((path) => existsSync(join(at(image.workingFolder), path)));
    expect(present).toEqual([]);
  });

  test('adds less than 100 MB to its base', () => {
    const app = at(image.workingFolder);
    const bytes = filesBelow(app).reduce((sum, file) => sum + lstatSync(join(app, file)).size, 0);
    expect(bytes).toBeGreaterThan(20_000_000);
    expect(bytes).toBeLessThan(100_000_000);
  });

  test('runs as a user that is not root, by number, and writes to a volume only', () => {
    expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(image.volumes).toEqual([image.environment['TMPDIR']]);
  });
});

/** The tests that follow are one life of both services, in this order. */
describe('both commands', () => {
  beforeAll(async () => {
    const environments = environmentsFor(ports, settings, credentials);
    ingest = inImage([...image.entrypoint, ...image.command], environmentWith(environments.ingest));
    worker = inImage([...image.entrypoint, 'containers/resize.ts'], environmentWith(environments.resize));
    await until('ingest', () => ingest.out().includes('ingest listens') || undefined);
    await until('the worker', () => worker.out().includes('resize polls') || undefined);
  });

  test('start, and ingest is healthy and ready', async () => {
    expect((await fetch(url('/ready'))).status).toBe(200);
    expect(await isHealthy()).toBe(true);
  });

  test('make a thumbnail', async () => {
    const photo = await (await cameraPicture(480, 640, 6)).jpeg().toBuffer();
    const reply = await uploadAndWait(url(`/${settings.stage}/upload_image`), Buffer.from(photo));
    const thumbnail = Buffer.from(await (await fetch(reply.url)).arrayBuffer());
    expect(await sharp(thumbnail).metadata()).toMatchObject({ format: 'webp', width: 240, height: 320 });
  });

  (hasAllocator ? test : test.skip)('use the allocator, and so does the process that decodes', async () => {
    const decoder = await pidOfChild(worker.pid, 'decoder-process.ts');
    for (const pid of [ingest.pid, worker.pid, decoder]) {
      expect(readFileSync(`/proc/${pid}/maps`, 'utf8')).toContain('libjemalloc.so.2');
    }
  });

  (isRoot ? test : test.skip)('run as the user of the image', () => {
    const [uid = ''] = image.user.split(':');
    for (const { pid } of [ingest, worker]) {
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(
        new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s`, 'm'),
      );
    }
  });

  test('stop on SIGTERM by themselves, with nothing to complain of', async () => {
    expect(await Promise.all([ingest.end('SIGTERM'), worker.end('SIGTERM')])).toEqual([0, 0]);
    expect(ingest.errors() + worker.errors()).toBe('');
    expect(ingest.out()).toContain('ingest stops');
    expect(worker.out()).toContain('resize stops');
    expect(await isHealthy()).toBe(false);
  });

  test('have written nothing', () => {
    expect(filesBelow(image.root)).toEqual(filesBefore);
    for (const volume of image.volumes) expect(readdirSync(at(volume))).toEqual([]);
  });
});
