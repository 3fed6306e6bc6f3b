import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PublishCommand } from '@aws-sdk/client-sns';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { type Catalog, createCatalog } from '../../../lambdas/aws/catalog.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { thumbnailKey } from '../../../lambdas/image/keys.ts';
import { fingerprintOf } from '../../../lambdas/image/record.ts';
import { createMailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { ownerOfSubject } from '../../../lambdas/owners/owner.ts';
import { createOwnerships } from '../../../lambdas/owners/ownerships.ts';
import { readSettings } from '../../../lib/settings.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables } from '../../environment.ts';
import { differentPictures } from '../../images.ts';
import type { IngestApp } from '../../ingest-app.ts';
import { replySchema } from '../../reply.ts';
import { appOfPeople, issuer, mockStorage, sendTo } from './people.ts';

/** What a caller sees, lists and deletes: their own images, as if there were no others. */

const storage = mockStorage();
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const { variants } = readSettings({});
const [variant] = variants;
const mailRecipient = 'me@example.com';

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;
let app: IngestApp;
const send = sendTo(() => app);

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = createCatalog(server.tableName, server.client);
  Object.assign(process.env, { ...awsVariables(server), POWERTOOLS_METRICS_DISABLED: 'true' });
  app = appOfPeople(server, log, {
    links: 'same',
    mailRequestsTable: server.mailRequestsTableName,
    allowedRecipients: ['example.com'],
  });
});
afterAll(() => server.stop());
beforeEach(storage.reset);

const picture = differentPictures(60, 'jpeg');

const post = async (person: string, bytes: Buffer) =>
  send(person, 'POST', '/upload_image', { body: new Uint8Array(bytes) });
const announce = (person: string, id: string, headers: Readonly<Record<string, string>> = {}) =>
  send(person, 'POST', '/uploads', { body: JSON.stringify({ sha256: id, bytes: 1000 }), headers });

/** Records the thumbnails of an uploaded image as resize does. */
const finish = async (id: string): Promise<void> => {
  storage.stored.set(thumbnailKey(id, variant), Buffer.from('thumbnail'));
  await catalog.finish(id, await catalog.find(id), fingerprintOf(variants), {
    original: { contentType: 'image/jpeg', width: 60, height: 40, bytes: 999 },
    thumbnails: {
      [variant.name]: {
        key: thumbnailKey(id, variant),
        contentType: 'image/webp',
        width: 60,
        height: 40,
        bytes: 99,
      },
    },
    thumbhash: undefined,
    resizeMilliseconds: 5,
    uploadToReadyMilliseconds: 50,
  });
};

const uploaded = async (person: string): Promise<string> => {
  const bytes = await picture();
  expect((await post(person, bytes)).status).toBe(202);
  await finish(imageIdOf(bytes));
  return imageIdOf(bytes);
};

