import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { sdkStreamMixin } from '@smithy/core/serde';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import sharp from 'sharp';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { requestedEventName } from '../../../lambdas/aws/resize-requests.ts';
import { imageEventSchema } from '../../../lambdas/image/event.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { resizeFunctionEnvironment } from '../../../lambdas/resize/environment.ts';
import { parseCreatedObjects } from '../../../lambdas/resize/messages.ts';
import { writeEnvironment } from '../../../lambdas/runtime/environment.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { createdAt, createdMessage, queueEvent, redelivered } from '../../events.ts';
import { corruptJpeg, quarteredPicture, slowTiff } from '../../images.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

const s3 = mockClient(S3Client);
const sns = mockClient(SNSClient);
const sqs = mockClient(SQSClient);
const context = { functionName: 'resize', getRemainingTimeInMillis: () => 60_000 } as Context;
const slowQueueUrl = 'https://sqs.us-east-2.amazonaws.com/111122223333/slow-resize';
let handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
let logged: jest.SpyInstance;
let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;
const maxUploadBytes = 600_000;
const variants = variantsSchema.parse([{ name: 'thumbnail' }, { name: 'tiny', width: 16 }]);

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
  Object.assign(process.env, {
    ...awsVariables(server),
    ...writeEnvironment(
      resizeFunctionEnvironment,
      valuesWith(server, { variants, maxUploadBytes, slowResizeQueueUrl: slowQueueUrl, lane: 'fast' }),
    ),
    POWERTOOLS_DEV: 'true',
  });
  for (const method of ['info', 'error'] as const) jest.spyOn(console, method).mockImplementation();
  logged = jest.spyOn(console, 'warn').mockImplementation();
  ({ handler } = await import('../../../lambdas/resize/index.ts'));
});

afterAll(() => server.stop());

beforeEach(() => {
  s3.reset();
  s3.on(PutObjectCommand).resolves({});
  s3.on(HeadObjectCommand).rejects(new NotFound({ message: 'not found', $metadata: {} }));
  sns.reset();
  sqs.reset();
  sns.on(PublishCommand).resolves({});
  logged.mockClear();
});

/** Stores an original in the raw bucket. @returns its key */
const stored = (bytes: Buffer, uploadId?: string): string => {
  const Key = `raw/${imageIdOf(bytes)}`;
  const known = {
    ContentLength: bytes.byteLength,
    ...(uploadId === undefined ? {} : { Metadata: { 'upload-id': uploadId } }),
  };
  s3.on(HeadObjectCommand, { Bucket: 'raw-bucket', Key }).resolves(known);
  s3.on(GetObjectCommand, { Bucket: 'raw-bucket', Key }).callsFake(() => ({
    Body: sdkStreamMixin(Readable.from([bytes])),
    ...known,
  }));
  return Key;
};

/** The published events. */
const published = () =>
  sns
    .commandCalls(PublishCommand)
    .map(({ args }) => imageEventSchema.parse(JSON.parse(args[0].input.Message ?? '')));

const written = () => s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);

test('stores every variant of an original under its predictable key', async () => {
  const bytes = await quarteredPicture(800, 600).jpeg().toBuffer();
  await expect(handler(queueEvent(createdMessage(stored(bytes))), context)).resolves.toEqual({
    batchItemFailures: [],
  });
  const id = imageIdOf(bytes);
  expect(written()).toEqual([
    {
      Bucket: 'thumbnail-bucket',
      Key: `thumbnails/${id}/thumbnail/v2-320x320-inside-q80.webp`,
      Body: expect.any(Buffer),
      ContentType: 'image/webp',
      CacheControl: 'private, max-age=31536000, immutable',
    },
    expect.objectContaining({ Key: `thumbnails/${id}/tiny/v2-16x320-inside-q80.webp` }),
  ]);
  const [first] = written();
  expect(await sharp(first?.Body as Buffer).metadata()).toMatchObject({
    format: 'webp',
    width: 320,
    height: 240,
  });
});

