import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quarteredPicture } from '../images.ts';
import { credentialsOf } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal } from './local-run.ts';
import { cleanUp, type Running, startNode, temporaryFolder } from './processes.ts';
import { uploadAndWait } from './uploads.ts';

jest.setTimeout(60_000);

afterEach(cleanUp);

/** The paths in a folder that other users may access in any way. */
const openToOthers = async (folder: string): Promise<readonly string[]> => {
  const paths = ['', ...(await readdir(folder, { recursive: true }))].map((name) => join(folder, name));
  expect(paths.length).toBeGreaterThan(10);
  const modes = await Promise.all(
    paths.map(async (path) => {
      const status = await lstat(path);
      return status.isSymbolicLink() ? 0 : status.mode & 0o077;
    }),
  );
  return paths.filter((_, index) => modes[index] !== 0);
};

const startAt = async (folder: string, port: number): Promise<LocalRun> => {
  const local = startLocal({ folder, port });
  await local.ready();
  return local;
};

const startServices = (folder: string, port: number): Running =>
  startNode('test/local/services-process.ts', { args: [String(port), '30'], folder, environment: {} });

test('only the owner can access the data folder, including files that were readable before', async () => {
  // GIVEN a folder of an earlier version, with a symbolic link to a file outside
  const folder = await temporaryFolder();
  const port = await freePort();
  const old = join(folder, '.local', String(port), 's3/raw-images');
  await mkdir(old, { recursive: true, mode: 0o755 });
  await writeFile(join(old, 'old'), 'an original', { mode: 0o644 });
  const outside = join(folder, 'outside');
  await writeFile(outside, 'no data', { mode: 0o644 });
  await symlink(outside, join(old, 'link'));
  await mkdir(join(folder, '.local/1234'), { mode: 0o755 });
  // WHEN
  const local = await startAt(folder, port);
  await uploadAndWait(local.uploadUrl, Buffer.from(await quarteredPicture(60, 40).jpeg().toBuffer()));
  // THEN
  expect(await openToOthers(join(folder, '.local'))).toEqual([]);
  expect((await lstat(outside)).mode & 0o777).toBe(0o644);
});

test('the credentials are random, and survive a restart', async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const first = await startAt(folder, port);
  const credentials = credentialsOf(first);
  const { url } = await uploadAndWait(
    first.uploadUrl,
    Buffer.from(await quarteredPicture(60, 40).jpeg().toBuffer()),
  );
  await first.end('SIGTERM');
  const second = await startAt(folder, port);
  expect(credentialsOf(second)).toEqual(credentials);
  // A URL that was signed before the restart works.
  expect((await fetch(url)).status).toBe(200);

  const elsewhere = await temporaryFolder();
  const others = startServices(elsewhere, await freePort());
  while (!others.out().includes('ready')) await new Promise((resolve) => setTimeout(resolve, 50));
  const [otherPort = ''] = await readdir(join(elsewhere, '.local'));
  const other: unknown = JSON.parse(
    await readFile(join(elsewhere, '.local', otherPort, 'credentials.json'), 'utf8'),
  );
  expect(other).toEqual({
    accessKeyId: expect.stringMatching(/^LOCAL[A-Z2-7]{15}$/),
    secretAccessKey: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(other).not.toEqual(credentials);
});

test('fails for damaged credentials instead of replacing them', async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const data = join('.local', String(port));
  await mkdir(join(folder, data), { recursive: true });
  for (const damaged of ['', '{}', '{"accessKeyId":"LOCALAAAAAAAAAAAAAAA","secretAccessKey":""}']) {
    await writeFile(join(folder, data, 'credentials.json'), damaged);
    const local = startLocal({ folder, port });
    expect(await local.ended).toBe(1);
    expect(local.errors()).toBe(
      `\n${data}/credentials.json holds no valid credentials. Remove it; the next npm start creates new ones.\n\n`,
    );
  }
});

test('a data folder belongs to one process, until that process ends or dies', async () => {
  // GIVEN a process that holds the folder and listens on no port
  const folder = await temporaryFolder();
  const port = await freePort();
  const holder = startNode('test/local/data-folder-holder.ts', {
    args: [String(port)],
    folder,
    environment: {},
  });
  while (!holder.out().includes('held')) await new Promise((resolve) => setTimeout(resolve, 50));
  // WHEN
  const refused = startLocal({ folder, port });
  // THEN
  expect(await refused.ended).toBe(1);
  expect(refused.errors()).toBe(
    `\nAnother npm start uses .local/${port}. Stop it first, or take another port: PORT=3100 npm start.\n\n`,
  );
  expect((await readdir(join(folder, '.local', String(port)))).sort()).toEqual(['credentials.json', 'lock']);
  await holder.end('SIGKILL');
  await startAt(folder, port);
});

test('commands fail in a folder where npm start has never run', async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const holder = startServices(folder, port);
  while (!holder.out().includes('ready')) await new Promise((resolve) => setTimeout(resolve, 50));
  const elsewhere = await temporaryFolder();
  const environment = { PORT: String(port) };
  for (const [entry, args] of [
    ['bin/reconcile.ts', []],
    ['bin/redrive.ts', ['--local']],
  ] as const) {
    const run = startNode(entry, { folder: elsewhere, args, environment });
    expect(await run.ended).toBe(1);
    expect(run.errors()).toContain(
      `There are no credentials in .local/${port}. Run npm start first, with the same PORT if you set one.`,
    );
    expect(run.errors()).not.toMatch(/^\s+at /m);
  }
});
