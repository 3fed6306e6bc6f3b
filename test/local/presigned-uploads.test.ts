import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type * as z from 'zod';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { resources } from '../../local/aws.ts';
import { quarteredPicture } from '../images.ts';
import { replySchema } from '../reply.ts';
import { type AwsClients, awsClients } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from './local-run.ts';
import { mailsTo } from './mails.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { type ReceivedEvent, subscribe } from './subscriber.ts';
import { post, redirectOf, uploadAndWait } from './uploads.ts';

/** What an attacker can do with a hash or with a presigned URL. */

jest.setTimeout(60_000);

let local: LocalRun;
let aws: AwsClients;
let api: string;
let published: () => Promise<readonly ReceivedEvent[]>;

beforeAll(async () => {
  local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  aws = awsClients(local);
  api = `http://127.0.0.1:${local.port}/dev`;
  published = await subscribe(local);
});

afterAll(cleanUp);

let pictures = 0;
/** A different image each time. */
const picture = async (): Promise<Buffer<ArrayBuffer>> => {
  pictures += 1;
  return Buffer.from(
    await quarteredPicture(200 + pictures, 100)
      .png()
      .toBuffer(),
  );
};

const requestUpload = (image: Buffer, bytes: number, recipient?: string): Promise<Response> =>
  post(
    `${api}/uploads`,
    JSON.stringify({ sha256: imageIdOf(image), bytes }),
    recipient === undefined ? {} : { 'X-Notify-Email': recipient },
  );

type Upload = NonNullable<z.output<typeof replySchema>['upload']>;

const uploadFor = async (image: Buffer, recipient?: string): Promise<Upload> => {
  const response = await requestUpload(image, image.byteLength, recipient);
  expect(response.status).toBe(201);
  const { upload } = replySchema.parse(await response.json());
  if (upload === undefined) throw new Error('There is no upload.');
  return upload;
};

const put = async (
  { url, headers }: Upload,
  body: Buffer<ArrayBuffer>,
  changed: Readonly<Record<string, string | undefined>> = {},
): Promise<{ readonly status: number; readonly text: string }> => {
  const sent = Object.entries({ ...headers, ...changed }).filter(
    (header): header is [string, string] => header[1] !== undefined,
  );
  const response = await fetch(url, { method: 'PUT', headers: Object.fromEntries(sent), body });
  return { status: response.status, text: await response.text() };
};

/** Waits until no queued message can cause another event or mail. */
const untilDone = async (): Promise<void> => {
  await aws.untilNothingQueued();
  await aws.untilNothingQueued(resources.notifyQueue);
};

/** All published events of an image, except visits to its link. */
const eventsOf = async (image: Buffer) =>
  (await published())
    .map(({ event }) => event)
    .filter(({ imageId, type }) => imageId === imageIdOf(image) && type !== 'link.served');

const newRecipient = (): string => `${randomUUID()}@example.com`;