test('records what it made once everything is stored', async () => {
  const bytes = await quarteredPicture(801, 600).jpeg().toBuffer();
  const id = imageIdOf(bytes);
  s3.on(PutObjectCommand).callsFake(async () => {
    expect((await catalog.find(id))?.status).toBe('received');
    return {};
  });
  await catalog.receive(id, { contentType: 'image/jpeg', bytes: bytes.length }, new Date());
  await handler(queueEvent(createdMessage(stored(bytes))), context);
  const [thumbnail, tiny] = written();
  expect(await catalog.find(id)).toMatchObject({
    status: 'ready',
    original: { contentType: 'image/jpeg', width: 801, height: 600, bytes: bytes.length },
    thumbnails: {
      thumbnail: {
        key: thumbnail?.Key,
        contentType: 'image/webp',
        width: 320,
        height: 240,
        bytes: Buffer.from(thumbnail?.Body as Buffer).length,
      },
      tiny: { key: tiny?.Key, width: 16, height: 12 },
    },
    thumbhash: expect.stringMatching(/^[A-Za-z0-9+/]{28,34}=*$/),
    fingerprint: fingerprintOf(variants),
  });
});

describe('publishes', () => {
  const time = /^\d{4}-\d\d-\d\dT/;

  test('that a new image was received and is ready, with all its figures', async () => {
    const bytes = await quarteredPicture(804, 600).jpeg().toBuffer();
    const id = imageIdOf(bytes);
    const received = await catalog.receive(
      id,
      { contentType: 'image/jpeg', bytes: bytes.length },
      new Date(),
    );
    await handler(queueEvent(createdMessage(stored(bytes))), context);
    const facts = { schemaVersion: 1, eventId: expect.stringMatching(/^[0-9a-f]{32}$/), imageId: id };
    expect(published()).toEqual([
      {
        ...facts,
        type: 'image.received',
        time: received?.createdAt,
        original: { contentType: 'image/jpeg', bytes: bytes.length },
      },
      {
        ...facts,
        type: 'image.ready',
        time: expect.stringMatching(time),
        original: { contentType: 'image/jpeg', width: 804, height: 600, bytes: bytes.length },
        thumbnails: [
          {
            variant: 'thumbnail',
            contentType: 'image/webp',
            width: 320,
            height: 239,
            bytes: expect.any(Number),
          },
          { variant: 'tiny', contentType: 'image/webp', width: 16, height: 12, bytes: expect.any(Number) },
        ],
        resizeMilliseconds: expect.any(Number),
        uploadToReadyMilliseconds: expect.any(Number),
      },
    ]);
    expect(new Set(published().map(({ eventId }) => eventId)).size).toBe(2);
  });

  test('the same for an image that was never announced', async () => {
    await handler(
      queueEvent(createdMessage(stored(await quarteredPicture(805, 60).png().toBuffer()))),
      context,
    );
    expect(published().map(({ type }) => type)).toEqual(['image.received', 'image.ready']);
  });

  test('why an image failed, with the code as a message attribute', async () => {
    const bytes = Buffer.from('%PDF-1.7 for the topic');
    await handler(queueEvent(createdMessage(stored(bytes))), context);
    expect(published().at(-1)).toMatchObject({
      type: 'image.failed',
      imageId: imageIdOf(bytes),
      code: 'unsupported-type',
      original: { bytes: bytes.length },
    });
    expect(sns.commandCalls(PublishCommand).at(-1)?.args[0].input).toMatchObject({
      TopicArn: 'arn:aws:sns:us-east-2:111122223333:image-events',
      MessageAttributes: {
        type: { DataType: 'String', StringValue: 'image.failed' },
        code: { DataType: 'String', StringValue: 'unsupported-type' },
      },
    });
  });

  test('the same events again when the message is redelivered, because publishing may have failed', async () => {
    const key = stored(await quarteredPicture(806, 60).png().toBuffer());
    sns.on(PublishCommand).rejects(new Error('unreachable'));
    await expect(handler(queueEvent(createdMessage(key)), context)).resolves.toEqual({
      batchItemFailures: [{ itemIdentifier: 'message-0' }],
    });
    expect(await catalog.find(key.slice('raw/'.length))).toMatchObject({ status: 'ready' });
    sns.reset();
    sns.on(PublishCommand).resolves({});
    await handler(redelivered(queueEvent(createdMessage(key))), context);
    await handler(redelivered(queueEvent(createdMessage(key))), context);
    const [received, ready, ...again] = published();
    expect([received?.type, ready?.type]).toEqual(['image.received', 'image.ready']);
    expect(again).toEqual([received, ready]);
    expect(written()).toHaveLength(2);
  });

  describe('for an image that is settled,', () => {
    const requested = (key: string) =>
      JSON.stringify({
        Records: [{ eventName: requestedEventName, s3: { bucket: {}, object: { key } } }],
      });

    const settled = async (side: number): Promise<string> => {
      const key = stored(await quarteredPicture(side, 62).png().toBuffer());
      await handler(queueEvent(createdMessage(key)), context);
      sns.resetHistory();
      return key;
    };

    test('nothing for a second event: the message that settled it is redelivered until its events are published', async () => {
      const key = await settled(811);
      for (let times = 0; times < 20; times += 1) {
        await expect(handler(queueEvent(createdMessage(key)), context)).resolves.toEqual({
          batchItemFailures: [],
        });
      }
      expect(published()).toEqual([]);
    });

    test('everything when the message that settled it is redelivered, even after a second event', async () => {
      const key = stored(await quarteredPicture(812, 62).png().toBuffer());
      const message = queueEvent(createdMessage(key));
      sns.on(PublishCommand).rejects(new Error('unreachable'));
      await handler(message, context);
      sns.reset();
      sns.on(PublishCommand).resolves({});
      await handler(queueEvent(createdMessage(key)), context);
      expect(published()).toEqual([]);
      await handler(redelivered(message), context);
      expect(published().map(({ type }) => type)).toEqual(['image.received', 'image.ready']);
    });

    test.each([
      ['for a message that is not S3’s own', (key: string) => requested(key)],
      [
        'for one that was redriven from the dead letters',
        (key: string) => createdAt(new Date(Date.now() - 120_000), key),
      ],
    ])('everything %s', async (_, messageOf) => {
      const key = await settled(813);
      await handler(queueEvent(messageOf(key)), context);
      expect(published().map(({ type }) => type)).toEqual(['image.received', 'image.ready']);
    });
  });

  describe('for an image that was only announced,', () => {
    const announced = async (bytes: Buffer) => {
      const record = await catalog.announce(imageIdOf(bytes), new Date(), new Date(Date.now() + 3_600_000));
      if (record === undefined) throw new Error('not announced');
      return record;
    };

    test('what its bytes are once it is settled, and records which upload stored them', async () => {
      const bytes = await quarteredPicture(814, 62).png().toBuffer();
      const { createdAt: time } = await announced(bytes);
      await handler(queueEvent(createdMessage(stored(bytes, 'upload 1'))), context);
      const original = { contentType: 'image/png', bytes: bytes.length };
      expect(published()).toMatchObject([
        { type: 'image.received', time, original },
        { type: 'image.ready', original: { ...original, width: 814, height: 62 } },
      ]);
      const record = await catalog.find(imageIdOf(bytes));
      expect(record).toMatchObject({ status: 'ready', announced: false, uploadId: 'upload 1' });
    });

    test('that it is corrupt, with the true size', async () => {
      const bytes = Buffer.from([...corruptJpeg(), 14]);
      await announced(bytes);
      await handler(queueEvent(createdMessage(stored(bytes, 'upload 2'))), context);
      const original = { contentType: 'image/jpeg', bytes: bytes.length };
      expect(published()).toMatchObject([
        { type: 'image.received', original },
        { type: 'image.failed', original, code: 'image-corrupt' },
      ]);
      expect(await catalog.find(imageIdOf(bytes))).toMatchObject({ status: 'failed', uploadId: 'upload 2' });
    });

    test('what is wrong with it, if it is damaged', async () => {
      const bytes = (await quarteredPicture(816, 620).jpeg().toBuffer()).subarray(0, -900);
      await announced(bytes);
      await handler(queueEvent(createdMessage(stored(bytes, 'upload 4'))), context);
      const original = {
        contentType: 'image/jpeg',
        bytes: bytes.length,
        width: 816,
        height: 620,
        damage: 'The file is incomplete. Was the upload cut off?',
      };
      expect(published()).toMatchObject([{ type: 'image.received' }, { type: 'image.ready', original }]);
      expect(await catalog.find(imageIdOf(bytes))).toMatchObject({ status: 'ready', original });
      const lines = jest.mocked(console.info).mock.calls.map(([line]) => String(line));
      expect(lines.find((line) => line.includes(imageIdOf(bytes)))).toContain('premature end of JPEG image');
    });

    test('that it was given up, with the true size, without fetching it', async () => {
      const bytes = await quarteredPicture(815, 62).png().toBuffer();
      let record = await announced(bytes);
      for (let times = 0; times < 4; times += 1) {
        await catalog.noteRequeue(record);
        record = (await catalog.find(record.id)) ?? record;
      }
      await handler(queueEvent(createdMessage(stored(bytes, 'upload 3'))), context);
      expect(s3.commandCalls(GetObjectCommand)).toHaveLength(0);
      expect(published()).toMatchObject([
        { type: 'image.received', original: { bytes: bytes.length } },
        { type: 'image.failed', original: { bytes: bytes.length }, code: 'processing-failed' },
      ]);
      expect(await catalog.find(record.id)).toMatchObject({ status: 'failed', uploadId: 'upload 3' });
    });
  });

  test('nothing about a missing original', async () => {
    s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: 'gone', $metadata: {} }));
    await handler(queueEvent(createdMessage(`raw/${imageIdOf(Buffer.from('never stored'))}`)), context);
    expect(published()).toEqual([]);
  });
});

