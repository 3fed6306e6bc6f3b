import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { type Catalog, createCatalog } from '../../../lambdas/aws/catalog.ts';
import { imageEventSchema } from '../../../lambdas/image/event.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import type { IngestApp } from '../../../lambdas/ingest/app.ts';
import type { IngestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { createIngestService } from '../../../lambdas/ingest/service.ts';
import { createMailRequests, type MailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { quarteredPicture } from '../../images.ts';

/** What ingest tells others of: the topic, and who wants a mail. */

const s3 = mockClient(S3Client);
const sns = mockClient(SNSClient);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const printed = jest.spyOn(console, 'log').mockImplementation();
const variants = variantsSchema.parse([{ name: 'thumbnail' }, { name: 'square', fit: 'cover' }]);

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;
let mailRequests: MailRequests;
/** The one that sends no mail, and the one that does. */
let silent: IngestApp;
let app: IngestApp;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = createCatalog(server.tableName, server.client);
  mailRequests = createMailRequests(server.mailRequestsTableName, server.client);
  Object.assign(process.env, {
    ...awsVariables(server),
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
  const appWith = (given: Partial<IngestEnvironment>) =>
    createIngestService(valuesWith(server, { stackName: 'Copy', variants, ...given }), log);
  silent = appWith({});
  app = appWith({
    mailRequestsTable: server.mailRequestsTableName,
    allowedRecipients: ['example.com', 'Me@elsewhere.example'],
  });
});
afterAll(() => server.stop());

beforeEach(() => {
  s3.reset();
  s3.on(PutObjectCommand).resolves({});
  s3.on(HeadObjectCommand).rejects(new NotFound({ message: 'not found', $metadata: {} }));
  sns.reset();
  sns.on(PublishCommand).resolves({});
  jest.clearAllMocks();
});

let pictures = 0;
/** A picture that no other test has uploaded. */
const picture = () => {
  pictures += 1;
  return quarteredPicture(90, 40 + pictures)
    .jpeg()
    .toBuffer();
};
const post = (body: Buffer, headers: Record<string, string> = {}, query = '', to = app) =>
  to.request(`http://api.example/upload_image${query}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers,
  });
const announce = (bytes: Buffer, headers: Record<string, string> = {}) =>
  app.request('http://api.example/uploads', {
    method: 'POST',
    headers,
    body: JSON.stringify({ sha256: imageIdOf(bytes), bytes: bytes.length }),
  });
const finish = (bytes: Buffer) =>
  catalog.finish(imageIdOf(bytes), fingerprintOf(variants), {
    original: { contentType: 'image/jpeg', width: 90, height: 40, bytes: bytes.length },
    thumbnails: {},
    thumbhash: undefined,
    resizeMilliseconds: 5,
    uploadToReadyMilliseconds: 50,
  });
const told = () =>
  sns
    .commandCalls(PublishCommand)
    .map(({ args }) => imageEventSchema.parse(JSON.parse(args[0].input.Message ?? '')));
const counted = () =>
  printed.mock.calls.flatMap(([line]) => {
    // How much of the day's budget is used is told with each upload, and is not what these tests are about.
    const { _aws: _, service, BudgetUsedPercent: __, ...values } = JSON.parse(line);
    expect(service).toBe('Copy');
    return Object.keys(values).length === 0 ? [] : [values];
  });
const recipientsOf = async (bytes: Buffer, uploadId?: string) =>
  (await mailRequests.of(imageIdOf(bytes), uploadId)).map(({ recipient }) => recipient).sort();

describe('the topic hears', () => {
  test('nothing from ingest of a new image: resize tells it once the bytes are stored', async () => {
    const bytes = await picture();
    await post(bytes);
    expect(told()).toEqual([]);
    expect(counted()).toEqual([{ Uploads: 1, UploadedBytes: bytes.length }]);
  });

  test('nothing of an announcement, and nothing of it is counted: it may not be true', async () => {
    const bytes = await picture();
    await announce(bytes);
    await announce(bytes);
    expect(told()).toEqual([]);
    expect(counted()).toEqual([]);
  });

  test('the true size of an image whose announced upload has not been worked on yet', async () => {
    const bytes = await picture();
    await announce(bytes);
    s3.on(HeadObjectCommand).resolves({ ContentLength: 123 });
    expect((await announce(bytes)).status).toBe(200);
    expect(told()).toMatchObject([{ type: 'image.duplicate', status: 'received', original: { bytes: 123 } }]);
  });

  test('of each upload of an image that is there already, as a fact of its own', async () => {
    const bytes = await picture();
    await finish(bytes);
    await post(bytes);
    await announce(bytes);
    const fact = {
      schemaVersion: 1,
      type: 'image.duplicate',
      imageId: imageIdOf(bytes),
      status: 'ready',
      original: { contentType: 'image/jpeg', width: 90, height: 40, bytes: bytes.length },
    };
    expect(told()).toEqual([expect.objectContaining(fact), expect.objectContaining(fact)]);
    expect(new Set(told().map(({ eventId }) => eventId)).size).toBe(2);
    expect(counted()).toEqual([{ Duplicates: 1 }, { Duplicates: 1 }]);
  });

  test('of each time that a link led to a thumbnail, and of which', async () => {
    const bytes = await picture();
    await finish(bytes);
    const path = `/thumbnails/${imageIdOf(bytes)}`;
    expect((await app.request(path)).status).toBe(302);
    expect((await app.request(`${path}/square`)).status).toBe(302);
    expect((await app.request(path, { method: 'HEAD' })).status).toBe(302);
    expect(told()).toMatchObject([
      { type: 'link.served', imageId: imageIdOf(bytes), variant: 'thumbnail' },
      { type: 'link.served', imageId: imageIdOf(bytes), variant: 'square' },
    ]);
  });

  test('nothing of a link that shows nothing yet', async () => {
    const bytes = await picture();
    await post(bytes);
    expect((await app.request(`/thumbnails/${imageIdOf(bytes)}`)).status).toBe(202);
    expect(told()).toEqual([]);
  });

  test('no URL and no address', async () => {
    const bytes = await picture();
    await finish(bytes);
    await post(bytes, { 'X-Notify-Email': 'me@example.com' });
    await app.request(`/thumbnails/${imageIdOf(bytes)}`);
    expect(told()).toHaveLength(2);
    expect(JSON.stringify(told())).not.toMatch(/http|@/);
  });
});

test('answers although the topic is out of reach; the log keeps what it was not told', async () => {
  const bytes = await picture();
  await finish(bytes);
  sns.on(PublishCommand).rejects(new Error('out of reach'));
  expect((await post(bytes)).status).toBe(200);
  expect((await app.request(`/thumbnails/${imageIdOf(bytes)}`)).status).toBe(302);
  expect(log.error.mock.calls).toEqual([
    [
      'event not published',
      { event: expect.objectContaining({ type: 'image.duplicate' }), error: expect.any(Error) },
    ],
    [
      'event not published',
      { event: expect.objectContaining({ type: 'link.served' }), error: expect.any(Error) },
    ],
  ]);
  expect(log.error.mock.calls.map(([, { event }]) => imageEventSchema.safeParse(event).success)).toEqual([
    true,
    true,
  ]);
  expect(counted()).toEqual([{ Duplicates: 1 }, { EventsUnpublished: 1 }, { EventsUnpublished: 1 }]);
});

describe('a mail', () => {
  test('is asked for before anything else is kept', async () => {
    const bytes = await picture();
    s3.on(PutObjectCommand).callsFake(async () => {
      expect(await recipientsOf(bytes)).toEqual(['me@example.com']);
      return {};
    });
    expect((await post(bytes, { 'X-Notify-Email': 'me@example.com' })).status).toBe(202);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(1);
  });

  test.each(['?X-Notify-Email=me%2Btag@example.com', '?x-notify-email=me%2Btag%40Example.COM'])(
    'may be asked for in the query: %s',
    async (query) => {
      const bytes = await picture();
      expect((await post(bytes, {}, query)).status).toBe(202);
      expect(await recipientsOf(bytes)).toEqual(['me+tag@example.com']);
    },
  );

  describe('asked for with an upload that is only announced', () => {
    const headers = { 'X-Notify-Email': 'me@elsewhere.example' };
    const uploadIdOf = async (response: Response): Promise<string> => {
      expect(response.status).toBe(201);
      return JSON.parse(await response.text()).upload.headers['x-amz-meta-upload-id'];
    };

    test('is due only when that very upload stores the image', async () => {
      const bytes = await picture();
      const first = await uploadIdOf(await announce(bytes, headers));
      const second = await uploadIdOf(await announce(bytes));
      expect(await recipientsOf(bytes)).toEqual([]);
      expect(await recipientsOf(bytes, first)).toEqual(['Me@elsewhere.example']);
      expect(await recipientsOf(bytes, second)).toEqual([]);
    });

    const refused = async (bytes: Buffer) => {
      const before = await catalog.find(imageIdOf(bytes));
      s3.resetHistory();
      const response = await announce(bytes, headers);
      expect(response.status).toBe(409);
      expect(JSON.parse(await response.text())).toMatchObject({
        code: 'mail-needs-bytes',
        field: 'X-Notify-Email',
        detail: expect.stringContaining('POST the image itself'),
      });
      expect(await catalog.find(imageIdOf(bytes))).toEqual(before);
      expect(await recipientsOf(bytes)).toEqual([]);
      expect(told()).toEqual([]);
    };

    test('is refused when the image is ready, or has failed', async () => {
      const [good, bad] = [await picture(), await picture()];
      await finish(good);
      await catalog.fail(imageIdOf(bad), 'any', { bytes: 9 }, { code: 'image-corrupt', detail: 'broken' });
      await refused(good);
      await refused(bad);
    });

    test('is refused when the bytes are there, noted or not', async () => {
      s3.on(HeadObjectCommand).resolves({ ContentLength: 9 });
      const [noted, unknown] = [await picture(), await picture()];
      await post(noted);
      await refused(noted);
      await refused(unknown);
    });

    test('is refused before a change of the settings, or a retry, makes anything new', async () => {
      const [renewed, retried] = [await picture(), await picture()];
      await catalog.fail(
        imageIdOf(renewed),
        'earlier',
        { bytes: 9 },
        { code: 'image-corrupt', detail: 'broken' },
      );
      await catalog.fail(
        imageIdOf(retried),
        fingerprintOf(variants),
        { bytes: 9 },
        { code: 'processing-failed', detail: 'given up' },
      );
      await refused(renewed);
      await refused(retried);
    });
  });

  test('of an image that is there already comes by its duplicate event, without which the upload fails', async () => {
    const bytes = await picture();
    await finish(bytes);
    const notify = { 'X-Notify-Email': 'me@example.com' };
    expect((await post(bytes, notify)).status).toBe(200);
    expect(told()).toMatchObject([{ type: 'image.duplicate' }]);
    sns.on(PublishCommand).rejects(new Error('out of reach'));
    expect((await post(bytes, notify)).status).toBe(500);
  });

  test('to several people is asked for by each of them', async () => {
    const bytes = await picture();
    await post(bytes, { 'X-Notify-Email': 'me@example.com' });
    await post(bytes, { 'X-Notify-Email': 'you@example.com' });
    expect(await recipientsOf(bytes)).toEqual(['me@example.com', 'you@example.com']);
  });

  const refused = async (response: Response, status: number, code: string) => {
    expect(response.status).toBe(status);
    expect(JSON.parse(await response.text())).toMatchObject({ code, field: 'X-Notify-Email' });
    expect(s3.calls()).toEqual([]);
  };

  test.each([
    'nobody',
    'me@example.com, you@example.com',
    'Me <me@example.com>',
    '"me\\"@example.com',
    'me@example.com%0D%0ABcc: you@example.com',
    `${'a'.repeat(250)}@example.com`,
  ])('to "%s" is refused before anything is kept', async (address) => {
    const bytes = await picture();
    await refused(await post(bytes, { 'X-Notify-Email': address }), 400, 'invalid-address');
    expect(await catalog.find(imageIdOf(bytes))).toBeUndefined();
    expect(await recipientsOf(bytes)).toEqual([]);
  });

  test('is asked for by nobody whose header is empty', async () => {
    const bytes = await picture();
    expect((await post(bytes, { 'X-Notify-Email': '' }, '?X-Notify-Email=')).status).toBe(202);
    expect(await recipientsOf(bytes)).toEqual([]);
  });

  test('with a line break in the address is refused', async () => {
    const query = '?X-Notify-Email=me@example.com%0D%0ABcc:you@example.com';
    await refused(await post(await picture(), {}, query), 400, 'invalid-address');
  });

  test('to two people at once, one in the header and one in the query, is refused', async () => {
    const response = await post(
      await picture(),
      { 'X-Notify-Email': 'me@example.com' },
      '?X-Notify-Email=you@example.com',
    );
    await refused(response, 400, 'invalid-address');
  });

  test.each([
    'you@elsewhere.example',
    'me@example.com.evil.example',
    'me@notexample.com',
    'me@sub.example.com',
  ])('to %s, whom nobody has allowed, is refused before anything is kept', async (address) => {
    const bytes = await picture();
    await refused(await post(bytes, { 'X-Notify-Email': address }), 403, 'recipient-not-allowed');
    await refused(await announce(bytes, { 'X-Notify-Email': address }), 403, 'recipient-not-allowed');
    expect(await catalog.find(imageIdOf(bytes))).toBeUndefined();
    expect(await recipientsOf(bytes)).toEqual([]);
  });

  test('is refused clearly where no mail is sent', async () => {
    const bytes = await picture();
    await refused(
      await post(bytes, { 'X-Notify-Email': 'me@example.com' }, '', silent),
      400,
      'email-disabled',
    );
    expect(await catalog.find(imageIdOf(bytes))).toBeUndefined();
  });

  test('leaves no address in the log', async () => {
    for (const address of ['anna@example.com', 'anna@elsewhere', 'anna@elsewhere.com'])
      await post(await picture(), { 'X-Notify-Email': address });
    expect(log.info).toHaveBeenCalledTimes(3);
    expect(JSON.stringify([log.info.mock.calls, log.warn.mock.calls, log.error.mock.calls])).not.toMatch(
      /anna/,
    );
  });
});

test('the description tells of the mail where there is mail, and of the events', async () => {
  const describe = async (of: IngestApp) => JSON.parse(await (await of.request('/openapi.json')).text());
  const named = (description: {
    paths: Record<string, { post: { parameters: { name: string; in: string }[] } }>;
  }) =>
    ['/upload_image', '/uploads'].map((path) =>
      description.paths[path]?.post.parameters
        .filter(({ name }) => name === 'X-Notify-Email')
        .map((parameter) => parameter.in),
    );
  const withMail = await describe(app);
  expect(named(withMail)).toEqual([
    ['header', 'query'],
    ['header', 'query'],
  ]);
  expect(named(await describe(silent))).toEqual([[], []]);
  expect(withMail.components.schemas.ImageEvent.oneOf).toHaveLength(5);
});
