import { randomBytes } from 'node:crypto';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { createCatalog } from '../../lambdas/aws/catalog.ts';
import { createS3Client } from '../../lambdas/aws/clients.ts';
import { createDeletionRequests } from '../../lambdas/aws/deletion-requests.ts';
import { createEvents } from '../../lambdas/aws/events.ts';
import { createOriginals } from '../../lambdas/aws/originals.ts';
import { createResizeRequests } from '../../lambdas/aws/resize-requests.ts';
import { createThumbnails } from '../../lambdas/aws/thumbnails.ts';
import { createDelete, type DeleteDependencies, type DeleteResult } from '../../lambdas/delete/delete.ts';
import { createForgetters } from '../../lambdas/delete/forgetters.ts';
import { createMessageHandler } from '../../lambdas/delete/messages.ts';
import type { Deletion } from '../../lambdas/image/deletion.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { originalKey, thumbnailsPrefixOf } from '../../lambdas/image/keys.ts';
import type { ImageRecord } from '../../lambdas/image/record.ts';
import { createReconcile } from '../../lambdas/reconcile/reconcile.ts';
import { createDecoder } from '../../lambdas/resize/decoder/pool.ts';
import { createResize } from '../../lambdas/resize/resize.ts';
import { readSettings } from '../../lib/settings.ts';
import { resources, topicArn } from '../../local/aws.ts';
import { valuesFor } from '../../local/environments.ts';
import { endpointOf } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { accountOf } from './aws-clients.ts';
import { type EmbeddedServices, startEmbeddedServices } from './embedded-services.ts';
import { cleanUp } from './processes.ts';
import { type ReceivedEvent, subscribe } from './subscriber.ts';

jest.setTimeout(120_000);

const settings = readSettings({});
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const metrics = { record: jest.fn() };

let services: EmbeddedServices;
let s3: ReturnType<typeof createS3Client>;
let dependencies: DeleteDependencies;
let published: () => Promise<readonly ReceivedEvent[]>;

beforeAll(async () => {
  services = await startEmbeddedServices(2);
  const { ports, aws } = services;
  const account = accountOf(services);
  s3 = createS3Client({ ...account, endpoint: endpointOf(ports.s3), forcePathStyle: true });
  const sns = new SNSClient({ ...account, endpoint: endpointOf(ports.sqs) });
  const values = { ...valuesFor(ports, settings), stackName: 'test' };
  dependencies = {
    catalog: createCatalog(resources.catalogTable, aws.dynamodb),
    deletionRequests: createDeletionRequests(aws.urlOf(resources.deleteQueue), aws.sqs),
    forgetters: createForgetters(values, s3, aws.dynamodb),
    events: createEvents(topicArn(resources.imageEventsTopic), sns),
    metrics,
    deletedDays: 30,
  };
  published = await subscribe(services);
});

afterAll(cleanUp);
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const put = (Bucket: string, Key: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));

/** A new image with thumbnails, of which mails were requested. */
const stored = async (): Promise<ImageRecord> => {
  const { aws } = services;
  const bytes = randomBytes(64);
  const id = imageIdOf(bytes);
  const record = await aws.catalog.receive(id, { bytes: bytes.byteLength }, new Date());
  if (record === undefined) throw new Error('not received');
  await aws.originals.put(id, bytes, 'image/jpeg');
  await put(resources.thumbnailBucket, `${thumbnailsPrefixOf(id)}card/v1.webp`);
  await put(resources.thumbnailBucket, `${thumbnailsPrefixOf(id)}icon/v1.webp`);
  await aws.mailRequests.add(id, 'ada@example.com');
  const expiresAt = new Date(Date.now() + 60_000);
  await aws.mailRequests.add(id, 'grace@example.com', { uploadId: 'upload 1', expiresAt });
  return record;
};

const started = async (): Promise<Deletion> => {
  const deletion = await services.aws.catalog.startDeletion(await stored());
  if (deletion === undefined) throw new Error('not started');
  return deletion;
};

/** Everything that the buckets and the table of mail requests have of an image. */
const leftOf = async (id: string): Promise<readonly string[]> => {
  const keys = await Promise.all(
    [resources.rawBucket, resources.thumbnailBucket].map(async (Bucket) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
      return Contents.map(({ Key = '' }) => Key);
    }),
  );
  const { Items = [] } = await services.aws.dynamodb.send(
    new ScanCommand({ TableName: resources.mailRequestsTable }),
  );
  return [...keys.flat(), ...Items.map((item) => JSON.stringify(item))].filter((text) => text.includes(id));
};