test('gives up an image whose thumbnails were requested too often', async () => {
  const bytes = await quarteredPicture(807, 60).png().toBuffer();
  const id = imageIdOf(bytes);
  await catalog.receive(id, { bytes: bytes.length }, new Date());
  for (let times = 0; times < 4; times += 1) {
    const record = await catalog.find(id);
    if (record === undefined) throw new Error('no record');
    await catalog.noteRequeue(record);
  }
  await handler(queueEvent(createdMessage(stored(bytes))), context);
  expect(await catalog.find(id)).toMatchObject({
    status: 'failed',
    error: { code: 'processing-failed', detail: expect.stringContaining('4 times') },
    original: { bytes: bytes.length },
  });
  expect(published().at(-1)).toMatchObject({ type: 'image.failed', code: 'processing-failed' });
  expect(s3.commandCalls(GetObjectCommand)).toHaveLength(0);
});

test('does nothing for a repeated event', async () => {
  const key = stored(await quarteredPicture(802, 600).jpeg().toBuffer());
  await handler(queueEvent(createdMessage(key)), context);
  await expect(handler(queueEvent(createdMessage(key), createdMessage(key)), context)).resolves.toEqual({
    batchItemFailures: [],
  });
  expect(written()).toHaveLength(2);
  expect(s3.commandCalls(GetObjectCommand)).toHaveLength(1);
});

