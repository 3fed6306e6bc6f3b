import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownerOfArn } from '../../lambdas/owners/owner.ts';
import { createOwnerships } from '../../lambdas/owners/ownerships.ts';
import { readSettings } from '../../lib/settings.ts';
import { resources } from '../../local/aws.ts';
import { environmentsFor } from '../../local/environments.ts';
import { credentialsOf } from '../local/aws-clients.ts';
import { type EmbeddedServices, startEmbeddedServices } from '../local/embedded-services.ts';
import { until } from '../local/local-run.ts';
import { cleanUp, type Running, startNode } from '../local/processes.ts';

jest.setTimeout(120_000);

let services: EmbeddedServices;
let worker: Running | undefined;

beforeAll(async () => {
  services = await startEmbeddedServices(2);
});

afterEach(async () => {
  await worker?.end('SIGTERM');
  worker = undefined;
});

afterAll(cleanUp);

const startWorker = (): void => {
  const { folder, ports } = services;
  const environment = environmentsFor(ports, readSettings({}), credentialsOf(services)).delete;
  worker = startNode('local/workers/delete.ts', { folder, environment });
};

const start = (...args: readonly string[]): Running =>
  startNode('bin/delete.ts', {
    args,
    folder: services.folder,
    environment: { PORT: String(services.ports.api) },
  });

let images = 0;
const uploaded = (): Promise<string> => {
  images += 1;
  return services.aws.upload(Buffer.from(`image ${images}`));
};

const isStored = async (id: string): Promise<boolean> =>
  (await services.aws.originals.head(id)) !== undefined;

test('deletes images, waits until nothing is left of them, and writes a report', async () => {
  startWorker();
  const [one, other, kept] = [await uploaded(), await uploaded(), await uploaded()];
  const unknown = 'a'.repeat(64);
  await writeFile(join(services.folder, 'ids'), `${other}\n\n${unknown}\n`);

  const running = start(one, '--ids-from', 'ids', '--report', 'report.json');

  expect(await running.ended).toBe(0);
  expect(running.out().trim().split('\n')).toEqual([
    `${one} deleted`,
    `${other} deleted`,
    `${unknown} unknown`,
  ]);
  expect(await Promise.all([one, other, kept].map(isStored))).toEqual([false, false, true]);
  expect(await services.aws.catalog.state(one)).toMatchObject({ status: 'deleted' });
  expect(JSON.parse(await readFile(join(services.folder, 'report.json'), 'utf8'))).toEqual({
    stack: 'npm start',
    dryRun: false,
    startedAt: expect.any(String),
    endedAt: expect.any(String),
    images: [
      { id: one, result: 'deleted' },
      { id: other, result: 'deleted' },
      { id: unknown, result: 'unknown' },
    ],
  });

  // WHEN it runs again
  const again = start(one);
  expect(await again.ended).toBe(0);
  expect(again.out()).toBe(`${one} was-deleted\n`);
});

test('changes nothing in a dry run', async () => {
  const id = await uploaded();
  const before = await services.aws.catalog.find(id);
  const running = start('--dry-run', id);
  expect(await running.ended).toBe(0);
  expect(running.out()).toBe(`${id} would-delete\n`);
  expect(await services.aws.catalog.find(id)).toEqual(before);
  expect(await isStored(id)).toBe(true);
});

test('can be interrupted and run again', async () => {
  const id = await uploaded();
  // GIVEN that no worker runs
  const running = start(id);
  await until('the deletion', async () =>
    (await services.aws.catalog.state(id))?.status === 'deleting' ? true : undefined,
  );
  expect(await running.end('SIGTERM')).toBe(1);
  expect(running.out()).toBe(`${id} unfinished\n`);
  startWorker();
  const again = start(id);
  expect(await again.ended).toBe(0);
  expect(again.out()).toMatch(new RegExp(`^${id} (?:was-)?deleted\n$`));
  expect(await isStored(id)).toBe(false);
});

test.each([
  ['no image', [], 'Name at least one image.'],
  ['a wrong id', ['raw/x'], '"raw/x" is no id: expected 64 lower-case hexadecimal digits.'],
  ['a missing file', ['--ids-from', 'nowhere'], 'nowhere cannot be read: no such file or directory.\n'],
  ['an unknown flag', ['--ids', 'x'], "\nUnknown option '--ids'.\n\nUsage: "],
  ['a missing value', ['--stack'], "\nOption '--stack' needs a value.\n\nUsage: "],
  ['a flag in place of a value', ['--stack', '--dry-run'], "\nOption '--stack' needs a value.\n\nUsage: "],
  [
    'a folder that is missing, before it deletes',
    ['a'.repeat(64), '--report', 'nowhere/report.json'],
    '\nnowhere/report.json cannot be written: no such file or directory.\n',
  ],
])('explains %s', async (_, args, message) => {
  const running = start(...args);
  expect(await running.ended).toBe(1);
  expect(running.errors()).toContain(message);
  expect(running.out()).toBe('');
});

test('takes all images from an owner, and deletes those that no one else owns', async () => {
  const { folder, ports, aws } = services;
  const auth = 'iam';
  const environment = environmentsFor(ports, readSettings({ auth }), credentialsOf(services)).delete;
  worker = startNode('local/workers/delete.ts', { folder, environment });
  const ownerships = createOwnerships(resources.ownersTable, aws.dynamodb);
  const arn = 'arn:aws:iam::111122223333:role/Uploader';
  const own = async (id: string, owner: string): Promise<void> => {
    await ownerships.claim(id, owner);
    await aws.catalog.claim(id);
  };
  const [alone, common, others] = [await uploaded(), await uploaded(), await uploaded()];
  for (const id of [alone, common]) await own(id, ownerOfArn(arn));
  for (const id of [common, others]) await own(id, 'someone else');
  await ownerships.announce('b'.repeat(64), ownerOfArn(arn), new Date(Date.now() + 60_000), undefined);
  const session = 'arn:aws:sts::111122223333:assumed-role/Uploader/anyone';

  const trial = start('--owner-arn', session, '--dry-run');
  expect(await trial.ended).toBe(0);
  expect(trial.out().match(/would-release/g)).toHaveLength(3);
  expect(await isStored(alone)).toBe(true);

  const running = start('--owner-arn', session);
  expect(await running.ended).toBe(0);
  const lines = running.out().trim().split('\n');
  expect(lines.toSorted()).toEqual(
    [`${alone} deleted`, `${common} kept`, `${'b'.repeat(64)} unknown`].toSorted(),
  );
  expect([await isStored(alone), await isStored(common), await isStored(others)]).toEqual([
    false,
    true,
    true,
  ]);
  expect((await ownerships.ofOwner(ownerOfArn(arn), 10)).ownerships).toEqual([]);

  const again = start('--owner-arn', arn);
  expect([await again.ended, again.out(), again.errors()]).toEqual([0, '', 'This owner has no images.\n']);
});

test.each([
  [['--issuer', 'https://idp.example']],
  [['--subject', 'ann', '--owner-arn', 'arn:aws:iam::111122223333:user/ann']],
  [['--owner-arn', 'ann']],
  [['--owner-arn', 'arn:aws:iam::111122223333:user/ann', '--cognito-identity', 'us-east-2:ann']],
  [['--owner-arn', 'arn:aws:iam::111122223333:user/ann', 'a'.repeat(64)]],
])('refuses %j', async (args) => {
  const running = start(...args);
  expect(await running.ended).toBe(1);
  expect(running.errors()).toMatch(/owner|ARN/);
});
