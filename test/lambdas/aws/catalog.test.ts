import { createHash } from 'node:crypto';
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Catalog, createCatalog, type Finished } from '../../../lambdas/aws/catalog.ts';
import { waitingParts } from '../../../lambdas/aws/catalog-table.ts';
import { startCatalogServer } from '../../catalog-server.ts';

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;
let number = 0;
let id = '';

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = createCatalog(server.tableName, server.client);
});
afterAll(() => server.stop());
beforeEach(() => {
  number += 1;
  id = createHash('sha256').update(`image ${number}`).digest('hex');
});

const original = { contentType: 'image/jpeg', bytes: 1000 };
const finished = (name = 'thumbnail'): Finished => ({
  original: { ...original, width: 40, height: 30 },
  thumbnails: {
    [name]: { key: `thumbnails/${id}/${name}`, contentType: 'image/webp', width: 4, height: 3, bytes: 10 },
  },
  thumbhash: 'hash',
  resizeMilliseconds: 12,
  uploadToReadyMilliseconds: 345,
});
const failure = { code: 'image-corrupt', detail: 'broken' } as const;
const present = 'present';
const soon = () => new Date(Date.now() + 60_000);
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
const overdueIds = async (before = soon(), kind: keyof typeof waitingParts = 'stored') => {
  const pages = await Promise.all(waitingParts[kind].map((part) => catalog.overdue(part, before, 1000)));
  return pages.flatMap(({ records }) => records.map((record) => record.id));
};

test('finds no record of an image that was never received', async () => {
  await expect(catalog.find(id)).resolves.toBeUndefined();
});

test('receives an image once, however many try at the same time', async () => {
  const tries = await Promise.all(
    Array.from({ length: 10 }, () => catalog.receive(id, original, new Date())),
  );
  expect(tries.filter((record) => record !== undefined)).toHaveLength(1);
  const record = await catalog.find(id);
  expect(record).toMatchObject({ id, status: 'received', original, thumbnails: {}, requeued: 0 });
  expect(tries).toContainEqual(record);
});

test('finishes a received image with everything that was made', async () => {
  const received = await catalog.receive(id, original, new Date());
  const ended = await catalog.finish(id, present, finished());
  const record = await catalog.find(id);
  expect(ended).toEqual(record);
  expect(record).toMatchObject({
    status: 'ready',
    fingerprint: present,
    ...finished(),
    createdAt: received?.createdAt,
  });
  expect(record?.waitingSince).toBeUndefined();
});

test('finishes and fails images without a record', async () => {
  await expect(catalog.finish(id, present, finished())).resolves.toMatchObject({ status: 'ready' });
  const other = createHash('sha256').update('other').digest('hex');
  await expect(catalog.fail(other, present, { bytes: 7 }, failure)).resolves.toMatchObject({
    status: 'failed',
  });
  expect(await catalog.find(id)).toMatchObject({ status: 'ready', createdAt: expect.any(String) });
  expect(await catalog.find(other)).toMatchObject({
    status: 'failed',
    createdAt: expect.any(String),
    error: failure,
  });
});

describe('a late or repeated event', () => {
  test('cannot finish twice', async () => {
    await catalog.finish(id, present, finished());
    await expect(catalog.finish(id, present, finished())).resolves.toBeUndefined();
  });

  test('cannot fail what is ready', async () => {
    await catalog.finish(id, present, finished());
    await expect(catalog.fail(id, present, original, failure)).resolves.toBeUndefined();
    expect((await catalog.find(id))?.status).toBe('ready');
  });

  test('may still finish what failed', async () => {
    await catalog.fail(id, present, original, failure);
    await expect(catalog.finish(id, present, finished())).resolves.toMatchObject({ status: 'ready' });
    expect(await catalog.find(id)).toMatchObject({ status: 'ready' });
    expect((await catalog.find(id))?.error).toBeUndefined();
  });

  test('cannot receive what has a record', async () => {
    await catalog.finish(id, present, finished());
    await expect(catalog.receive(id, original, new Date())).resolves.toBeUndefined();
    expect((await catalog.find(id))?.status).toBe('ready');
  });
});