const listSchema = z.strictObject({ images: z.array(replySchema), next: z.string().optional() });
const list = async (person: string, query = '') => {
  const response = await send(person, 'GET', `/images${query}`);
  expect([response.status, response.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
  return listSchema.parse(await response.json());
};
const idsOf = async (person: string, query?: string) =>
  (await list(person, query)).images.map(({ id }) => id);

const requestsToS3 = () => storage.s3.commandCalls(PutObjectCommand).length;
const eventTypes = () =>
  storage.sns
    .commandCalls(PublishCommand)
    .map(({ args }) => z.object({ type: z.string() }).parse(JSON.parse(args[0].input.Message ?? '')).type);
const deletions = () =>
  storage.sqs
    .commandCalls(SendMessageCommand)
    .map(({ args }) => args[0].input)
    .filter(({ QueueUrl }) => QueueUrl?.endsWith('/delete'))
    .map(({ MessageBody = '', DelaySeconds }) => ({ ...JSON.parse(MessageBody), DelaySeconds }));

/** A reply, and what it took. */
interface Seen {
  readonly what: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The commands that were sent. */
  readonly dynamodb: readonly string[];
  readonly s3: readonly string[];
  readonly sqs: number;
}

/** Replaces what differs between any two replies. */
const comparable = (text: string, id: string): string =>
  text
    .replaceAll(Buffer.from(id, 'hex').toString('base64'), '<checksum>')
    .replaceAll(id, '<id>')
    .replaceAll(/\?X-Amz-[^"\s]*/g, '?<signed>')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<upload>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');

describe('a caller who knows only the hash of an image', () => {
  const attempts: Readonly<Record<string, (id: string) => Promise<Response>>> = {
    'asks for the record': (id) => send('mallory', 'GET', `/images/${id}`),
    'asks for the record with HEAD': (id) => send('mallory', 'HEAD', `/images/${id}`),
    'visits the link': (id) => send('mallory', 'GET', `/thumbnails/${id}`),
    'visits the link in a browser': (id) =>
      send('mallory', 'GET', `/thumbnails/${id}`, { headers: { Accept: 'text/html' } }),
    'visits the link of a variant': (id) => send('mallory', 'GET', `/thumbnails/${id}/${variant.name}`),
    'shows the link in an <img>': (id) =>
      send('mallory', 'GET', `/thumbnails/${id}`, { headers: { 'Sec-Fetch-Dest': 'image' } }),
    'deletes it': (id) => send('mallory', 'DELETE', `/images/${id}`),
    'announces it': (id) => announce('mallory', id),
    'announces it again': (id) => announce('mallory', id),
    'announces it with a mail': (id) => announce('mallory', id, { 'X-Notify-Email': mailRecipient }),
    'asks for the record of what was announced': (id) => send('mallory', 'GET', `/images/${id}`),
    'visits the link of what was announced': (id) => send('mallory', 'GET', `/thumbnails/${id}`),
    'lists their images': () => send('mallory', 'GET', '/images'),
    'lists their images that are ready': () => send('mallory', 'GET', '/images?status=ready'),
    'deletes what was announced': (id) => send('mallory', 'DELETE', `/images/${id}`),
    'asks for the record of what was announced and deleted': (id) => send('mallory', 'GET', `/images/${id}`),
  };
  /** Images that exist, in each state that others can bring them to, and one that does not. */
  const subjects: Readonly<Record<string, () => Promise<string>>> = {
    unknown: async () => imageIdOf(await picture()),
    ready: () => uploaded('alice'),
    received: async () => {
      const bytes = await picture();
      await post('alice', bytes);
      return imageIdOf(bytes);
    },
    failed: async () => {
      const bytes = await picture();
      await post('alice', bytes);
      const id = imageIdOf(bytes);
      const failure = { code: 'image-corrupt', detail: 'Nothing to see.' } as const;
      await catalog.fail(id, await catalog.find(id), fingerprintOf(variants), { bytes: 9 }, failure);
      return id;
    },
    announced: async () => {
      const id = imageIdOf(await picture());
      await announce('alice', id);
      return id;
    },
    'without an owner': async () => {
      const id = imageIdOf(await picture());
      await catalog.receive(id, { bytes: 9, contentType: 'image/jpeg' }, new Date());
      await finish(id);
      return id;
    },
  };

  test('gets the same replies, after the same reads and writes, whether others have it or not', async () => {
    const sent = jest.spyOn(DynamoDBClient.prototype, 'send');
    const seen: Record<string, readonly Seen[]> = {};
    for (const [state, prepare] of Object.entries(subjects)) {
      const id = await prepare();
      const replies: Seen[] = [];
      for (const [what, attempt] of Object.entries(attempts)) {
        sent.mockClear();
        storage.s3.resetHistory();
        storage.sqs.resetHistory();
        const response = await attempt(id);
        replies.push({
          what,
          status: response.status,
          headers: Object.fromEntries(
            [...response.headers].map(([name, value]) => [name, comparable(value, id)]),
          ),
          body: comparable(await response.text(), id),
          dynamodb: sent.mock.calls.map(([command]) => command.constructor.name),
          s3: storage.s3.calls().map(({ args }) => args[0].constructor.name),
          sqs: storage.sqs.calls().length,
        });
      }
      seen[state] = replies;
    }
    sent.mockRestore();
    for (const replies of Object.values(seen)) expect(replies).toEqual(seen['unknown']);
    expect(seen['unknown']?.map(({ what, status }) => `${status} ${what}`)).toEqual([
      '404 asks for the record',
      '404 asks for the record with HEAD',
      '404 visits the link',
      '404 visits the link in a browser',
      '404 visits the link of a variant',
      '404 shows the link in an <img>',
      '404 deletes it',
      '201 announces it',
      '201 announces it again',
      '201 announces it with a mail',
      '200 asks for the record of what was announced',
      '202 visits the link of what was announced',
      '200 lists their images',
      '200 lists their images that are ready',
      '204 deletes what was announced',
      '404 asks for the record of what was announced and deleted',
    ]);
  });

  test('gets no URL of a thumbnail by announcing the image', async () => {
    const id = await uploaded('alice');
    const announced = replySchema.parse(await (await announce('mallory', id)).json());
    expect(announced).toMatchObject({ status: 'received', thumbnails: {}, original: {} });
    expect(announced.url).toBeUndefined();
    expect(announced.upload?.url).toContain(`/arrivals/${id}/`);
    const shown = replySchema.parse(await (await send('mallory', 'GET', `/images/${id}`)).json());
    expect(shown).toMatchObject({ status: 'received', thumbnails: {} });
    expect(shown.url).toBeUndefined();
    expect((await send('mallory', 'GET', `/thumbnails/${id}`)).status).toBe(202);
    expect((await list('mallory')).images[0]?.url).toBeUndefined();
    expect(await idsOf('mallory', '?status=ready')).toEqual([]);
    await send('mallory', 'DELETE', `/images/${id}`);
    expect(await idsOf('alice')).toContain(id);
  });
});

describe('two owners of the same bytes', () => {
  test('store them once, and each sees, lists and deletes only their own', async () => {
    const bytes = await picture();
    const id = imageIdOf(bytes);
    expect((await post('ann', bytes)).status).toBe(202);
    await finish(id);
    expect((await send('ben', 'GET', `/images/${id}`)).status).toBe(404);

    expect((await post('ben', bytes)).status).toBe(200);
    expect(requestsToS3()).toBe(1);
    expect(eventTypes()).toEqual(['image.duplicate']);
    for (const person of ['ann', 'ben']) {
      expect((await send(person, 'GET', `/images/${id}`)).status).toBe(200);
      expect(await idsOf(person)).toEqual([id]);
    }

    expect((await send('ann', 'DELETE', `/images/${id}`)).status).toBe(204);
    expect((await send('ann', 'GET', `/images/${id}`)).status).toBe(404);
    expect((await send('ann', 'DELETE', `/images/${id}`)).status).toBe(404);
    expect(await idsOf('ann')).toEqual([]);
    expect((await send('ben', 'GET', `/images/${id}`)).status).toBe(200);
    expect(deletions()).toEqual([{ imageId: id, DelaySeconds: 60 }]);
    expect(await catalog.find(id)).toMatchObject({ status: 'ready' });

    expect((await send('ben', 'DELETE', `/images/${id}`)).status).toBe(204);
    expect(deletions().slice(1)).toEqual([
      { imageId: id, DelaySeconds: 60 },
      { imageId: id, DelaySeconds: 0 },
    ]);
    expect(await catalog.state(id)).toMatchObject({ status: 'deleting' });
    expect((await send('ben', 'GET', `/images/${id}`)).status).toBe(404);
  });

  test('an owner who announces it gets the record, and another one a presigned upload', async () => {
    const id = await uploaded('ann');
    const own = await announce('ann', id);
    expect(own.status).toBe(200);
    expect(await own.json()).toMatchObject({ id, status: 'ready', url: expect.any(String) });
    expect((await announce('ben', id)).status).toBe(201);
  });

  test('an image from before callers were known belongs to no one until it is uploaded again', async () => {
    const bytes = await picture();
    const id = imageIdOf(bytes);
    await catalog.receive(id, { bytes: bytes.length, contentType: 'image/jpeg' }, new Date());
    storage.stored.set(`raw/${id}`, bytes);
    await finish(id);
    expect((await send('ann', 'GET', `/images/${id}`)).status).toBe(404);
    expect((await post('ann', bytes)).status).toBe(200);
    expect(await idsOf('ann')).toContain(id);
  });
});

describe('an upload while the image is deleted', () => {
  test('begins anew once the deletion has ended, and is owned', async () => {
    const bytes = await picture();
    const id = imageIdOf(bytes);
    await post('ann', bytes);
    await finish(id);
    await send('ann', 'DELETE', `/images/${id}`);
    const deletion = await catalog.state(id);
    if (deletion?.status !== 'deleting') throw new Error('There is no deletion.');

    const again = post('ann', bytes);
    const leased = await catalog.takeLease(deletion, 'worker', new Date(Date.now() + 60_000));
    if (leased === undefined) throw new Error('There is no lease.');
    storage.stored.clear();
    await catalog.finishDeletion(leased, 'worker', new Date(Date.now() + 60_000));
    expect((await again).status).toBe(202);
    expect(storage.stored.has(`raw/${id}`)).toBe(true);
    expect((await send('ann', 'GET', `/images/${id}`)).status).toBe(200);
  });

  test('keeps the request for a mail that the deletion has removed meanwhile', async () => {
    const bytes = await picture();
    const id = imageIdOf(bytes);
    await post('ann', bytes);
    await send('ann', 'DELETE', `/images/${id}`);
    const deletion = await catalog.state(id);
    if (deletion?.status !== 'deleting') throw new Error('There is no deletion.');
    const mailRequests = createMailRequests(server.mailRequestsTableName, server.client);

    const again = send('ann', 'POST', '/upload_image', {
      body: new Uint8Array(bytes),
      headers: { 'X-Notify-Email': mailRecipient },
    });
    while ((await mailRequests.of(id)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const soon = new Date(Date.now() + 60_000);
    await catalog.takeLease(deletion, 'worker', soon);
    await mailRequests.removeProven(id, new AbortController().signal);
    storage.stored.clear();
    await catalog.finishDeletion(deletion, 'worker', soon);
    expect((await again).status).toBe(202);
    expect(await mailRequests.of(id)).toMatchObject([{ recipient: mailRecipient }]);
  });

  test('is refused when the deletion takes long, and leaves no claim', async () => {
    const bytes = await picture();
    const id = imageIdOf(bytes);
    await post('ann', bytes);
    await finish(id);
    await send('ann', 'DELETE', `/images/${id}`);
    const refused = await post('ann', bytes);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
    expect(await refused.json()).toMatchObject({ code: 'deletion-in-progress' });
    expect(await idsOf('ann')).not.toContain(id);
  });
});

test('an upload that its owner deletes before it is recorded does not leave an image without an owner', async () => {
  const bytes = await picture();
  const id = imageIdOf(bytes);
  // GIVEN an upload that has claimed the image, and has yet to record it
  await createOwnerships(server.ownersTableName, server.client).claim(id, ownerOfSubject(issuer, 'ann'));
  // WHEN its owner deletes the image
  expect((await send('ann', 'DELETE', `/images/${id}`)).status).toBe(204);
  // THEN it is examined once the upload has ended
  expect(deletions()).toEqual([{ imageId: id, DelaySeconds: 60 }]);
  expect((await send('ann', 'GET', `/images/${id}`)).status).toBe(404);
});

test('an image that was lost comes back to all its owners when one of them uploads it again', async () => {
  const bytes = await picture();
  const id = imageIdOf(bytes);
  for (const person of ['ann', 'ben']) await post(person, bytes);
  await finish(id);
  // GIVEN that its objects were removed, which the visitor of a link has found out
  storage.stored.clear();
  expect((await send('ben', 'GET', `/thumbnails/${id}`)).status).toBe(422);
  const lost = await catalog.find(id);
  // Nobody uploads it for a while.
  jest.useFakeTimers({ advanceTimers: true, now: Date.now() + 600_000, doNotFake: ['setImmediate'] });
  try {
    expect((await post('ann', bytes)).status).toBe(202);
  } finally {
    jest.useRealTimers();
  }
  expect(storage.stored.has(`raw/${id}`)).toBe(true);
  expect(await catalog.find(id)).toMatchObject({ status: 'received', createdAt: lost?.createdAt });
  for (const person of ['ann', 'ben']) expect(await idsOf(person)).toContain(id);
});

describe('the list', () => {
  test('has pages with the newest first, which later uploads do not change', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 7; count += 1) ids.unshift(await uploaded('lisa'));
    const first = await list('lisa', '?limit=3');
    expect(first.images.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    await uploaded('lisa');
    const second = await list('lisa', `?limit=3&cursor=${first.next}`);
    expect(second.images.map(({ id }) => id)).toEqual(ids.slice(3, 6));
    const third = await list('lisa', `?limit=3&cursor=${second.next}`);
    expect(third.images.map(({ id }) => id)).toEqual(ids.slice(6));
    expect(third.next).toBeUndefined();
    expect(first.images[0]).toMatchObject({
      status: 'ready',
      url: expect.stringContaining('X-Amz-Signature'),
    });
  });

  test('ends with the last image, even if that fills the page', async () => {
    for (let count = 0; count < 4; count += 1) await uploaded('emma');
    const first = await list('emma', '?limit=2');
    const second = await list('emma', `?limit=2&cursor=${first.next}`);
    expect([second.images.length, second.next]).toEqual([2, undefined]);
  });

  test('leads to the next page with a header as well', async () => {
    for (let count = 0; count < 2; count += 1) await uploaded('nora');
    const response = await send('nora', 'GET', '/images?limit=1&status=ready');
    const { next } = listSchema.parse(await response.json());
    expect(response.headers.get('Link')).toBe(
      `<http://api.example/dev/images?limit=1&status=ready&cursor=${next}>; rel="next"`,
    );
  });

  test('can be limited to a status, and then leads on although a page is empty', async () => {
    const ready: string[] = [];
    for (let count = 0; count < 3; count += 1) ready.unshift(await uploaded('otto'));
    for (let count = 0; count < 24; count += 1) await announce('otto', imageIdOf(await picture()));
    const found: string[] = [];
    let cursor = '';
    let pages = 0;
    for (; pages < 30; pages += 1) {
      const page = await list('otto', `?limit=2&status=ready${cursor}`);
      found.push(...page.images.map(({ id }) => id));
      if (page.next === undefined) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(found).toEqual(ready);
    expect(pages).toBeGreaterThan(1);
    expect(await idsOf('otto', '?status=failed')).toEqual([]);
    expect(await idsOf('otto', '?status=received&limit=100')).toHaveLength(24);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['limit=1e1', 'limit'],
    ['status=deleting', 'status'],
    ['status=', 'status'],
  ])('refuses %s', async (query, field) => {
    const response = await send('lisa', 'GET', `/images?${query}`);
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'invalid-request', field }),
    ]);
  });

  test('refuses the cursor of another caller, and one that was changed', async () => {
    for (let count = 0; count < 2; count += 1) await uploaded('paul');
    const { next = '' } = await list('paul', '?limit=1');
    for (const [person, cursor] of [
      ['ann', next],
      ['paul', `${next}A`],
      ['paul', ''],
    ]) {
      const response = await send(person ?? '', 'GET', `/images?cursor=${cursor}`);
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({ code: 'invalid-cursor', field: 'cursor' }),
      ]);
    }
  });
});

