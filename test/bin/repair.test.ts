import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { createS3Client } from '../../lambdas/aws/clients.ts';
import { originalKey, thumbnailKey } from '../../lambdas/image/keys.ts';
import { variantsSchema } from '../../lambdas/image/variant.ts';
import { resources } from '../../local/aws.ts';
import { endpointOf } from '../../local/ports.ts';
import { accountOf } from '../local/aws-clients.ts';
import { type EmbeddedServices, startEmbeddedServices } from '../local/embedded-services.ts';
import { cleanUp, type Running, startNode } from '../local/processes.ts';

jest.setTimeout(120_000);

const [variant] = variantsSchema.parse([{ name: 'thumbnail' }]);
let services: EmbeddedServices;
let images = 0;

beforeAll(async () => {
  services = await startEmbeddedServices(2);
});
afterAll(cleanUp);

const repair = (...args: readonly string[]): Running =>
  startNode('bin/repair.ts', {
    args: ['--rate', '1000', ...args],
    folder: services.folder,
    environment: { PORT: String(services.ports.api) },
  });

/** A ready image with its objects. */
const ready = async (): Promise<string> => {
  images += 1;
  const { catalog, originals, thumbnails, upload } = services.aws;
  const id = await upload(Buffer.from(`image ${images}`));
  const key = thumbnailKey(id, variant);
  await thumbnails.put(key, Buffer.from('thumbnail'), 'image/webp');
  expect(await originals.head(id)).toBeDefined();
  await catalog.finish(id, 'any', {
    original: { bytes: 9 },
    thumbnails: { thumbnail: { key, contentType: 'image/webp', width: 1, height: 1, bytes: 9 } },
    thumbhash: undefined,
    resizeMilliseconds: 1,
    uploadToReadyMilliseconds: 1,
  });
  return id;
};

const remove = async (Bucket: string, Key: string): Promise<void> => {
  const { ports } = services;
  const s3 = createS3Client({
    ...accountOf(services),
    endpoint: endpointOf(ports.s3),
    forcePathStyle: true,
  });
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
};

const statusOf = async (id: string) => (await services.aws.catalog.find(id))?.status;

test('repairs what it can, counts it first in a dry run, and leaves intact and deleted images alone', async () => {
  const [intact, damaged, lost, deleted] = [await ready(), await ready(), await ready(), await ready()];
  for (const id of [damaged, lost]) await remove(resources.thumbnailBucket, thumbnailKey(id, variant));
  await remove(resources.rawBucket, originalKey(lost));
  const record = await services.aws.catalog.find(deleted);
  expect(record && (await services.aws.catalog.startDeletion(record))).toBeDefined();

  // WHEN it only counts
  const dryRun = repair('--dry-run');

  // THEN
  expect(await dryRun.ended).toBe(0);
  expect(dryRun.out()).toBe('images: 3\nwould be repaired: 1\nwould be lost: 1\n');
  expect(await Promise.all([intact, damaged, lost].map(statusOf))).toEqual(['ready', 'ready', 'ready']);

  // WHEN
  const running = repair();

  // THEN
  expect(await running.ended).toBe(0);
  expect(running.out()).toContain('images: 3\nrepaired: 1\nlost: 1\n');
  expect(await Promise.all([intact, damaged, lost].map(statusOf))).toEqual(['ready', 'received', 'failed']);
  expect((await services.aws.catalog.find(lost))?.error?.code).toBe('original-missing');
  const again = repair();
  expect(await again.ended).toBe(0);
  expect(again.out()).toBe('images: 3\nrepaired: 0\nlost: 0\n');
});

test('continues where a file says, and removes the file at the end', async () => {
  const file = join(services.folder, 'from');
  const whole = repair();
  expect(await whole.ended).toBe(0);
  const [, total] = /images: (\d+)/.exec(whole.out()) ?? [];
  await writeFile(file, `${await ready()}\n`);
  const running = repair('--from', 'from');
  expect(await running.ended).toBe(0);
  const [, rest] = /images: (\d+)/.exec(running.out()) ?? [];
  expect(Number(rest)).toBeLessThan(Number(total) + 1);
  expect(existsSync(file)).toBe(false);
});

test.each([
  [['--rate', '0'], '--rate must be a whole number from 1'],
  [['--fast'], "Unknown option '--fast'"],
])('refuses %j', async (args, message) => {
  const refused = repair(...args);
  expect(await refused.ended).toBe(1);
  expect(refused.errors()).toContain(message);
});

test('refuses a file that it has not written', async () => {
  await writeFile(join(services.folder, 'notes'), 'buy milk\n');
  const refused = repair('--from', 'notes');
  expect(await refused.ended).toBe(1);
  expect(refused.errors()).toContain('notes was not written by this command.');
});