test('finishes an image that was given up when its event is delivered once more', async () => {
  const bytes = await quarteredPicture(803, 600).jpeg().toBuffer();
  const id = imageIdOf(bytes);
  await catalog.fail(
    id,
    fingerprintOf(variants),
    { bytes: 9 },
    { code: 'processing-failed', detail: 'too often' },
  );
  await handler(queueEvent(createdMessage(stored(bytes))), context);
  expect(await catalog.find(id)).toMatchObject({ status: 'ready' });
});

describe('after a change of the variants', () => {
  const keyOf = (name: string, settings: string) => (id: string) =>
    `thumbnails/${id}/${name}/v2-${settings}.webp`;
  const earlier = (id: string, ...names: readonly string[]) => ({
    original: { contentType: 'image/png', width: 40, height: 40, bytes: 9 },
    thumbnails: Object.fromEntries(
      names.map((name) => [
        name,
        {
          key: keyOf(name, '320x320-inside-q80')(id),
          contentType: 'image/webp',
          width: 40,
          height: 40,
          bytes: 9,
        },
      ]),
    ),
    thumbhash: 'earlier',
    resizeMilliseconds: 1,
    uploadToReadyMilliseconds: 50,
  });

  test('makes only those that are missing', async () => {
    const bytes = await quarteredPicture(41, 40).png().toBuffer();
    const id = imageIdOf(bytes);
    await catalog.finish(id, 'earlier', earlier(id, 'thumbnail', 'dropped'));
    await handler(queueEvent(createdMessage(stored(bytes))), context);
    expect(written().map(({ Key }) => Key)).toEqual([keyOf('tiny', '16x320-inside-q80')(id)]);
    const record = await catalog.find(id);
    expect(Object.keys(record?.thumbnails ?? {}).sort()).toEqual(['thumbnail', 'tiny']);
    expect(record).toMatchObject({ status: 'ready', fingerprint: fingerprintOf(variants) });
  });

  test('decodes nothing when variants were only removed', async () => {
    const id = imageIdOf(Buffer.from('taken away'));
    const record = earlier(id, 'thumbnail', 'dropped');
    const tiny = { ...record.thumbnails['thumbnail'], key: keyOf('tiny', '16x320-inside-q80')(id) };
    await catalog.finish(id, 'earlier', {
      ...record,
      thumbnails: { ...record.thumbnails, tiny } as typeof record.thumbnails,
    });
    await handler(queueEvent(createdMessage(`raw/${id}`)), context);
    expect(s3.commandCalls(GetObjectCommand)).toHaveLength(0);
    const now = await catalog.find(id);
    expect(now).toMatchObject({
      status: 'ready',
      fingerprint: fingerprintOf(variants),
      thumbhash: 'earlier',
    });
    expect(Object.keys(now?.thumbnails ?? {}).sort()).toEqual(['thumbnail', 'tiny']);
  });
});