describe('where everyone is anonymous', () => {
  test('there is neither a list nor a deletion', async () => {
    const open = appOfPeople(server, log, { auth: 'none' });
    const id = await uploaded('ann');
    expect((await open.request('/images')).status).toBe(404);
    const refused = await open.request(`/images/${id}`, { method: 'DELETE' });
    expect([refused.status, refused.headers.get('Allow')]).toEqual([405, 'GET']);
    const { paths } = JSON.parse(await (await open.request('/openapi.json')).text());
    expect(Object.keys(paths)).not.toContain('/images');
    expect(Object.keys(paths['/images/{id}'])).toEqual(['get']);
  });

  test('otherwise a wrong method is told both', async () => {
    const refused = await send('ann', 'PUT', `/images/${'a'.repeat(64)}`, { body: 'x' });
    expect([refused.status, refused.headers.get('Allow')]).toEqual([405, 'GET, DELETE']);
  });
});

test('a browser does not show the redirect of one caller to the next one', async () => {
  const id = await uploaded('ann');
  const link = await send('ann', 'GET', `/thumbnails/${id}`);
  expect([link.status, link.headers.get('Vary')]).toEqual([302, 'Authorization']);
});

test('a public link shows an image to everyone, whoever owns it', async () => {
  const open = appOfPeople(server, log, { links: 'public' });
  const id = await uploaded('ann');
  expect((await open.request(`/thumbnails/${id}`)).status).toBe(302);
});

