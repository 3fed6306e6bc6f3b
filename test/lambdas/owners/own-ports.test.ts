import { S3Client } from '@aws-sdk/client-s3';
import { type Catalog, createCatalog } from '../../../lambdas/aws/catalog.ts';
import { createOriginals } from '../../../lambdas/aws/originals.ts';
import { createUploads } from '../../../lambdas/aws/uploads.ts';
import { createOwnImages, type OwnImages } from '../../../lambdas/owners/own-images.ts';
import { ownPorts } from '../../../lambdas/owners/own-ports.ts';
import { createOwnerships, type Ownerships } from '../../../lambdas/owners/ownerships.ts';
import { startCatalogServer } from '../../catalog-server.ts';

/** An upload and a deletion of the same owner at the same time: whichever counts as the later one, holds. */

const deletionRequests = { send: jest.fn(async () => {}), sendLater: jest.fn(async () => {}) };

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;
let ownerships: Ownerships;
let images: OwnImages;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = createCatalog(server.tableName, server.client);
  ownerships = createOwnerships(server.ownersTableName, server.client);
  images = createOwnImages({ owner: 'ann', ownerships, catalog, deletionRequests, find: catalog.find });
});
afterAll(() => server.stop());

let count = 0;
const newId = (): string => {
  count += 1;
  return count.toString(16).padStart(64, '0');
};

/** Uploads as Ann, while something else happens before or after the catalog has received the image. */
const uploadDuring = (id: string, moment: 'before' | 'after', during: () => Promise<unknown>) => {
  const s3 = new S3Client({ region: 'us-east-2' });
  let isDone = false;
  const ports = ownPorts(
    {
      ownerships,
      originals: createOriginals(s3, 'raw'),
      uploads: createUploads(async () => s3, 'raw', 60),
      catalog: {
        ...catalog,
        async receive(...args) {
          const isDue = !isDone;
          isDone = true;
          if (isDue && moment === 'before') await during();
          const record = await catalog.receive(...args);
          if (isDue && moment === 'after') await during();
          return record;
        },
      },
    },
    'ann',
  );
  return ports.catalog.receive(id, { bytes: 9 }, new Date());
};

/** What the worker does with a deletion that has begun. */
const finishDeletion = async (id: string): Promise<void> => {
  const state = await catalog.state(id);
  if (state?.status !== 'deleting') return;
  await ownerships.forget(id, new AbortController().signal);
  const lease = await catalog.takeLease(state, 'worker', new Date(Date.now() + 60_000));
  expect(lease && (await catalog.finishDeletion(lease, 'worker', new Date(Date.now() + 60_000)))).toBe(true);
};

test.each(['before', 'after'] as const)(
  'an upload whose owner deletes the image right %s it is recorded makes them the owner again',
  async (moment) => {
    const id = newId();
    const created = await uploadDuring(id, moment, async () => {
      expect(await images.remove(id)).toBe(true);
      await finishDeletion(id);
    });
    expect(created).toMatchObject({ id, status: 'received' });
    expect((await catalog.find(id))?.createdAt).toBe(created?.createdAt);
    expect(await ownerships.find(id, 'ann')).toMatchObject({ claimedAt: expect.any(String) });
    expect((await ownerships.find(id, 'ann'))?.expiresAtSeconds).toBeUndefined();
  },
);

test('an upload whose image is deleted for all before it is recorded does not lose its owner', async () => {
  const id = newId();
  const created = await uploadDuring(id, 'before', async () => {
    await catalog.receive(id, { bytes: 9 }, new Date());
    const record = await catalog.find(id);
    expect(record && (await catalog.startDeletion(record))).toBeDefined();
    await finishDeletion(id);
  });
  expect(created).toMatchObject({ id, status: 'received' });
  expect((await ownerships.find(id, 'ann'))?.expiresAtSeconds).toBeUndefined();
});

test('an upload that gives up leaves no claim', async () => {
  const id = newId();
  const record = await catalog.receive(id, { bytes: 9 }, new Date());
  expect(record && (await catalog.startDeletion(record))).toBeDefined();
  await expect(uploadDuring(id, 'before', async () => {})).rejects.toMatchObject({
    code: 'deletion-in-progress',
  });
  expect(await ownerships.find(id, 'ann')).toBeUndefined();
});

test('an image whose upload dies before its claim stays is examined after its owner has deleted it', async () => {
  const id = newId();
  await ownerships.claim(id, 'ann');
  deletionRequests.sendLater.mockClear();
  expect(await images.remove(id)).toBe(true);
  expect(deletionRequests.sendLater.mock.calls).toEqual([[id, 60]]);
});