test('processes several messages, and several records in one', async () => {
  const pictures = await Promise.all(
    [40, 50, 60].map((side) => quarteredPicture(side, side).png().toBuffer()),
  );
  const [a = '', b = '', c = ''] = pictures.map((bytes) => stored(bytes));
  await handler(queueEvent(createdMessage(a, b), createdMessage(c)), context);
  expect(written()).toHaveLength(6);
});

test('fails only the message whose original cannot be read', async () => {
  const good = stored(await quarteredPicture(43, 40).png().toBuffer());
  const throttled = stored(await quarteredPicture(44, 40).png().toBuffer());
  s3.on(GetObjectCommand, { Bucket: 'raw-bucket', Key: throttled }).rejects(new Error('SlowDown'));
  await expect(
    handler(queueEvent(createdMessage(throttled), createdMessage(good)), context),
  ).resolves.toEqual({
    batchItemFailures: [{ itemIdentifier: 'message-0' }],
  });
  expect(written()).toHaveLength(2);
});

test('fails the message when a thumbnail cannot be written', async () => {
  const key = stored(await quarteredPicture(45, 40).png().toBuffer());
  s3.on(PutObjectCommand).rejects(new Error('SlowDown'));
  await expect(handler(queueEvent(createdMessage(key)), context)).resolves.toEqual({
    batchItemFailures: [{ itemIdentifier: 'message-0' }],
  });
});

test('logs a corrupt image once, with its code, and does not retry it', async () => {
  const key = stored(corruptJpeg());
  await expect(handler(queueEvent(createdMessage(key)), context)).resolves.toEqual({ batchItemFailures: [] });
  expect(written()).toHaveLength(0);
  expect(logged).toHaveBeenCalledTimes(1);
  expect(JSON.parse(logged.mock.calls[0][0])).toMatchObject({
    message: 'image refused',
    code: 'image-corrupt',
    reason: expect.stringContaining('VipsJpeg'),
    imageId: imageIdOf(corruptJpeg()),
  });
  expect(await catalog.find(imageIdOf(corruptJpeg()))).toMatchObject({
    status: 'failed',
    error: { code: 'image-corrupt' },
    original: { contentType: 'image/jpeg', bytes: corruptJpeg().length },
  });
});

test('fails an original whose bytes do not match its name', async () => {
  const id = imageIdOf(Buffer.from('other bytes'));
  const bytes = await quarteredPicture(42, 40).png().toBuffer();
  s3.on(GetObjectCommand).callsFake(() => ({
    Body: sdkStreamMixin(Readable.from([bytes])),
    ContentLength: bytes.byteLength,
  }));
  await handler(queueEvent(createdMessage(`raw/${id}`)), context);
  expect(await catalog.find(id)).toMatchObject({ status: 'failed', error: { code: 'checksum-mismatch' } });
  expect(written()).toHaveLength(0);
});

test('moves an image that promises much work to the slow lane, with the time at which it was stored', async () => {
  sqs.on(SendMessageCommand).resolves({});
  const key = stored(slowTiff());
  const message = createdMessage(key);
  expect(await handler(queueEvent(message), context)).toEqual({ batchItemFailures: [] });
  const [sent, ...others] = sqs.commandCalls(SendMessageCommand).map(({ args }) => args[0].input);
  expect(others).toEqual([]);
  expect(sent?.QueueUrl).toBe(slowQueueUrl);
  expect(parseCreatedObjects(sent?.MessageBody ?? '')).toEqual(parseCreatedObjects(message));
  expect(await catalog.find(key.slice('raw/'.length))).toMatchObject({ status: 'received', lane: 'slow' });
});

