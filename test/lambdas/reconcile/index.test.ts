import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { waitingParts } from '../../../lambdas/aws/catalog-table.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { reconcileEnvironment } from '../../../lambdas/reconcile/environment.ts';
import type { ReconcileReport } from '../../../lambdas/reconcile/reconcile.ts';
import { parseCreatedObjects } from '../../../lambdas/resize/messages.ts';
import { writeEnvironment } from '../../../lambdas/runtime/environment.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

const s3 = mockClient(S3Client);
const sqs = mockClient(SQSClient);
const overdueSeconds = 900;
let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;
let handler: (event: { readonly dryRun?: boolean }) => Promise<ReconcileReport>;
let stored: Set<string>;
let images = 0;
const slowQueueUrl = 'https://sqs.us-east-2.amazonaws.com/111122223333/slow-resize';

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
  Object.assign(process.env, {
    ...awsVariables(server),
    ...writeEnvironment(
      reconcileEnvironment,
      valuesWith(server, { slowResizeQueueUrl: slowQueueUrl, overdueSeconds }),
    ),
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  ({ handler } = await import('../../../lambdas/reconcile/index.ts'));
});
afterAll(() => server.stop());

beforeEach(() => {
  stored = new Set();
  s3.reset();
  s3.on(HeadObjectCommand).callsFake(({ Key }) => {
    if (stored.has(Key)) return { ContentLength: 9 };
    throw new NotFound({ message: 'not found', $metadata: { httpStatusCode: 404 } });
  });
  sqs.reset();
  sqs.on(SendMessageCommand).resolves({});
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '0' } });
});

const received = async (secondsAgo: number, { withOriginal }: { readonly withOriginal: boolean }) => {
  images += 1;
  const id = imageIdOf(Buffer.from(`image ${images}`));
  if (withOriginal) stored.add(`raw/${id}`);
  await catalog.receive(id, { bytes: 9 }, new Date(Date.now() - secondsAgo * 1000));
  return id;
};
const end = (id: string) =>
  catalog.fail(id, 'any', { bytes: 9 }, { code: 'image-corrupt', detail: 'ended by the test' });
const requested = () =>
  sqs
    .commandCalls(SendMessageCommand)
    .flatMap(({ args }) => parseCreatedObjects(args[0].input.MessageBody ?? '').map(({ key }) => key));

test('requests the thumbnails of an image whose event was lost', async () => {
  const id = await received(overdueSeconds + 10, { withOriginal: true });
  await expect(handler({})).resolves.toEqual({
    dryRun: false,
    backlog: 0,
    slowBacklog: 0,
    requeued: [id],
    expired: [],
    deletions: [],
  });
  expect(requested()).toEqual([`raw/${id}`]);
  await expect(handler({})).resolves.toMatchObject({ requeued: [] });
  await end(id);
});

test('leaves images alone that are not overdue', async () => {
  const id = await received(overdueSeconds - 60, { withOriginal: true });
  await expect(handler({})).resolves.toMatchObject({ requeued: [], expired: [] });
  await end(id);
});

test('counts no image as lost while the queue has a backlog', async () => {
  const id = await received(overdueSeconds + 10, { withOriginal: true });
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '5000' } });
  await expect(handler({})).resolves.toEqual({
    dryRun: false,
    backlog: 5000,
    slowBacklog: 5000,
    requeued: [],
    expired: [],
    deletions: [],
  });
  expect(requested()).toEqual([]);
  await end(id);
});

test('lets the record of a missing original expire', async () => {
  const id = await received(overdueSeconds + 10, { withOriginal: false });
  await expect(handler({})).resolves.toMatchObject({ requeued: [], expired: [id] });
  expect(requested()).toEqual([]);
  await expect(handler({})).resolves.toMatchObject({ expired: [] });
});

test('requests an image that has waited very long, whatever the backlog, and does not give it up', async () => {
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '5000' } });
  const longAgo = await received(6 * 3600 + 10, { withOriginal: true });
  const lately = await received(6 * 3600 - 60, { withOriginal: true });
  await expect(handler({})).resolves.toEqual({
    dryRun: false,
    backlog: 5000,
    slowBacklog: 5000,
    requeued: [longAgo],
    expired: [],
    deletions: [],
  });
  expect(requested()).toEqual([`raw/${longAgo}`]);
  expect(await catalog.find(longAgo)).toMatchObject({ status: 'received', requeued: 0 });
  await end(longAgo);
  await end(lately);
});

