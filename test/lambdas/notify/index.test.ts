import { Readable } from 'node:stream';
import { GetObjectCommand, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import { sdkStreamMixin } from '@smithy/core/serde';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import sharp from 'sharp';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import type { ImageEvent } from '../../../lambdas/image/event.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { duplicateEvent, endedEvent, receivedEvent } from '../../../lambdas/image/new-event.ts';
import type { Failure, ImageRecord } from '../../../lambdas/image/record.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { notifyEnvironment } from '../../../lambdas/notify/environment.ts';
import { createMailRequests, type MailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { writeEnvironment } from '../../../lambdas/runtime/environment.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { queueEvent } from '../../events.ts';
import { quarteredPicture } from '../../images.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';
import { allowAllLoaders } from '../../loaders.ts';
import { startMailServer } from './mail-server.ts';

afterAll(allowAllLoaders);

const s3 = mockClient(S3Client);
const context = { functionName: 'notify', getRemainingTimeInMillis: () => 60_000 } as Context;
const apiUrl = 'https://api.example/dev';
const ada = 'ada@example.com';
const grace = 'grace@example.org';
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn(), log: jest.fn() };

let handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
let database: Awaited<ReturnType<typeof startCatalogServer>>;
let post: Awaited<ReturnType<typeof startMailServer>>;
let catalog: LateCatalog;
let mailRequests: MailRequests;
let thumbnail: Buffer;
let images = 0;

beforeAll(async () => {
  [database, post] = await Promise.all([startCatalogServer(), startMailServer()]);
  catalog = lateCatalog(createCatalog(database.tableName, database.client));
  mailRequests = createMailRequests(database.mailRequestsTableName, database.client);
  thumbnail = await quarteredPicture(320, 200).webp().toBuffer();
  Object.assign(process.env, {
    ...awsVariables(database),
    AWS_ENDPOINT_URL_SESV2: post.endpoint,
    ...writeEnvironment(
      notifyEnvironment,
      valuesWith(database, {
        stackName: 'Copy',
        mailRequestsTable: database.mailRequestsTableName,
        variants: variantsSchema.parse([{ name: 'thumbnail' }, { name: 'tiny', width: 16 }]),
        apiUrl,
      }),
    ),
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
  for (const method of ['info', 'warn', 'error', 'log'] as const) {
    jest.spyOn(console, method).mockImplementation(log[method]);
  }
  ({ handler } = await import('../../../lambdas/notify/index.ts'));
});

afterAll(() => Promise.all([database.stop(), post.stop()]));

beforeEach(async () => {
  images += 1;
  for (const method of Object.values(log)) method.mockClear();
  s3.reset();
  s3.on(GetObjectCommand).callsFake(() => ({ Body: sdkStreamMixin(Readable.from([thumbnail])) }));
  await post.clear();
});

const newId = () => imageIdOf(Buffer.from(`image ${images}`));

const found = async (id: string): Promise<ImageRecord> => {
  const record = await catalog.find(id);
  if (record === undefined) throw new Error('no record');
  return record;
};

const readyImage = async (damage?: string): Promise<ImageRecord> => {
  const id = newId();
  await catalog.finish(id, 'present', {
    original: { contentType: 'image/jpeg', width: 4032, height: 3024, bytes: 2_804_301, damage },
    thumbnails: {},
    thumbhash: undefined,
    resizeMilliseconds: 1,
    uploadToReadyMilliseconds: undefined,
  });
  return await found(id);
};

const failedImage = async (failure: Failure): Promise<ImageRecord> => {
  const id = newId();
  await catalog.fail(id, 'present', { bytes: 17, contentType: 'image/png' }, failure);
  return await found(id);
};

const message = (event: ImageEvent | undefined): string => JSON.stringify(event);

/** Invokes the function with messages, and returns the ids of those that failed. */
const deliver = async (...messages: readonly string[]): Promise<readonly string[]> => {
  const { batchItemFailures } = await handler(queueEvent(...messages), context);
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
};

const logged = () => Object.values(log).flatMap(({ mock }) => mock.calls.map(([line]) => String(line)));

test('sends a mail to the recipient once the image is ready', async () => {
  const record = await readyImage();
  await mailRequests.add(record.id, ada);
  await expect(deliver(message(endedEvent(record)))).resolves.toEqual([]);
  const [mail, ...others] = await post.mails();
  expect(others).toEqual([]);
  expect(mail).toMatchObject({
    from: 'thumbnails@example.net',
    replyTo: [],
    destination: { to: [ada], cc: [], bcc: [] },
    subject: `Your thumbnail is ready (${record.id.slice(0, 8)})`,
  });
  for (const part of [mail?.body.text, mail?.body.html]) {
    expect(part).toContain(`${apiUrl}/thumbnails/${record.id}`);
    expect(part).toContain('JPEG, 4,032 × 3,024 pixels, 2,804,301 bytes');
    expect(part).toContain('someone, probably you, uploaded this image');
  }
});

test('shows a JPEG of the first variant in the mail', async () => {
  const record = await readyImage();
  await mailRequests.add(record.id, ada);
  await deliver(message(endedEvent(record)));
  expect(s3.commandCalls(GetObjectCommand).map(({ args }) => args[0].input)).toEqual([
    { Bucket: 'thumbnail-bucket', Key: `thumbnails/${record.id}/thumbnail/v2-320x320-inside-q80.webp` },
  ]);
  const [mail] = await post.mails();
  const [preview, ...others] = mail?.attachments ?? [];
  expect(others).toEqual([]);
  expect(preview).toMatchObject({ contentType: 'image/jpeg', contentDisposition: 'INLINE' });
  expect(mail?.body.html).toContain(
    `<img src="cid:${preview?.contentId}" width="240" height="150" alt="Preview of the thumbnail"`,
  );
  expect(await sharp(preview?.content).metadata()).toMatchObject({
    format: 'jpeg',
    width: 240,
    height: 150,
  });
});

test('sends the mail without a picture when the thumbnail is gone, and logs a warning', async () => {
  s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: 'gone', $metadata: {} }));
  const record = await readyImage();
  await mailRequests.add(record.id, ada);
  await expect(deliver(message(endedEvent(record)))).resolves.toEqual([]);
  const [mail] = await post.mails();
  expect(mail?.attachments).toEqual([]);
  expect(mail?.body.html).not.toContain('<img');
  expect(mail?.body.html).toContain(`href="${apiUrl}/thumbnails/${record.id}"`);
  expect(JSON.parse(log.warn.mock.calls[0][0])).toMatchObject({
    message: 'mail has no preview',
    imageId: record.id,
  });
});