describe('changed settings', () => {
  test('make a settled image received again, once, and keep its thumbnails', async () => {
    await catalog.finish(id, 'earlier', finished());
    const tries = await Promise.all([
      catalog.renew(id, present),
      catalog.renew(id, present),
      catalog.renew(id, present),
    ]);
    expect(tries.filter(Boolean)).toHaveLength(1);
    expect(await catalog.find(id)).toMatchObject({ status: 'received', thumbnails: finished().thumbnails });
    expect(await overdueIds()).toContain(id);
  });

  test('renew a failed image', async () => {
    await catalog.fail(id, 'earlier', original, failure);
    await expect(catalog.renew(id, present)).resolves.toBe(true);
    expect((await catalog.find(id))?.error).toBeUndefined();
  });

  test('that are the same renew nothing', async () => {
    await catalog.finish(id, present, finished());
    await expect(catalog.renew(id, present)).resolves.toBe(false);
  });

  test('do not renew an image that is received already', async () => {
    await catalog.receive(id, original, new Date());
    await expect(catalog.renew(id, present)).resolves.toBe(false);
  });
});

describe('an image that waits too long', () => {
  test('is found until it is settled', async () => {
    await catalog.receive(id, original, new Date(Date.now() - 60_000));
    expect(await overdueIds(ago(30))).toContain(id);
    expect(await overdueIds(ago(90))).not.toContain(id);
    await catalog.finish(id, present, finished());
    expect(await overdueIds()).not.toContain(id);
  });

  test('is found whatever its id begins with, in pages of limited size', async () => {
    const ids = [...'0123456789abcdef'].map((digit) => digit + id.slice(1));
    for (const one of ids) await catalog.receive(one, original, new Date());
    expect(await overdueIds()).toEqual(expect.arrayContaining(ids));
    for (const one of ids) await catalog.finish(one, present, finished());
    const [part = ''] = waitingParts.stored;
    const sameDigit = [1, 2, 3].map((last) => `0${last}${id.slice(2)}`);
    for (const one of sameDigit) await catalog.receive(one, original, new Date());
    const first = await catalog.overdue(part, soon(), 2);
    const second = await catalog.overdue(part, soon(), 2, first.next);
    expect(first.records).toHaveLength(2);
    expect([...first.records, ...second.records].map((record) => record.id)).toEqual(sameDigit);
    expect(second.next).toBeUndefined();
    for (const one of sameDigit) await catalog.finish(one, present, finished());
  });

  test('waits from the start after a repeated request, which is counted', async () => {
    const record = await catalog.receive(id, original, new Date(Date.now() - 60_000));
    if (record === undefined) throw new Error('not received');
    await expect(catalog.noteRequeue(record)).resolves.toBe(true);
    await expect(catalog.noteRequeue(record)).resolves.toBe(false);
    expect(await catalog.find(id)).toMatchObject({ status: 'received', requeued: 1 });
    expect(await overdueIds(ago(30))).not.toContain(id);
  });

  test('is not given up for waiting in a busy queue', async () => {
    const record = await catalog.receive(id, original, ago(60));
    if (record === undefined) throw new Error('not received');
    await expect(catalog.noteRequeue(record, false)).resolves.toBe(true);
    expect(await catalog.find(id)).toMatchObject({ status: 'received', requeued: 0 });
    expect(await overdueIds(ago(30))).not.toContain(id);
  });

  test('expires without an original, and may be received again', async () => {
    const record = await catalog.receive(id, original, new Date());
    if (record === undefined) throw new Error('not received');
    await expect(catalog.expire(record, new Date(Date.now() - 1000))).resolves.toBe(true);
    await expect(catalog.find(id)).resolves.toBeUndefined();
    expect(await overdueIds()).not.toContain(id);
    await expect(catalog.receive(id, original, new Date())).resolves.toMatchObject({ id });
    await expect(catalog.find(id)).resolves.toMatchObject({ status: 'received' });
  });

  test('whose original comes late no longer expires', async () => {
    const record = await catalog.receive(id, original, new Date());
    if (record === undefined) throw new Error('not received');
    await catalog.expire(record, new Date(Date.now() + 500));
    await catalog.finish(id, present, finished());
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await catalog.find(id)).toMatchObject({ status: 'ready' });
  });
});