test('refuses to start without a table of owners where callers are known', () => {
  expect(() => appOfPeople(server, log, { ownersTable: undefined })).toThrow('OWNERS_TABLE');
});

test('the log has no owner, and no name of one', async () => {
  await uploaded('quentin');
  await send('quentin', 'GET', '/images');
  expect(log.info).toHaveBeenCalled();
  expect(JSON.stringify([log.info.mock.calls, log.warn.mock.calls, log.error.mock.calls])).not.toContain(
    'quentin',
  );
});

test('an announcement during an upload and a deletion of the same owner is asked to come again', async () => {
  const id = imageIdOf(await picture());
  const ownerships = createOwnerships(server.ownersTableName, server.client);
  const original = DynamoDBClient.prototype.send;
  let isDone = false;
  const sent = jest.spyOn(DynamoDBClient.prototype, 'send').mockImplementation(async function (
    this: DynamoDBClient,
    command: unknown,
  ) {
    const isAnnouncing = command instanceof UpdateItemCommand && !isDone && isAboutOwners(command);
    if (!isAnnouncing) return Reflect.apply(original, this, [command]);
    isDone = true;
    const claimed = await ownerships.claim(id, ownerOfSubject(issuer, 'ann'));
    try {
      return await Reflect.apply(original, this, [command]);
    } finally {
      await ownerships.release(claimed);
    }
  });
  const isAboutOwners = ({ input }: UpdateItemCommand): boolean => input.TableName === server.ownersTableName;
  const response = await announce('ann', id);
  sent.mockRestore();
  expect(isDone).toBe(true);
  expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '5']);
  expect(await response.json()).toMatchObject({ code: 'deletion-in-progress' });
  expect((await announce('ann', id)).status).toBe(201);
});