test('delivers the message again when the slow lane cannot be reached', async () => {
  sqs.on(SendMessageCommand).rejects(new Error('no connection'));
  const { batchItemFailures } = await handler(queueEvent(createdMessage(stored(slowTiff('again')))), context);
  expect(batchItemFailures).toHaveLength(1);
});

test('fails a file that is not an image, with what it is', async () => {
  const pdf = Buffer.from('%PDF-1.7 and so on');
  await handler(queueEvent(createdMessage(stored(pdf))), context);
  expect(await catalog.find(imageIdOf(pdf))).toMatchObject({
    status: 'failed',
    error: { code: 'unsupported-type', detail: expect.stringContaining('PDF') },
  });
});

test('fails an original that is too large without fetching it', async () => {
  const bytes = Buffer.alloc(maxUploadBytes + 1);
  const body = Readable.from([bytes]);
  const key = stored(bytes);
  s3.on(GetObjectCommand).resolves({ Body: sdkStreamMixin(body), ContentLength: bytes.byteLength });
  await handler(queueEvent(createdMessage(key)), context);
  expect(await catalog.find(imageIdOf(bytes))).toMatchObject({
    status: 'failed',
    error: { code: 'image-too-large', detail: expect.stringContaining('600001 bytes') },
    original: { bytes: 600_001 },
  });
  expect(body.destroyed).toBe(true);
});

test('fails only the message whose original arrived in part', async () => {
  const good = stored(await quarteredPicture(46, 40).png().toBuffer());
  const bytes = await quarteredPicture(47, 40).png().toBuffer();
  const Key = stored(bytes);
  s3.on(GetObjectCommand, { Bucket: 'raw-bucket', Key }).callsFake(() => ({
    Body: sdkStreamMixin(Readable.from([bytes.subarray(0, bytes.length / 2)])),
    ContentLength: bytes.byteLength,
  }));
  await expect(handler(queueEvent(createdMessage(Key), createdMessage(good)), context)).resolves.toEqual({
    batchItemFailures: [{ itemIdentifier: 'message-0' }],
  });
  expect(await catalog.find(imageIdOf(bytes))).toBeUndefined();
  expect(written()).toHaveLength(2);
});

test('does not retry an original that was deleted', async () => {
  s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: 'gone', $metadata: {} }));
  const result = await handler(
    queueEvent(createdMessage(`raw/${imageIdOf(Buffer.from('deleted'))}`)),
    context,
  );
  expect(result).toEqual({ batchItemFailures: [] });
  expect(JSON.parse(logged.mock.calls[0][0])).toMatchObject({ code: 'original-missing' });
  await expect(catalog.find(imageIdOf(Buffer.from('deleted')))).resolves.toBeUndefined();
});

test('ignores an object that is not an upload', async () => {
  await expect(handler(queueEvent(createdMessage('raw/holiday+photo.jpg')), context)).resolves.toEqual({
    batchItemFailures: [],
  });
  expect(JSON.parse(logged.mock.calls[0][0])).toMatchObject({
    message: 'object ignored',
    key: 'raw/holiday photo.jpg',
  });
  expect(s3.commandCalls(GetObjectCommand)).toHaveLength(0);
});

test.each(['not JSON', '{"Records":[{}]}', '{}'])(
  'fails a message that S3 would not send: %s',
  async (body) => {
    await expect(handler(queueEvent(body), context)).resolves.toEqual({
      batchItemFailures: [{ itemIdentifier: 'message-0' }],
    });
  },
);

describe('an S3 event', () => {
  test('that tests the queue names no objects', () => {
    expect(
      parseCreatedObjects(
        JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'raw-bucket' }),
      ),
    ).toEqual([]);
  });

  test('has its keys decoded like forms', () => {
    expect(parseCreatedObjects(createdMessage('raw/red+flower%2B%C3%BC.jpg'))).toEqual([
      { key: 'raw/red flower+ü.jpg', storedAt: expect.any(Date) },
    ]);
  });

  test('of a deletion names no objects', () => {
    expect(
      parseCreatedObjects(createdMessage('raw/a').replace('ObjectCreated:Put', 'ObjectRemoved:Delete')),
    ).toEqual([]);
  });
});