describe('an announcement', () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000);

  test('records no claims, waits apart from stored images, and expires', async () => {
    const record = await catalog.announce(id, new Date(), new Date(Date.now() + 1500));
    expect(record).toMatchObject({ status: 'received', announced: true, original: { bytes: 0 } });
    expect(await catalog.find(id)).toEqual(record);
    expect(await overdueIds()).not.toContain(id);
    expect(await overdueIds(soon(), 'announced')).toContain(id);
    await new Promise((resolve) => setTimeout(resolve, 1600));
    await expect(catalog.find(id)).resolves.toBeUndefined();
  });

  test('is replaced as a whole by a later one, and by an upload', async () => {
    await catalog.announce(id, ago(60), inAnHour());
    const again = await catalog.announce(id, new Date(), inAnHour());
    expect(await catalog.find(id)).toEqual(again);
    const received = await catalog.receive(id, original, new Date());
    expect(received).toMatchObject({ original, announced: false });
    expect(await catalog.find(id)).toEqual(received);
    expect(await overdueIds()).toContain(id);
    expect(await overdueIds(soon(), 'announced')).not.toContain(id);
  });

  test('does not change an image that is stored or settled', async () => {
    const received = await catalog.receive(id, original, new Date());
    await expect(catalog.announce(id, new Date(), inAnHour())).resolves.toBeUndefined();
    expect(await catalog.find(id)).toEqual(received);
    const ended = await catalog.finish(id, present, finished());
    await expect(catalog.announce(id, new Date(), inAnHour())).resolves.toBeUndefined();
    expect(await catalog.find(id)).toEqual(ended);
  });

  test('leaves only its upload behind once the image is settled', async () => {
    await catalog.announce(id, new Date(), new Date(Date.now() + 500));
    const ended = await catalog.finish(id, present, { ...finished(), uploadId: 'upload 1' });
    expect(ended).toMatchObject({ status: 'ready', announced: false, uploadId: 'upload 1' });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await catalog.find(id)).toEqual(ended);
    await catalog.fail(id, 'others', original, failure, 'upload 2');
    expect(await catalog.find(id)).toMatchObject({ status: 'failed', uploadId: 'upload 2' });
  });

  test('no longer expires, and waits with the stored images, once it is requested again', async () => {
    const record = await catalog.announce(id, ago(60), new Date(Date.now() + 500));
    if (record === undefined) throw new Error('not announced');
    await expect(catalog.noteRequeue(record)).resolves.toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await catalog.find(id)).toMatchObject({ status: 'received', announced: true, requeued: 1 });
    expect(await overdueIds()).toContain(id);
    expect(await overdueIds(soon(), 'announced')).not.toContain(id);
    await expect(catalog.announce(id, new Date(), inAnHour())).resolves.toBeUndefined();
  });

  test('that is abandoned is not listed again, and expires when it would have', async () => {
    const endsAt = inAnHour();
    const record = await catalog.announce(id, ago(60), endsAt);
    if (record === undefined) throw new Error('not announced');
    await expect(catalog.expire(record, new Date(Date.now() + 86_400_000))).resolves.toBe(true);
    expect(await overdueIds(soon(), 'announced')).not.toContain(id);
    const { Item } = await server.client.send(
      new GetItemCommand({ TableName: server.tableName, Key: { id: { S: id } } }),
    );
    expect(Item?.['expiresAtSeconds']?.N).toBe(String(Math.floor(endsAt.getTime() / 1000)));
  });
});

test('refuses a record of another shape', async () => {
  await catalog.receive(id, original, new Date());
  await server.client.send(
    new UpdateItemCommand({
      TableName: server.tableName,
      Key: { id: { S: id } },
      UpdateExpression: 'SET #status = :status',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':status': { S: 'half-done' } },
    }),
  );
  await expect(catalog.find(id)).rejects.toThrow(/status/);
});