describe('images of the slow lane', () => {
  const movedAgo = async (seconds: number): Promise<string> => {
    const id = await received(0, { withOriginal: true });
    jest.useFakeTimers({ advanceTimers: true, now: Date.now() - seconds * 1000 });
    await catalog.noteSlowLane(id, 'any', { bytes: 9 });
    jest.useRealTimers();
    return id;
  };
  const backlogs = (fast: number, slow: number): void => {
    for (const [QueueUrl, messages] of [
      [undefined, fast],
      [slowQueueUrl, slow],
    ] as const) {
      const input = QueueUrl === undefined ? {} : { QueueUrl };
      sqs
        .on(GetQueueAttributesCommand, input)
        .resolves({ Attributes: { ApproximateNumberOfMessages: String(messages) } });
    }
  };

  test('are overdue later than others when their message is lost', async () => {
    const early = await movedAgo(3 * overdueSeconds);
    const late = await movedAgo(5 * overdueSeconds);
    await expect(handler({})).resolves.toMatchObject({ requeued: [late] });
    await end(early);
    await end(late);
  });

  test('wait while their queue holds a message, and are not given up for that', async () => {
    backlogs(0, 1);
    const late = await movedAgo(5 * overdueSeconds);
    const veryLate = await movedAgo(7 * 3600);
    await expect(handler({})).resolves.toMatchObject({ backlog: 0, slowBacklog: 1, requeued: [veryLate] });
    expect(await catalog.find(veryLate)).toMatchObject({ requeued: 0 });
    await end(late);
    await end(veryLate);
  });

  test('do not hide other images, however many there are', async () => {
    backlogs(0, 1);
    const slow = await Promise.all(Array.from({ length: 40 }, () => received(0, { withOriginal: true })));
    for (const id of slow) await catalog.noteSlowLane(id, 'any', { bytes: 9 });
    const lost = await received(overdueSeconds + 10, { withOriginal: true });
    await expect(handler({})).resolves.toMatchObject({ requeued: [lost] });
    for (const id of [...slow, lost]) await end(id);
  });
});

describe('announced images', () => {
  /** An id that no other test uses. */
  const idIn = (digit: string) => digit + imageIdOf(randomBytes(8)).slice(1);
  const announce = async (id: string, urlEndedSecondsAgo: number) => {
    const now = Date.now();
    await catalog.announce(id, new Date(now - urlEndedSecondsAgo * 1000), new Date(now + 3_600_000));
    return id;
  };
  const waiting = async () => {
    const parts = [...waitingParts.stored, ...waitingParts.announced];
    const pages = await Promise.all(parts.map((part) => catalog.overdue(part, new Date(), 1000)));
    return pages.flatMap(({ states }) => states.map(({ id }) => id));
  };

  test('that were uploaded but whose event was lost are requested again and no longer expire', async () => {
    const id = await announce(idIn('7'), overdueSeconds + 10);
    stored.add(`raw/${id}`);
    await expect(handler({})).resolves.toMatchObject({ requeued: [id], expired: [] });
    expect(requested()).toEqual([`raw/${id}`]);
    expect(await catalog.announce(id, new Date(), new Date())).toBeUndefined();
    await end(id);
  });

  test('that were never uploaded are examined once and expire', async () => {
    const id = await announce(idIn('7'), overdueSeconds + 10);
    await expect(handler({})).resolves.toMatchObject({ requeued: [], expired: [id] });
    expect(await catalog.find(id)).toMatchObject({ status: 'received', announced: true });
    s3.resetHistory();
    await expect(handler({})).resolves.toMatchObject({ requeued: [], expired: [] });
    expect(s3.commandCalls(HeadObjectCommand)).toHaveLength(0);
  });

  test('whose URL ended recently are left alone', async () => {
    const id = await announce(idIn('7'), overdueSeconds - 60);
    await expect(handler({})).resolves.toMatchObject({ requeued: [], expired: [] });
    await end(id);
  });

  test.each([
    ['announced now', (id: string) => announce(id, overdueSeconds + 3600)],
    [
      'announced by an earlier version, which kept them among the stored images',
      (id: string) =>
        catalog.receive(id, { bytes: 1 }, new Date(Date.now() - (overdueSeconds + 3600) * 1000)),
    ],
  ])(
    'that were abandoned in their thousands hide no lost image in any part: %s',
    async (_, abandon: (id: string) => Promise<unknown>) => {
      // GIVEN more images than one run examines, all in the first part, and lost images in two parts
      const flood = Array.from({ length: 1300 }, () => idIn('0'));
      for (let from = 0; from < flood.length; from += 50) {
        await Promise.all(flood.slice(from, from + 50).map((id) => abandon(id)));
      }
      const lost = [idIn('f'), idIn('f'), idIn('0')];
      for (const id of lost) {
        stored.add(`raw/${id}`);
        await catalog.receive(id, { bytes: 9 }, new Date(Date.now() - (overdueSeconds + 7200) * 1000));
      }
      const lostAnnounced = await announce(idIn('e'), overdueSeconds + 10);
      stored.add(`raw/${lostAnnounced}`);

      // WHEN
      const first = await handler({});

      // THEN
      expect(new Set(first.requeued)).toEqual(new Set([...lost, lostAnnounced]));
      expect(first.expired.length).toBeGreaterThan(1100);
      expect(await catalog.find(lost[0] ?? '')).toMatchObject({ requeued: 1 });
      // WHEN it runs once more, nothing of the flood is left
      const second = await handler({});
      expect(first.expired.length + second.expired.length).toBe(flood.length);
      expect((await waiting()).filter((id) => flood.includes(id))).toEqual([]);
      for (const id of [...lost, lostAnnounced]) await end(id);
    },
  );

  test('are examined after stored images', async () => {
    const announced = await announce(idIn('0'), overdueSeconds + 7200);
    const images = [announced];
    stored.add(`raw/${announced}`);
    for (let number = 0; number < 3; number += 1) {
      images.push(await received(overdueSeconds + 10, { withOriginal: true }));
    }
    const { requeued } = await handler({});
    expect(requeued).toHaveLength(4);
    expect(requeued.at(-1)).toBe(announced);
    for (const id of images) await end(id);
  });
});

