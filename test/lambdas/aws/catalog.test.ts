import { createHash } from 'node:crypto';
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { createCatalog, type Finished } from '../../../lambdas/aws/catalog.ts';
import { waitingParts } from '../../../lambdas/aws/catalog-table.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;
let number = 0;
let id = '';

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
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
  return pages.flatMap(({ states }) => states.map((state) => state.id));
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
    expect(first.states).toHaveLength(2);
    expect([...first.states, ...second.states].map((state) => state.id)).toEqual(sameDigit);
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

describe('a deletion', () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000);
  const ready = async () => {
    const record = await catalog.finish(id, present, finished());
    if (record === undefined) throw new Error('not finished');
    return record;
  };
  const deleting = async () => {
    const deletion = await catalog.startDeletion(await ready());
    if (deletion === undefined) throw new Error('not started');
    return deletion;
  };
  const deleted = async () => {
    const lease = await catalog.takeLease(await deleting(), 'worker', soon());
    if (lease === undefined) throw new Error('no lease');
    expect(await catalog.finishDeletion(lease, 'worker', inAnHour())).toBe(true);
    return lease;
  };

  test('leaves nothing of the record, which is no image from then on', async () => {
    const { createdAt } = await ready();
    const deletion = await catalog.startDeletion(await recorded());
    expect(deletion).toMatchObject({ id, status: 'deleting', createdAt, isPublished: false });
    expect(await catalog.state(id)).toEqual(deletion);
    expect(await catalog.find(id)).toBeUndefined();
    expect(await overdueIds(soon(), 'deletion')).toContain(id);
    const { Item } = await server.client.send(
      new GetItemCommand({ TableName: server.tableName, Key: { id: { S: id } } }),
    );
    expect(Object.keys(Item ?? {}).sort()).toEqual([
      'changedAt',
      'createdAt',
      'deletion',
      'id',
      'waiting',
      'waitingSince',
    ]);
  });

  const recorded = async () => {
    const record = await catalog.find(id);
    if (record === undefined) throw new Error('no record');
    return record;
  };

  test('begins once, however many try at the same time', async () => {
    const record = await ready();
    const tries = await Promise.all(Array.from({ length: 10 }, () => catalog.startDeletion(record)));
    expect(tries.filter((deletion) => deletion !== undefined)).toHaveLength(1);
  });

  test('does not begin when the image was claimed since its record was read', async () => {
    const before = await ready();
    await expect(catalog.claim(id)).resolves.toMatchObject({ id, claims: 1 });
    await expect(catalog.startDeletion(before)).resolves.toBeUndefined();
    const between = await recorded();
    await catalog.claim(id);
    await expect(catalog.startDeletion(between)).resolves.toBeUndefined();
    await expect(catalog.startDeletion(await recorded())).resolves.toMatchObject({ status: 'deleting' });
  });

  test('begins although the image was settled, or requested again, since its record was read', async () => {
    const received = await catalog.receive(id, original, new Date());
    await catalog.finish(id, 'earlier', finished());
    await catalog.renew(id, present);
    if (received === undefined) throw new Error('not received');
    await expect(catalog.startDeletion(received)).resolves.toMatchObject({ status: 'deleting' });
  });

  test('refuses claims, uploads, announcements, results and further requests', async () => {
    const record = await ready();
    await catalog.startDeletion(record);
    const before = await catalog.state(id);
    await expect(catalog.claim(id)).resolves.toBeUndefined();
    await expect(catalog.receive(id, original, new Date())).resolves.toBeUndefined();
    await expect(catalog.announce(id, new Date(), inAnHour())).resolves.toBeUndefined();
    await expect(catalog.renew(id)).resolves.toBe(false);
    const worker = createCatalog(server.tableName, server.client);
    for (const seen of [record, undefined]) {
      await expect(worker.finish(id, seen, 'other', finished())).resolves.toBeUndefined();
      await expect(worker.fail(id, seen, 'other', original, failure)).resolves.toBeUndefined();
      await expect(worker.noteSlowLane(id, seen, 'other', original)).resolves.toBeUndefined();
    }
    expect(await catalog.state(id)).toEqual(before);
  });

  test('of an announcement does not expire before it ends', async () => {
    const record = await catalog.announce(id, ago(60), new Date(Date.now() + 500));
    if (record === undefined) throw new Error('not announced');
    await catalog.startDeletion(record);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await catalog.state(id)).toMatchObject({ status: 'deleting' });
  });

  test('is done by one worker at a time, and by another one once the lease has ended', async () => {
    const deletion = await deleting();
    await expect(catalog.takeLease(deletion, 'first', new Date(Date.now() + 300))).resolves.toBeDefined();
    await expect(catalog.takeLease(deletion, 'second', soon())).resolves.toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 400));
    await expect(catalog.takeLease(deletion, 'second', soon())).resolves.toMatchObject({
      leaseToken: 'second',
    });
    await expect(catalog.finishDeletion(deletion, 'first', inAnHour())).resolves.toBe(false);
    await expect(catalog.finishDeletion(deletion, 'second', inAnHour())).resolves.toBe(true);
  });

  test('leaves a trace with its times, also after a sweep', async () => {
    const { createdAt, changedAt } = await deleted();
    expect(await catalog.state(id)).toEqual({
      id,
      status: 'deleted',
      createdAt,
      changedAt,
      isPublished: true,
    });
    expect(await overdueIds(soon(), 'deletion')).not.toContain(id);
    const lease = await catalog.takeLease(await deletedState(), 'sweeper', soon());
    expect(lease).toMatchObject({ status: 'deleting', changedAt, isPublished: true });
    await expect(catalog.finishDeletion(await deletedState(), 'sweeper', inAnHour())).resolves.toBe(true);
    expect(await deletedState()).toMatchObject({ status: 'deleted', createdAt, changedAt });
  });

  const deletedState = async () => {
    const state = await catalog.state(id);
    if (state === undefined || !('isPublished' in state)) throw new Error('not deleted');
    return state;
  };

  test('that has ended lets the image be uploaded and announced as a new one', async () => {
    const { createdAt } = await deleted();
    const received = await catalog.receive(id, original, new Date());
    expect(received).toMatchObject({ status: 'received', claims: 0 });
    expect(received?.createdAt).not.toBe(createdAt);
    expect(await catalog.find(id)).toEqual(received);
    id = createHash('sha256').update(`announced ${number}`).digest('hex');
    await deleted();
    expect(await catalog.announce(id, new Date(), inAnHour())).toMatchObject({ announced: true });
  });

  test('that has ended lets no result of the earlier image in', async () => {
    const worker = createCatalog(server.tableName, server.client);
    const earlier = await ready();
    const deletion = await catalog.startDeletion(earlier);
    if (deletion === undefined) throw new Error('not started');
    await catalog.takeLease(deletion, 'worker', soon());
    await catalog.finishDeletion(deletion, 'worker', inAnHour());
    for (const seen of [earlier, undefined]) {
      await expect(worker.finish(id, seen, 'other', finished())).resolves.toBeUndefined();
    }
    await catalog.receive(id, original, new Date());
    for (const seen of [earlier, undefined]) {
      await expect(worker.finish(id, seen, 'other', finished())).resolves.toBeUndefined();
      await expect(worker.fail(id, seen, 'other', original, failure)).resolves.toBeUndefined();
      await expect(worker.noteSlowLane(id, seen, 'other', original)).resolves.toBeUndefined();
    }
    expect(await catalog.startDeletion(earlier)).toBeUndefined();
    expect(await catalog.takeLease(deletion, 'worker', soon())).toBeUndefined();
    expect(await catalog.find(id)).toMatchObject({ status: 'received' });
  });

  test('that has expired lets the image be uploaded, and no late result in', async () => {
    const deletion = await deleting();
    await catalog.takeLease(deletion, 'worker', soon());
    await catalog.finishDeletion(deletion, 'worker', new Date(Date.now() - 1000));
    const worker = createCatalog(server.tableName, server.client);
    await expect(worker.finish(id, undefined, present, finished())).resolves.toBeUndefined();
    expect(await catalog.state(id)).toMatchObject({ status: 'deleted' });
    await expect(catalog.receive(id, original, new Date())).resolves.toMatchObject({ status: 'received' });
  });

  test('that is overdue waits again once it is requested', async () => {
    const deletion = await deleting();
    await expect(catalog.noteDeletionRequested(deletion)).resolves.toBe(true);
    await expect(catalog.noteDeletionRequested(deletion)).resolves.toBe(false);
  });
});

test('no image is claimed without a record', async () => {
  await expect(catalog.claim(id)).resolves.toBeUndefined();
  await catalog.announce(id, new Date(), new Date(Date.now() - 1000));
  await expect(catalog.claim(id)).resolves.toBeUndefined();
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