const expectDeleted = async ({ id, createdAt, changedAt }: Deletion): Promise<void> => {
  expect(await leftOf(id)).toEqual([]);
  expect(await services.aws.catalog.state(id)).toEqual({
    id,
    status: 'deleted',
    createdAt,
    changedAt,
    isPublished: true,
  });
};

const eventIdsOf = async (id: string): Promise<readonly string[]> =>
  (await published())
    .filter(({ event }) => event.imageId === id && event.type === 'image.deleted')
    .map(({ event }) => event.eventId);

/** Works at a later time by the clock. */
const after = async <Result>(seconds: number, work: () => Promise<Result>): Promise<Result> => {
  const now = Date.now() + seconds * 1000;
  jest.useFakeTimers({
    now,
    doNotFake: ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'nextTick'],
  });
  try {
    return await work();
  } finally {
    jest.useRealTimers();
  }
};

/** Handles the messages of the queue that are visible. */
const handleMessages = async (): Promise<readonly DeleteResult[]> => {
  const { aws } = services;
  const QueueUrl = aws.urlOf(resources.deleteQueue);
  const results: DeleteResult[] = [];
  const worker = createDelete(dependencies);
  const handle = createMessageHandler(async (id) => {
    const result = await worker(id);
    results.push(result);
    return result;
  }, log);
  for (;;) {
    const { Messages = [] } = await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    if (Messages.length === 0) return results;
    for (const { Body = '', ReceiptHandle } of Messages) {
      await handle(Body);
      await aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
};

test('removes everything of one image, plans a sweep, and publishes it', async () => {
  const other = await stored();
  const before = await leftOf(other.id);
  const deletion = await started();
  expect(await leftOf(deletion.id)).toHaveLength(3 + 4);
  const sendLater = jest.spyOn(dependencies.deletionRequests, 'sendLater');
  metrics.record.mockClear();

  await expect(createDelete(dependencies)(deletion.id)).resolves.toBe('deleted');

  await expectDeleted(deletion);
  expect(sendLater.mock.calls).toEqual([[deletion.id, 900]]);
  expect(await eventIdsOf(deletion.id)).toHaveLength(1);
  expect(metrics.record.mock.calls).toEqual([[{ Deleted: 1 }]]);
  // THEN another image keeps all it has
  expect(await leftOf(other.id)).toEqual(before);
  expect(before).toHaveLength(3 + 4);
});

class Killed extends Error {}

/** A worker that is killed before or after one of its steps. */
const killedAt = (step: number, moment: 'before' | 'after') => {
  const steps: string[] = [];
  const wrap =
    <Args extends readonly unknown[], Result>(name: string, work: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      steps.push(name);
      const isLast = steps.length === step;
      if (isLast && moment === 'before') throw new Killed();
      const result = await work(...args);
      if (isLast) throw new Killed();
      return result;
    };
  const { catalog, deletionRequests, forgetters, events } = dependencies;
  const worker = createDelete({
    ...dependencies,
    catalog: {
      ...catalog,
      takeLease: wrap('lease', catalog.takeLease),
      finishDeletion: wrap('finish', catalog.finishDeletion),
    },
    deletionRequests: {
      ...deletionRequests,
      sendLater: wrap('plan sweep', deletionRequests.sendLater),
    },
    forgetters: forgetters.map(({ forget }) => ({ forget: wrap('forget', forget) })),
    events: { publish: wrap('publish', events.publish) },
  });
  return { worker, steps };
};

test.each(['before', 'after'] as const)(
  'deletes everything although its worker is killed right %s any step',
  async (moment) => {
    const allSteps = ['lease', 'plan sweep', 'forget', 'forget', 'publish', 'finish'];
    for (let step = 1; step <= allSteps.length; step += 1) {
      const deletion = await started();
      const { worker, steps } = killedAt(step, moment);
      await expect(worker(deletion.id)).rejects.toThrow(Killed);
      expect(steps).toEqual(allSteps.slice(0, step));
      // WHEN the message is delivered again, at first while the lease of the killed worker lasts
      const hasLease = step > 1 || moment === 'after';
      const isFinished = step === allSteps.length && moment === 'after';
      const again = isFinished ? 'swept' : hasLease ? 'busy' : 'deleted';
      await expect(createDelete(dependencies)(deletion.id)).resolves.toBe(again);
      if (again === 'busy') {
        await expect(after(61, () => createDelete(dependencies)(deletion.id))).resolves.toBe('deleted');
      }
      await expectDeleted(deletion);
      expect(new Set(await eventIdsOf(deletion.id)).size).toBe(1);
    }
  },
);

test('is done by one of two workers, and the other looks again when the lease has ended', async () => {
  const deletion = await started();
  const sendLater = jest.spyOn(dependencies.deletionRequests, 'sendLater');
  const hold = Promise.withResolvers<void>();
  const slow = createDelete({
    ...dependencies,
    forgetters: [{ forget: () => hold.promise }, ...dependencies.forgetters],
  });
  const first = slow(deletion.id);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await expect(createDelete(dependencies)(deletion.id)).resolves.toBe('busy');
  expect(sendLater).toHaveBeenLastCalledWith(deletion.id, 60);
  hold.resolve();
  await expect(first).resolves.toBe('deleted');
  await expectDeleted(deletion);
  expect(await eventIdsOf(deletion.id)).toHaveLength(1);
});

test('a worker whose lease has ended neither publishes nor records anything', async () => {
  const deletion = await started();
  const worker = createDelete({
    ...dependencies,
    forgetters: [
      {
        // Another worker takes over while this one works.
        forget: async (id) => {
          await expect(after(61, () => createDelete(dependencies)(id))).resolves.toBe('deleted');
        },
      },
    ],
    events: { publish: async () => {} },
  });
  await expect(worker(deletion.id)).rejects.toThrow('Another worker has taken over the deletion.');
  await expectDeleted(deletion);
});

test('removes an original that arrives after the deletion, and publishes nothing again', async () => {
  const { aws } = services;
  const deletion = await started();
  await createDelete(dependencies)(deletion.id);
  await handleMessages();

  // WHEN a presigned upload ends late
  await put(resources.rawBucket, originalKey(deletion.id));
  await expect(resizeWith()({ id: deletion.id })).resolves.toEqual({ result: 'deleted' });
  // WHEN the event of its first upload is delivered again
  await expect(resizeWith()({ id: deletion.id })).resolves.toEqual({ result: 'deleted' });

  expect(await handleMessages()).toEqual(['swept', 'swept']);
  await expectDeleted(deletion);
  expect(await eventIdsOf(deletion.id)).toHaveLength(1);
  expect(await aws.messagesOf(resources.deleteQueue)).toMatchObject({ waiting: expect.any(Number) });
});

/** The resize core, with the real decoder. */
const resizeWith = (storeFirst: () => Promise<unknown> = async () => {}) => {
  const thumbnails = createThumbnails(s3, resources.thumbnailBucket);
  return createResize({
    originals: createOriginals(s3, resources.rawBucket),
    thumbnails: {
      ...thumbnails,
      put: async (...thumbnail) => {
        await storeFirst();
        await thumbnails.put(...thumbnail);
      },
    },
    catalog: dependencies.catalog,
    deletionRequests: dependencies.deletionRequests,
    events: dependencies.events,
    metrics,
    decoder: createDecoder(settings, log, { lane: 'slow' }),
    variants: settings.variants,
    limits: settings,
  });
};

let width = 40;
const uploaded = async () => {
  width += 1;
  const id = await services.aws.upload(await quarteredPicture(width, 30).jpeg().toBuffer());
  const record = await services.aws.catalog.find(id);
  if (record === undefined) throw new Error('not uploaded');
  return record;
};

test('removes thumbnails that a resize in progress stores after the deletion', async () => {
  const record = await uploaded();
  let deletion: Deletion | undefined;
  const resize = resizeWith(async () => {
    deletion = await services.aws.catalog.startDeletion(record);
    await createDelete(dependencies)(record.id);
    expect(await leftOf(record.id)).toEqual([]);
  });
  await expect(resize({ id: record.id })).resolves.toEqual({ result: 'deleted' });
  // THEN the thumbnail is there until the sweep
  expect(await leftOf(record.id)).toHaveLength(1);
  expect(await handleMessages()).toContain('swept');
  if (deletion === undefined) throw new Error('not started');
  await expectDeleted(deletion);
});

test('leaves an image alone that was uploaded again, also when its sweep comes', async () => {
  const { aws } = services;
  const record = await uploaded();
  const deletion = await aws.catalog.startDeletion(record);
  await createDelete(dependencies)(record.id);
  expect(deletion).toBeDefined();

  // WHEN the same bytes are uploaded again, and then swept and deleted by messages from before
  width -= 1;
  const again = await uploaded();
  expect(again.id).toBe(record.id);
  await dependencies.deletionRequests.send(record.id);
  expect(await handleMessages()).toEqual(['nothing-to-do']);
  await expect(resizeWith()({ id: record.id })).resolves.toMatchObject({ result: 'settled' });
  await dependencies.deletionRequests.send(record.id);
  expect(await handleMessages()).toEqual(['nothing-to-do']);

  expect(await leftOf(record.id)).toHaveLength(2);
  expect(await aws.catalog.find(record.id)).toMatchObject({ status: 'ready' });

  // THEN its own deletion is another event
  const other = await aws.catalog.startDeletion(await recordOf(record.id));
  await createDelete(dependencies)(record.id);
  if (other === undefined) throw new Error('not started');
  await expectDeleted(other);
  expect(new Set(await eventIdsOf(record.id)).size).toBe(2);
});

const recordOf = async (id: string): Promise<ImageRecord> => {
  const record = await services.aws.catalog.find(id);
  if (record === undefined) throw new Error('no record');
  return record;
};

test('a second deletion of the same image does nothing more', async () => {
  const deletion = await started();
  await createDelete(dependencies)(deletion.id);
  await expect(createDelete(dependencies)(deletion.id)).resolves.toBe('swept');
  await expectDeleted(deletion);
  expect(await eventIdsOf(deletion.id)).toHaveLength(1);
});

test('the reconciler finds a deletion whose message was lost', async () => {
  const { aws } = services;
  const deletion = await started();
  const queue = createResizeRequests(aws.urlOf(resources.resizeQueue), aws.sqs);
  const reconcile = createReconcile({
    catalog: dependencies.catalog,
    originals: aws.originals,
    resizeRequests: { ...queue, send: async () => {} },
    slowResizeRequests: queue,
    deletionRequests: dependencies.deletionRequests,
    overdueSeconds: 900,
    maxBacklog: 1000,
  });
  expect((await reconcile({ dryRun: false })).deletions).toEqual([]);
  const { deletions } = await after(901, () => reconcile({ dryRun: false }));
  expect(deletions).toEqual([deletion.id]);
  expect(await handleMessages()).toEqual(['deleted']);
  await expectDeleted(deletion);
});

describe('where callers are known', () => {
  const claimed = async (): Promise<ImageRecord> => {
    const { id } = await stored();
    const record = await services.aws.catalog.claim(id);
    if (record === undefined) throw new Error('not claimed');
    return record;
  };

  test('deletes an image without an owner', async () => {
    const { id } = await claimed();
    const hasOwner = jest.fn(async () => false);
    await expect(createDelete({ ...dependencies, hasOwner })(id)).resolves.toBe('deleted');
    expect(hasOwner.mock.calls).toEqual([[id]]);
    expect(await leftOf(id)).toEqual([]);
  });

  test.each([
    ['that has an owner', async () => true],
    ['that is claimed meanwhile', async (id: string) => !(await services.aws.catalog.claim(id))],
  ])('keeps an image %s', async (_, hasOwner) => {
    const { id } = await claimed();
    const before = await leftOf(id);
    await expect(createDelete({ ...dependencies, hasOwner })(id)).resolves.toBe('nothing-to-do');
    expect(await leftOf(id)).toEqual(before);
    expect(await services.aws.catalog.find(id)).toBeDefined();
  });

  test('keeps an image that no caller ever owned, whatever a message says', async () => {
    const { id } = await stored();
    await expect(createDelete({ ...dependencies, hasOwner: async () => false })(id)).resolves.toBe(
      'nothing-to-do',
    );
    expect(await services.aws.catalog.find(id)).toBeDefined();
  });
});

test('does nothing about an unknown image, and refuses a message of another shape', async () => {
  await expect(createDelete(dependencies)('a'.repeat(64))).resolves.toBe('nothing-to-do');
  const handle = createMessageHandler(createDelete(dependencies), log);
  await expect(handle('{"imageId": "../raw"}')).rejects.toThrow(/imageId/);
});