test('says what is wrong with a damaged image that shows something', async () => {
  const damage = 'The file is incomplete. Was the upload cut off?';
  const record = await readyImage(damage);
  await mailRequests.add(record.id, ada);
  await deliver(message(endedEvent(record)));
  const [mail] = await post.mails();
  expect(mail?.subject).toMatch(/^Your thumbnail is ready/);
  expect(mail?.body.text).toContain(`Please note: ${damage}`);
  expect(mail?.body.html).toContain(damage);
});

test('contains the reason of a failure as text, not as HTML', async () => {
  const detail = 'The file is damaged: <img src="https://evil.example/x"> & more';
  const record = await failedImage({ code: 'image-corrupt', detail });
  await mailRequests.add(record.id, ada);
  await deliver(message(endedEvent(record)));
  const [mail] = await post.mails();
  expect(mail?.subject).toBe(`No thumbnail could be made (${record.id.slice(0, 8)})`);
  expect(mail?.body.text).toContain(detail);
  expect(mail?.body.html).toContain(
    'The file is damaged: &lt;img src=&quot;https://evil.example/x&quot;&gt; &amp; more',
  );
  expect(mail?.body.html).not.toContain('<img');
  for (const part of [mail?.body.text, mail?.body.html]) {
    expect(part).toContain('image-corrupt');
    expect(part).toContain(record.id);
    expect(part).toContain('PNG, 17 bytes');
    expect(part).not.toContain('/thumbnails/');
  }
  expect(mail?.attachments).toEqual([]);
  expect(s3.commandCalls(GetObjectCommand)).toHaveLength(0);
});