test('examines all other images when one cannot be examined, and fails at the end', async () => {
  const [odd, lost] = [
    await received(overdueSeconds + 20, { withOriginal: true }),
    await received(overdueSeconds + 10, { withOriginal: true }),
  ];
  s3.on(HeadObjectCommand, { Key: `raw/${odd}` }).rejects(new Error('S3 is in trouble'));
  await expect(handler({})).rejects.toThrow(
    '1 images could not be examined (requeued 1, expired 0, deletions 0). The first: Error: S3 is in trouble',
  );
  expect(requested()).toEqual([`raw/${lost}`]);
  await end(odd);
  await end(lost);
});

test('only reports in a dry run', async () => {
  const lost = await received(overdueSeconds + 10, { withOriginal: true });
  const abandoned = await received(overdueSeconds + 10, { withOriginal: false });
  const before = await Promise.all([catalog.find(lost), catalog.find(abandoned)]);
  await expect(handler({ dryRun: true })).resolves.toEqual({
    dryRun: true,
    backlog: 0,
    slowBacklog: 0,
    requeued: [lost],
    expired: [abandoned],
    deletions: [],
  });
  expect(requested()).toEqual([]);
  expect(await Promise.all([catalog.find(lost), catalog.find(abandoned)])).toEqual(before);
});

test('requests a deletion again that did not end, whatever the backlog', async () => {
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '5000' } });
  const id = await received(0, { withOriginal: false });
  const record = await catalog.find(id);
  if (record === undefined) throw new Error('not received');
  jest.useFakeTimers({ advanceTimers: true, now: Date.now() - (overdueSeconds + 10) * 1000 });
  await catalog.startDeletion(record);
  jest.useRealTimers();
  await expect(handler({ dryRun: true })).resolves.toMatchObject({ deletions: [id] });
  expect(sqs.commandCalls(SendMessageCommand)).toEqual([]);
  await expect(handler({})).resolves.toMatchObject({ deletions: [id], requeued: [], expired: [] });
  expect(sqs.commandCalls(SendMessageCommand).map(({ args }) => args[0].input)).toEqual([
    {
      QueueUrl: expect.stringMatching(/\/delete$/),
      MessageBody: JSON.stringify({ imageId: id }),
      DelaySeconds: 0,
    },
  ]);
  await expect(handler({})).resolves.toMatchObject({ deletions: [] });
});