describe('a presigned upload', () => {
  test('works once: a replay is refused and has no effect', async () => {
    const image = await picture();
    const upload = await uploadFor(image);
    const answers = [];
    for (let times = 0; times < 100; times += 1) answers.push(await put(upload, image));
    expect(answers[0]?.status).toBe(200);
    expect(new Set(answers.slice(1).map(({ status }) => status))).toEqual(new Set([412]));
    expect(answers[1]?.text).toContain('<Code>PreconditionFailed</Code>');
    await redirectOf(`${api}/thumbnails/${imageIdOf(image)}`);
    expect((await put(upload, image)).status).toBe(412);
    await untilDone();
    expect((await eventsOf(image)).map(({ type }) => type).toSorted()).toEqual([
      'image.ready',
      'image.received',
    ]);
    expect(local.resizeLogs(imageIdOf(image))).toMatchObject([{ message: 'thumbnails stored' }]);
  });

  test('works once among concurrent replays', async () => {
    const image = await picture();
    const uploads = await Promise.all([uploadFor(image), uploadFor(image)]);
    const answers = await Promise.all(
      uploads.flatMap((upload) => Array.from({ length: 10 }, () => put(upload, image))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
    await redirectOf(`${api}/thumbnails/${imageIdOf(image)}`);
    await untilDone();
    expect(await eventsOf(image)).toHaveLength(2);
  });

  test('is refused without one of its signed headers, or with another value', async () => {
    const image = await picture();
    const upload = await uploadFor(image);
    for (const name of Object.keys(upload.headers)) {
      expect({ name, ...(await put(upload, image, { [name]: undefined })) }).toMatchObject({
        name,
        status: 403,
      });
      expect({ name, ...(await put(upload, image, { [name]: `"${randomUUID()}"` })) }).toMatchObject({
        name,
        status: 403,
      });
    }
    expect(await aws.originals.head(imageIdOf(image))).toBeUndefined();
    expect((await put(upload, image)).status).toBe(200);
    expect(await aws.originals.head(imageIdOf(image))).toEqual({
      bytes: image.byteLength,
      uploadId: upload.headers['x-amz-meta-upload-id'],
    });
  });

  test('is refused when the image has been posted in the meantime', async () => {
    const image = await picture();
    const upload = await uploadFor(image);
    await uploadAndWait(local.uploadUrl, image);
    expect((await put(upload, image)).status).toBe(412);
    await untilDone();
    expect(await eventsOf(image)).toHaveLength(2);
  });
});

describe('a caller who knows only the hash of an image', () => {
  /** Waits for the expected mails, and then for unexpected ones. */
  const expectMails = async (expected: readonly string[], none: readonly string[]): Promise<void> => {
    for (const recipient of expected) {
      await until(`the mail to ${recipient}`, async () => (await mailsTo(local.ports, recipient))[0]);
    }
    await untilDone();
    await wait(500);
    await untilDone();
    for (const recipient of expected) expect(await mailsTo(local.ports, recipient)).toHaveLength(1);
    for (const recipient of none) expect(await mailsTo(local.ports, recipient)).toEqual([]);
  };

  test('gets no mail with a request before or after the owner posts it, but the owner does', async () => {
    const [owner, early, late] = [newRecipient(), newRecipient(), newRecipient()];
    const image = await picture();
    expect((await requestUpload(image, 1, early)).status).toBe(201);
    expect((await requestUpload(image, 1, owner)).status).toBe(201);
    await post(local.uploadUrl, image, { 'X-Notify-Email': owner, Prefer: 'wait=20' });
    const refused = await requestUpload(image, 1, late);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: 'mail-needs-bytes' });
    expect((await requestUpload(image, 1)).status).toBe(200);
    await expectMails([owner], [early, late]);
  });

  test("gets no mail with a request before, during or after the owner's upload, but the owner does", async () => {
    const [owner, early, between, late] = [newRecipient(), newRecipient(), newRecipient(), newRecipient()];
    const image = await picture();
    expect((await requestUpload(image, 1, early)).status).toBe(201);
    const upload = await uploadFor(image, owner);
    // A second request for the same hash and recipient does not replace the owner's.
    expect((await requestUpload(image, image.byteLength, between)).status).toBe(201);
    expect((await requestUpload(image, 1, owner)).status).toBe(201);
    expect((await put(upload, image)).status).toBe(200);
    expect((await requestUpload(image, 1, late)).status).toBe(409);
    await redirectOf(`${api}/thumbnails/${imageIdOf(image)}`);
    expect((await requestUpload(image, 1)).status).toBe(200);
    await expectMails([owner], [early, between, late]);
  });

  test("gets no mail by sending the owner's upload id with another upload", async () => {
    const [owner, attacker] = [newRecipient(), newRecipient()];
    const image = await picture();
    const upload = await uploadFor(image, owner);
    const own = await uploadFor(image, attacker);
    const uploadId = upload.headers['x-amz-meta-upload-id'];
    expect((await put(own, image, { 'x-amz-meta-upload-id': uploadId })).status).toBe(403);
    expect((await put(upload, image)).status).toBe(200);
    await expectMails([owner], [attacker]);
  });

  test('gets no mail about an image that fails', async () => {
    const [owner, attacker] = [newRecipient(), newRecipient()];
    const image = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.from(randomUUID())]);
    await requestUpload(image, image.byteLength, attacker);
    const upload = await uploadFor(image, owner);
    expect((await put(upload, image)).status).toBe(200);
    await expectMails([owner], [attacker]);
  });
});

describe('an upload request with a false size', () => {
  const expectTrueSize = async (image: Buffer): Promise<void> => {
    await untilDone();
    const events = await eventsOf(image);
    expect(events.map(({ type }) => type).toSorted()).toEqual(['image.ready', 'image.received']);
    for (const event of events) {
      expect(event).toMatchObject({ original: { contentType: 'image/png', bytes: image.byteLength } });
    }
    const shown = await (await fetch(`${api}/images/${imageIdOf(image)}`)).json();
    expect(shown).toMatchObject({ status: 'ready', original: { bytes: image.byteLength } });
  };

  test('has no effect on the record, nor on an image that is posted', async () => {
    const image = await picture();
    await requestUpload(image, 1);
    const shown = replySchema.parse(await (await fetch(`${api}/images/${imageIdOf(image)}`)).json());
    expect(shown).toMatchObject({ status: 'received', original: {} });
    expect(shown.original).toEqual({});
    const { original } = await uploadAndWait(local.uploadUrl, image);
    expect(original.bytes).toBe(image.byteLength);
    await requestUpload(image, 2);
    const duplicates = await until('the duplicate', async () => {
      const found = (await eventsOf(image)).filter(({ type }) => type === 'image.duplicate');
      return found.length > 0 ? found : undefined;
    });
    expect(duplicates).toMatchObject([{ original: { bytes: image.byteLength } }]);
  });

  test('has no effect on an image that arrives by a presigned upload', async () => {
    const image = await picture();
    const upload = await uploadFor(image);
    expect((await requestUpload(image, 1)).status).toBe(201);
    expect((await put(upload, image)).status).toBe(200);
    await redirectOf(`${api}/thumbnails/${imageIdOf(image)}`);
    await expectTrueSize(image);
    const sha256 = createHash('sha256').update(image).digest('hex');
    expect(await aws.catalog.find(sha256)).toMatchObject({ announced: false });
  });
});