test('sends one mail for a message that is delivered three times', async () => {
  const record = await readyImage();
  await mailRequests.add(record.id, ada);
  const again = message(endedEvent(record));
  await expect(deliver(again, again)).resolves.toEqual([]);
  await expect(deliver(again)).resolves.toEqual([]);
  expect(await post.mails()).toHaveLength(1);
});

test('sends one mail to a recipient who was named twice before the image was ready', async () => {
  const id = newId();
  await mailRequests.add(id, ada);
  await mailRequests.add(id, ada);
  await deliver(message(endedEvent(await readyImage())));
  expect(await post.mails()).toHaveLength(1);
});

test('never shows a recipient the address of another', async () => {
  const record = await readyImage();
  await mailRequests.add(record.id, ada);
  await mailRequests.add(record.id, grace);
  await deliver(message(endedEvent(record)));
  const mails = await post.mails();
  expect(mails.map(({ destination }) => destination.to)).toEqual([[ada], [grace]]);
  const [toAda, toGrace] = mails.map((mail) => JSON.stringify(mail));
  expect(toAda).not.toContain('grace');
  expect(toGrace).not.toContain('ada@');
});

test('sends a mail about an image that was ready before the upload', async () => {
  const record = await readyImage();
  await deliver(message(endedEvent(record)));
  expect(await post.mails()).toEqual([]);
  await mailRequests.add(record.id, ada);
  await deliver(message(duplicateEvent(record)));
  expect(await post.mails()).toMatchObject([{ destination: { to: [ada] } }]);
});

test('sends nothing while the image is pending', async () => {
  const id = newId();
  await mailRequests.add(id, ada);
  const received = await catalog.receive(id, { bytes: 17 }, new Date());
  if (received === undefined) throw new Error('not received');
  await expect(deliver(message(receivedEvent(received)), message(duplicateEvent(received)))).resolves.toEqual(
    [],
  );
  expect(await post.mails()).toEqual([]);
  await deliver(message(endedEvent(await readyImage())));
  expect(await post.mails()).toHaveLength(1);
});

test('does nothing for an image without a record', async () => {
  const record = await readyImage();
  const stranger = { ...record, id: imageIdOf(Buffer.from('never seen')) };
  await mailRequests.add(stranger.id, ada);
  await expect(deliver(message(endedEvent(stranger)))).resolves.toEqual([]);
  expect(await post.mails()).toEqual([]);
});

test.each([
  ['not JSON', () => 'not JSON'],
  ['no event', () => '{}'],
  ['of another version', (event: ImageEvent | undefined) => JSON.stringify({ ...event, schemaVersion: 2 })],
  [
    'wrapped by SNS',
    (event: ImageEvent | undefined) => JSON.stringify({ Type: 'Notification', Message: message(event) }),
  ],
])('reports only the message that is %s as failed', async (_, made) => {
  const record = await readyImage();
  await mailRequests.add(record.id, ada);
  const event = endedEvent(record);
  await expect(deliver(made(event), message(event))).resolves.toEqual(['message-0']);
  expect(await post.mails()).toHaveLength(1);
});

test('logs and counts each mail without an address', async () => {
  const record = await readyImage();
  await mailRequests.add(record.id, ada);
  await mailRequests.add(record.id, grace);
  await deliver(message(endedEvent(record)));
  expect(log.info.mock.calls.map(([line]) => JSON.parse(line))).toMatchObject([
    { message: 'mail sent', imageId: record.id, recipient: 'a…@example.com' },
    { message: 'mail sent', imageId: record.id, recipient: 'g…@example.org' },
  ]);
  expect(log.log.mock.calls.map(([line]) => JSON.parse(line))).toMatchObject([
    { MailsSent: 1, service: 'Copy' },
    { MailsSent: 1, service: 'Copy' },
  ]);
  expect(logged().join()).not.toMatch(/ada@|grace@/);
});
