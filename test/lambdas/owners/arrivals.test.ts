import {
  CopyObjectCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  NotFound,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { PublishCommand } from '@aws-sdk/client-sns';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { type Catalog, createCatalog } from '../../../lambdas/aws/catalog.ts';
import { createS3Client } from '../../../lambdas/aws/clients.ts';
import { createDeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { createEvents } from '../../../lambdas/aws/events.ts';
import { createOriginals, type Originals } from '../../../lambdas/aws/originals.ts';
import { createResizeRequests } from '../../../lambdas/aws/resize-requests.ts';
import { createUploads, type Uploads } from '../../../lambdas/aws/uploads.ts';
import { type Arrival, arrivalKey, arrivalOfKey, originalKey } from '../../../lambdas/image/keys.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { createMailForgetter } from '../../../lambdas/notify/mail-forgetter.ts';
import { createMailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { createArrivalObjects } from '../../../lambdas/owners/arrival-objects.ts';
import {
  type ArrivalsDependencies,
  createReceiveArrival,
  type ReceiveArrival,
} from '../../../lambdas/owners/arrivals.ts';
import { ownPorts } from '../../../lambdas/owners/own-ports.ts';
import { createOwnerships, type Ownerships } from '../../../lambdas/owners/ownerships.ts';
import { createMetrics } from '../../../lambdas/runtime/metrics.ts';
import { readSettings } from '../../../lib/settings.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables } from '../../environment.ts';
import { mockStorage } from './people.ts';

/** What a known caller has sent to S3 becomes an image that they own. */

const storage = mockStorage();
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const bucket = 'raw-bucket';
const fingerprint = fingerprintOf(readSettings({}).variants);

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;
let ownerships: Ownerships;
let receiveWith: (others: Partial<ArrivalsDependencies>) => ReceiveArrival;
let receive: ReceiveArrival;
let originals: Originals;
let uploads: Uploads;
let mailRequests: ReturnType<typeof createMailRequests>;
let owners: Map<string, string>;
/** When an object was stored, and its version. */
let facts: Map<string, { readonly LastModified?: Date; readonly VersionId?: string }>;

beforeAll(async () => {
  server = await startCatalogServer();
  Object.assign(process.env, { ...awsVariables(server), POWERTOOLS_METRICS_DISABLED: 'true' });
  catalog = createCatalog(server.tableName, server.client);
  ownerships = createOwnerships(server.ownersTableName, server.client);
  mailRequests = createMailRequests(server.mailRequestsTableName, server.client);
  const s3 = createS3Client({ region: 'us-east-2' });
  originals = createOriginals(s3, bucket, { originalDays: 10 });
  uploads = createUploads(async () => s3, bucket, 60);
  const dependencies: ArrivalsDependencies = {
    catalog,
    ownerships,
    originals,
    objects: createArrivalObjects(s3, bucket),
    deletionRequests: createDeletionRequests('https://sqs.example/delete'),
    resizeRequests: createResizeRequests('https://sqs.example/resize'),
    events: createEvents('arn:aws:sns:us-east-2:111122223333:image-events'),
    proofListeners: [mailRequests],
    metrics: createMetrics('Stack'),
    log,
  };
  receiveWith = (others) => createReceiveArrival({ ...dependencies, ...others });
  receive = receiveWith({});
});
afterAll(() => server.stop());

/** The call of S3 at which the worker dies, counted from now on. */
let dying: { readonly call: 'HeadObject' | 'CopyObject' | 'PutObject'; number: number } | undefined;
const dieIfDue = (call: NonNullable<typeof dying>['call']): void => {
  if (dying?.call !== call) return;
  dying.number -= 1;
  if (dying.number === 0) throw new Error('killed');
};

beforeEach(() => {
  storage.reset();
  owners = new Map();
  facts = new Map();
  dying = undefined;
  storage.s3.on(PutObjectCommand).callsFake(({ Key, Body }) => {
    dieIfDue('PutObject');
    storage.stored.set(Key, Buffer.from(Body));
    return {};
  });
  storage.s3.on(HeadObjectCommand).callsFake(({ Key }) => {
    dieIfDue('HeadObject');
    const body = storage.stored.get(Key);
    if (body === undefined) throw new NotFound({ message: 'not found', $metadata: {} });
    return { ContentLength: body.length, Metadata: { owner: owners.get(Key) }, ...facts.get(Key) };
  });
  storage.s3.on(CopyObjectCommand).callsFake(({ Key, CopySource, MetadataDirective }) => {
    dieIfDue('CopyObject');
    const body = storage.stored.get(CopySource.slice(`${bucket}/`.length));
    if (body === undefined) throw new Error('There is no source.');
    expect(MetadataDirective).toBe('REPLACE');
    storage.stored.set(Key, body);
    return {};
  });
});

let count = 0;
const bytes = Buffer.from('an image');
/** What S3 holds after a caller has announced an image and sent it. */
const arrived = async (owner: string, id?: string): Promise<Arrival> => {
  count += 1;
  const arrival = { id: id ?? count.toString(16).padStart(64, '0'), uploadId: `upload-${count}` };
  await ownerships.announce(arrival.id, owner, new Date(Date.now() + 60_000), undefined);
  storage.stored.set(arrivalKey(arrival), bytes);
  owners.set(arrivalKey(arrival), owner);
  return arrival;
};

const stored = (key: string): string | undefined => storage.stored.get(key)?.toString();
const eventTypes = () =>
  storage.sns.commandCalls(PublishCommand).map(({ args }) => JSON.parse(args[0].input.Message ?? '').type);
const requestsTo = (queue: string): number =>
  storage.sqs.commandCalls(SendMessageCommand).filter(({ args }) => args[0].input.QueueUrl?.endsWith(queue))
    .length;
const resizeRequests = () => requestsTo('/resize');
const release = async (id: string, owner: string): Promise<void> => {
  const seen = await ownerships.find(id, owner);
  expect(seen && (await ownerships.release(seen))).toBe(true);
};

const settle = async (id: string): Promise<void> => {
  await catalog.finish(id, await catalog.find(id), fingerprint, {
    original: { bytes: bytes.length },
    thumbnails: {},
    thumbhash: undefined,
    resizeMilliseconds: 1,
    uploadToReadyMilliseconds: 1,
  });
};

test('the first arrival of an image becomes its original, and its sender the owner', async () => {
  const arrival = await arrived('ann');
  await receive(arrival);
  expect(stored(originalKey(arrival.id))).toBe('an image');
  expect(await catalog.find(arrival.id)).toMatchObject({ status: 'received', original: { bytes: 8 } });
  expect(await ownerships.find(arrival.id, 'ann')).toMatchObject({ claimedAt: expect.any(String) });
  expect((await ownerships.find(arrival.id, 'ann'))?.expiresAtSeconds).toBeUndefined();
  // The event of the copy starts the resizing.
  expect([eventTypes(), resizeRequests()]).toEqual([[], 0]);
});

test('leaves an empty object, so that S3 refuses the same upload again', async () => {
  const arrival = await arrived('ann');
  await receive(arrival);
  expect(stored(arrivalKey(arrival))).toBe('');
  // S3 sends an event for the empty object as well.
  await receive(arrival);
  expect(eventTypes()).toEqual([]);
  expect(storage.s3.commandCalls(PutObjectCommand)).toHaveLength(1);
  expect(storage.s3.commandCalls(PutObjectCommand)[0]?.args[0].input.Metadata).toBeUndefined();
});

test('the arrival of an image that another one has makes a second owner, and is not resized again', async () => {
  const first = await arrived('ann');
  await receive(first);
  await settle(first.id);
  const before = await catalog.find(first.id);
  const second = await arrived('ben', first.id);
  expect((await ownerships.find(first.id, 'ben'))?.claimedAt).toBeUndefined();
  await receive(second);
  expect((await ownerships.find(first.id, 'ben'))?.claimedAt).toEqual(expect.any(String));
  expect(storage.s3.commandCalls(CopyObjectCommand)).toHaveLength(1);
  expect(eventTypes()).toEqual(['image.duplicate']);
  // A deletion that began before and did not see the second owner fails.
  if (before === undefined) throw new Error('There is no record.');
  expect(await catalog.startDeletion(before)).toBeUndefined();
});

test('leaves no version of the bytes in a bucket that keeps versions', async () => {
  const arrival = await arrived('ann');
  facts.set(arrivalKey(arrival), { VersionId: 'with the bytes' });
  await receive(arrival);
  expect(storage.s3.commandCalls(DeleteObjectCommand).map(({ args }) => args[0].input)).toEqual([
    { Bucket: bucket, Key: arrivalKey(arrival), VersionId: 'with the bytes' },
  ]);
});

test('an arrival replaces an original that has expired, although S3 has yet to remove it', async () => {
  const first = await arrived('ann');
  await receive(first);
  await settle(first.id);
  facts.set(originalKey(first.id), { LastModified: new Date(Date.now() - 11 * 86_400_000) });
  await receive(await arrived('ben', first.id));
  expect(storage.s3.commandCalls(CopyObjectCommand)).toHaveLength(2);
});

test.each([
  ['recording the image', 'HeadObject', 2],
  ['storing the original', 'CopyObject', 1],
  ['emptying the arrival', 'PutObject', 1],
] as const)(
  'a worker that dies before %s leaves everything to the next delivery',
  async (_, call, number) => {
    const arrival = await arrived('ann');
    dying = { call, number };
    await expect(receive(arrival)).rejects.toThrow('killed');
    await receive(arrival);
    expect(stored(originalKey(arrival.id))).toBe('an image');
    expect(stored(arrivalKey(arrival))).toBe('');
    expect((await ownerships.find(arrival.id, 'ann'))?.claimedAt).toEqual(expect.any(String));
    expect(await catalog.find(arrival.id)).toMatchObject({ status: 'received' });
  },
);

test('an image that its sender has deleted meanwhile does not come back', async () => {
  const arrival = await arrived('ann');
  await release(arrival.id, 'ann');
  await receive(arrival);
  expect(await catalog.find(arrival.id)).toBeUndefined();
  expect(stored(originalKey(arrival.id))).toBeUndefined();
  expect(stored(arrivalKey(arrival))).toBe('');
  expect(await ownerships.find(arrival.id, 'ann')).toBeUndefined();
});

test.each(['receive', 'claim'] as const)(
  'an image that its sender deletes before or after the catalog has it (%s) does not come back',
  async (method) => {
    for (const moment of ['before', 'after'] as const) {
      const arrival = await arrived('ann');
      const { id } = arrival;
      if (method === 'claim') await receive(await arrived('ben', id));
      const during = receiveWith({
        catalog: {
          ...catalog,
          [method]: async (...args: Parameters<Catalog[typeof method]>) => {
            if (moment === 'before') await release(id, 'ann');
            const record = await Reflect.apply(catalog[method], undefined, args);
            if (moment === 'after') await release(id, 'ann');
            return record;
          },
        },
      });
      storage.sqs.resetHistory();
      await during(arrival);
      expect(await ownerships.find(id, 'ann')).toBeUndefined();
      expect(stored(arrivalKey(arrival))).toBe('');
      // The worker of this queue deletes what no one owns.
      expect(requestsTo('/delete')).toBe(1);
      expect(stored(originalKey(id))).toBe(method === 'claim' ? 'an image' : undefined);
    }
  },
);

test('a deletion that ends between the claim of an arrival and its record leaves the claim', async () => {
  const arrival = await arrived('ann');
  const { id } = arrival;
  await receive(await arrived('ben', id));
  const later = receiveWith({
    catalog: {
      ...catalog,
      async receive(...args) {
        await ownerships.forget(id, new AbortController().signal);
        return catalog.receive(...args);
      },
    },
  });
  await later(arrival);
  expect(await ownerships.find(id, 'ben')).toBeUndefined();
  expect(await ownerships.find(id, 'ann')).toMatchObject({ claimedAt: expect.any(String) });
  expect((await ownerships.find(id, 'ann'))?.expiresAtSeconds).toBeUndefined();
});

test('an arrival waits for the end of a deletion, and is received by a later delivery', async () => {
  const first = await arrived('ann');
  await receive(first);
  await settle(first.id);
  const record = await catalog.find(first.id);
  const deletion = record && (await catalog.startDeletion(record));
  if (deletion === undefined) throw new Error('There is no deletion.');
  const second = await arrived('ben', first.id);
  await expect(receive(second)).rejects.toThrow('being deleted');
  expect(stored(arrivalKey(second))).toBe('an image');
  // Its owner sees that it is under way.
  const own = ownPorts({ catalog, ownerships, originals, uploads }, 'ben').catalog;
  expect(await own.find(first.id)).toMatchObject({ status: 'received', announced: true });
  expect(
    await ownPorts({ catalog, ownerships, originals, uploads }, 'ann').catalog.find(first.id),
  ).toBeUndefined();

  await ownerships.forget(first.id, new AbortController().signal);
  storage.stored.delete(originalKey(first.id));
  const leased = await catalog.takeLease(deletion, 'worker', new Date(Date.now() + 60_000));
  if (leased === undefined) throw new Error('There is no lease.');
  await catalog.finishDeletion(leased, 'worker', new Date(Date.now() + 60_000));
  await receive(second);
  expect(await catalog.find(first.id)).toMatchObject({ status: 'received' });
  expect(stored(originalKey(first.id))).toBe('an image');
  expect(await ownerships.find(first.id, 'ben')).toBeDefined();
  expect(await ownerships.find(first.id, 'ann')).toBeUndefined();
});

test('the bytes of a lost record are resized again', async () => {
  const arrival = await arrived('ann');
  storage.stored.set(originalKey(arrival.id), bytes);
  await receive(arrival);
  expect(resizeRequests()).toBe(1);
  expect(await catalog.find(arrival.id)).toMatchObject({ status: 'received' });
});

test('an image that was given up gets another attempt', async () => {
  const first = await arrived('ann');
  await receive(first);
  const failure = { code: 'decode-timeout', detail: 'Too slow.' } as const;
  await catalog.fail(first.id, await catalog.find(first.id), fingerprint, { bytes: 8 }, failure);
  await receive(await arrived('ben', first.id));
  expect(await catalog.find(first.id)).toMatchObject({ status: 'received' });
  expect(resizeRequests()).toBe(1);
});

describe('a request for a mail', () => {
  const expiresAt = new Date(Date.now() + 60_000);
  const recipientsOf = async (id: string) => (await mailRequests.of(id)).map(({ recipient }) => recipient);

  test('counts once the bytes of its upload have arrived, also when the image was there before', async () => {
    const first = await arrived('ann');
    await mailRequests.add(first.id, 'ann@example.com', { uploadId: first.uploadId, expiresAt });
    await mailRequests.add(first.id, 'mallory@example.com', { uploadId: 'never sent', expiresAt });
    expect(await recipientsOf(first.id)).toEqual([]);
    await receive(first);
    expect(await recipientsOf(first.id)).toEqual(['ann@example.com']);
    await settle(first.id);

    const second = await arrived('ben', first.id);
    await mailRequests.add(first.id, 'ben@example.com', { uploadId: second.uploadId, expiresAt });
    await receive(second);
    expect(await recipientsOf(first.id)).toEqual(['ann@example.com', 'ben@example.com']);
    expect(eventTypes()).toEqual(['image.duplicate']);
  });

  test('outlasts the deletion of the image of others', async () => {
    const first = await arrived('ann');
    await receive(first);
    const record = await catalog.find(first.id);
    const deletion = record && (await catalog.startDeletion(record));
    if (deletion === undefined) throw new Error('There is no deletion.');
    const second = await arrived('ben', first.id);
    await mailRequests.add(first.id, 'ben@example.com', { uploadId: second.uploadId, expiresAt });
    await expect(receive(second)).rejects.toThrow('being deleted');
    await createMailForgetter(server.mailRequestsTableName, server.client, true).forget(
      first.id,
      new AbortController().signal,
    );
    const soon = new Date(Date.now() + 60_000);
    await catalog.takeLease(deletion, 'worker', soon);
    await catalog.finishDeletion(deletion, 'worker', soon);
    await receive(second);
    expect(await recipientsOf(first.id)).toEqual(['ben@example.com']);
  });
});

test.each([
  ['arrivals/', undefined],
  [`arrivals/${'a'.repeat(64)}`, undefined],
  [`arrivals/${'a'.repeat(64)}/`, undefined],
  [`arrivals/${'a'.repeat(64)}/x/y`, undefined],
  [`arrivals/${'A'.repeat(64)}/x`, undefined],
  [`raw/${'a'.repeat(64)}/x`, undefined],
  [`arrivals/${'a'.repeat(64)}/x`, { id: 'a'.repeat(64), uploadId: 'x' }],
])('the key %s names %j', (key, arrival) => {
  expect(arrivalOfKey(key)).toEqual(arrival);
});
