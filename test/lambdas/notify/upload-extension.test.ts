import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { imageEventSchema } from '../../../lambdas/image/event.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { createMailRequests, type MailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables } from '../../environment.ts';
import { differentPictures } from '../../images.ts';
import { appIn, type IngestApp } from '../../ingest-app.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

/** A mail that an upload asks for. */

const s3 = mockClient(S3Client);
const sns = mockClient(SNSClient);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const variants = variantsSchema.parse([{ name: 'thumbnail' }, { name: 'square', fit: 'cover' }]);

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;
let mailRequests: MailRequests;
let withoutMail: IngestApp;
let app: IngestApp;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
  mailRequests = createMailRequests(server.mailRequestsTableName, server.client);
  Object.assign(process.env, {
    ...awsVariables(server),
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
  withoutMail = appIn(server, { variants }, log);
  app = appIn(
    server,
    {
      variants,
      mailRequestsTable: server.mailRequestsTableName,
      allowedRecipients: ['example.com', 'Me@elsewhere.example'],
    },
    log,
  );
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

const picture = differentPictures(90, 'jpeg');
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
const published = () =>
  sns
    .commandCalls(PublishCommand)
    .map(({ args }) => imageEventSchema.parse(JSON.parse(args[0].input.Message ?? '')));
const recipientsOf = async (bytes: Buffer, uploadId?: string) =>
  (await mailRequests.of(imageIdOf(bytes), uploadId)).map(({ recipient }) => recipient).sort();

describe('a mail', () => {
  test('is recorded before anything else is stored', async () => {
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

  describe('asked for with an announced upload', () => {
    const headers = { 'X-Notify-Email': 'me@elsewhere.example' };
    const uploadIdOf = async (response: Response): Promise<string> => {
      expect(response.status).toBe(201);
      return JSON.parse(await response.text()).upload.headers['x-amz-meta-upload-id'];
    };

    test('is due only if that upload stores the image', async () => {
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
      expect(published()).toEqual([]);
    };

    test('is refused when the image is ready or has failed', async () => {
      const [good, bad] = [await picture(), await picture()];
      await finish(good);
      await catalog.fail(imageIdOf(bad), 'any', { bytes: 9 }, { code: 'image-corrupt', detail: 'broken' });
      await refused(good);
      await refused(bad);
    });

    test('is refused when the bytes are stored, with or without a record', async () => {
      s3.on(HeadObjectCommand).resolves({ ContentLength: 9 });
      const [recorded, unknown] = [await picture(), await picture()];
      await post(recorded);
      await refused(recorded);
      await refused(unknown);
    });

    test('is refused before changed settings or a retry change the record', async () => {
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

  test('of a known image needs its duplicate event: the upload fails when it cannot be published', async () => {
    const bytes = await picture();
    await finish(bytes);
    const notify = { 'X-Notify-Email': 'me@example.com' };
    expect((await post(bytes, notify)).status).toBe(200);
    expect(published()).toMatchObject([{ type: 'image.duplicate' }]);
    expect(JSON.stringify(published())).not.toContain('@');
    sns.on(PublishCommand).rejects(new Error('unreachable'));
    expect((await post(bytes, notify)).status).toBe(500);
  });

  test('goes to each recipient that uploads of the image name', async () => {
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
  ])('to "%s" is refused before anything is stored', async (address) => {
    const bytes = await picture();
    await refused(await post(bytes, { 'X-Notify-Email': address }), 400, 'invalid-address');
    expect(await catalog.find(imageIdOf(bytes))).toBeUndefined();
    expect(await recipientsOf(bytes)).toEqual([]);
  });

  test('is not asked for by an empty header', async () => {
    const bytes = await picture();
    expect((await post(bytes, { 'X-Notify-Email': '' }, '?X-Notify-Email=')).status).toBe(202);
    expect(await recipientsOf(bytes)).toEqual([]);
  });

  test('to an address with a line break is refused', async () => {
    const query = '?X-Notify-Email=me@example.com%0D%0ABcc:you@example.com';
    await refused(await post(await picture(), {}, query), 400, 'invalid-address');
  });

  test('to two recipients, one in the header and one in the query, is refused', async () => {
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
  ])('to %s, which is not allowed, is refused before anything is stored', async (address) => {
    const bytes = await picture();
    await refused(await post(bytes, { 'X-Notify-Email': address }), 403, 'recipient-not-allowed');
    await refused(await announce(bytes, { 'X-Notify-Email': address }), 403, 'recipient-not-allowed');
    expect(await catalog.find(imageIdOf(bytes))).toBeUndefined();
    expect(await recipientsOf(bytes)).toEqual([]);
  });

  test('is refused while mail is off', async () => {
    const bytes = await picture();
    await refused(
      await post(bytes, { 'X-Notify-Email': 'me@example.com' }, '', withoutMail),
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

  test('is described where mail is on', async () => {
    const descriptionOf = async (of: IngestApp) =>
      JSON.parse(await (await of.request('/openapi.json')).text());
    const named = (description: {
      paths: Record<string, { post: { parameters: { name: string; in: string }[] } }>;
    }) =>
      ['/upload_image', '/uploads'].map((path) =>
        description.paths[path]?.post.parameters
          .filter(({ name }) => name === 'X-Notify-Email')
          .map((parameter) => parameter.in),
      );
    const withMail = await descriptionOf(app);
    expect(named(withMail)).toEqual([
      ['header', 'query'],
      ['header', 'query'],
    ]);
    expect(named(await descriptionOf(withoutMail))).toEqual([[], []]);
  });
});

test('a mail is requested again after a deletion that the upload waited for', async () => {
  // GIVEN an image that is being deleted
  const bytes = await picture();
  const id = imageIdOf(bytes);
  const record = await catalog.receive(id, { bytes: bytes.length }, new Date());
  const deletion = record && (await catalog.startDeletion(record));
  if (deletion === undefined) throw new Error('not started');
  // WHEN it is uploaded again before the deletion removes the requests for mails
  const reply = post(bytes, { 'X-Notify-Email': 'me@example.com' });
  while ((await mailRequests.of(id)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const soon = new Date(Date.now() + 60_000);
  await catalog.takeLease(deletion, 'worker', soon);
  await mailRequests.removeProven(id, new AbortController().signal);
  expect(await mailRequests.of(id)).toEqual([]);
  await catalog.finishDeletion(deletion, 'worker', soon);
  // THEN
  expect((await reply).status).toBe(202);
  expect(await mailRequests.of(id)).toMatchObject([{ recipient: 'me@example.com' }]);
  expect(await catalog.find(id)).toMatchObject({ status: 'received' });
});
