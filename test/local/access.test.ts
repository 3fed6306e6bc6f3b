import { createHash } from 'node:crypto';
import { quarteredPicture } from '../images.ts';
import { replySchema, type ShownReply } from '../reply.ts';
import { leaksOf } from '../trials/stack.ts';
import { hostileRequests, rawRequest, sendRaw } from './access-requests.ts';
import { freePort, type LocalRun, startLocal } from './local-run.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { post, uploadAndWait } from './uploads.ts';

jest.setTimeout(60_000);

let local: LocalRun;
/** A stored image that no request of these tests may reach. */
let image: ShownReply;
/** Another stored image. */
let other: ShownReply;

const picture = async (width: number) => Buffer.from(await quarteredPicture(width, 40).png().toBuffer());

beforeAll(async () => {
  local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  image = await uploadAndWait(local.uploadUrl, await picture(60));
  other = await uploadAndWait(local.uploadUrl, await picture(61));
});

afterAll(cleanUp);

/** The status of S3's reply to each request, by name. */
const statusesOf = async (requests: Readonly<Record<string, Promise<Response>>>) =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(requests).map(async ([name, request]) => {
        const response = await request;
        await response.body?.cancel();
        return [name, response.status] as const;
      }),
    ),
  );

const allRefused = (statuses: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.keys(statuses).map((name) => [name, 403]));

const withPath = (url: string, pathname: string): URL => Object.assign(new URL(url), { pathname });

describe('a presigned URL of a thumbnail', () => {
  test('only reads this thumbnail', async () => {
    const { pathname, search } = new URL(image.url);
    expect((await fetch(image.url)).status).toBe(200);
    const statuses = await statusesOf({
      ...Object.fromEntries(
        ['PUT', 'POST', 'DELETE', 'PATCH', 'HEAD'].map((method) => [
          method,
          fetch(image.url, { method, body: method === 'HEAD' || method === 'DELETE' ? null : 'x' }),
        ]),
      ),
      'another thumbnail': fetch(withPath(image.url, new URL(other.url).pathname)),
      'its original': fetch(withPath(image.url, `/raw-images/raw/${image.id}`)),
      'the list of the bucket': fetch(withPath(image.url, '/thumbnail-images')),
      'the list of all buckets': fetch(withPath(image.url, '/')),
      ...Object.fromEntries(
        ['acl', 'tagging', 'versionId=1', 'list-type=2', 'response-content-type=text/html'].map((more) => [
          `with ${more}`,
          fetch(`${image.url}&${more}`),
        ]),
      ),
    });
    expect(statuses).toEqual(allRefused(statuses));
    // Every HTTP client would normalize such a path.
    for (const detour of [
      `/raw-images/..${pathname}`,
      `/raw-images/%2e%2e${pathname}`,
      `/raw-images/..%2f${pathname.slice(1)}`,
      pathname.replace('/thumbnails/', '//thumbnails/'),
      `${pathname}%00`,
      pathname.replace(image.id, `${image.id}/../${other.id}`),
    ]) {
      const { status } = await sendRaw(local.ports.s3, rawRequest(local.ports.s3, detour + search));
      expect({ detour, refused: status === 403 || status === 400 }).toEqual({ detour, refused: true });
    }
    expect((await fetch(image.url)).status).toBe(200);
  });
});

describe('a presigned upload', () => {
  const announce = async (bytes: Buffer) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const body = JSON.stringify({ sha256, bytes: bytes.byteLength });
    const { upload } = replySchema.parse(
      await (await post(`http://127.0.0.1:${local.port}/dev/uploads`, body)).json(),
    );
    if (upload === undefined) throw new Error('There is no upload.');
    return upload;
  };

  test('only writes this original', async () => {
    // GIVEN
    const bytes = await picture(62);
    const { url, headers } = await announce(bytes);
    const put = (target: URL) => fetch(target, { method: 'PUT', body: bytes, headers });
    // WHEN
    const statuses = await statusesOf({
      GET: fetch(url, { headers }),
      HEAD: fetch(url, { method: 'HEAD', headers }),
      DELETE: fetch(url, { method: 'DELETE', headers }),
      POST: fetch(url, { method: 'POST', body: bytes, headers }),
      'another original': put(withPath(url, `/raw-images/raw/${image.id}`)),
      'a key of any name': put(withPath(url, '/raw-images/anything')),
      'a thumbnail': put(withPath(url, new URL(image.url).pathname)),
      'the bucket': put(withPath(url, '/raw-images')),
      'with acl': put(new URL(`${url}&acl`)),
    });
    // THEN
    expect(statuses).toEqual(allRefused(statuses));
    expect((await put(new URL(url))).status).toBe(200);
  });

  test('refuses unsigned S3 headers, such as one that copies another image', async () => {
    const bytes = await picture(63);
    const { url, headers } = await announce(bytes);
    const put = (more: Readonly<Record<string, string>>) =>
      fetch(url, { method: 'PUT', body: bytes, headers: { ...headers, ...more } });
    const statuses = await statusesOf({
      'x-amz-copy-source': put({ 'x-amz-copy-source': `/raw-images/raw/${image.id}` }),
      'x-amz-acl': put({ 'x-amz-acl': 'public-read' }),
      'x-amz-meta': put({ 'x-amz-meta-a': 'b' }),
    });
    expect(statuses).toEqual(allRefused(statuses));
  });
});

test('refuses to list, read, write or delete without a signature', async () => {
  const { origin, pathname } = new URL(image.url);
  const objects = [`/raw-images/raw/${image.id}`, pathname];
  const buckets = ['/raw-images', '/thumbnail-images'];
  const requests = [
    ...objects.flatMap((path) => [
      ['GET', path],
      ['HEAD', path],
      ['PUT', path],
      ['DELETE', path],
      ['GET', `${path}?acl`],
      ['POST', `${path}?uploads`],
    ]),
    ...buckets.flatMap((path) => [
      ['GET', path],
      ['GET', `${path}?list-type=2&prefix=raw/`],
      ['GET', `${path}?policy`],
      ['PUT', `${path}/raw/anything`],
      ['PUT', path],
      ['DELETE', path],
      ['POST', `${path}?delete`],
      ['POST', path],
    ]),
    ['GET', '/'],
  ];
  const statuses = await statusesOf(
    Object.fromEntries(
      requests.map(([method = '', path]) => [
        `${method} ${path}`,
        fetch(`${origin}${path}`, { method, body: method.startsWith('P') ? 'x' : null }),
      ]),
    ),
  );
  expect(Object.keys(statuses)).toHaveLength(29);
  expect(statuses).toEqual(allRefused(statuses));
  expect((await fetch(image.url)).status).toBe(200);
});

describe('the API', () => {
  test('refuses malicious requests immediately, and discloses nothing', async () => {
    const wrong: object[] = [];
    for (const { what, request, status } of hostileRequests(local.port, image.id)) {
      const reply = await sendRaw(local.port, request);
      const discloses = leaksOf(reply.text) || /^set-cookie|^location|<script>/im.test(reply.text);
      if (reply.status !== status || discloses)
        wrong.push({ what, expected: status, ...reply, text: reply.text.slice(0, 500) });
    }
    expect(wrong).toEqual([]);
  });

  test('serves others during slow, silent and broken connections', async () => {
    // GIVEN connections with requests that never end
    const own = `127.0.0.1:${local.port}`;
    const unfinished = [
      `POST /dev/upload_image HTTP/1.1\r\nHost: ${own}\r\nContent-Length: 1000\r\n\r\nabc`,
      `POST /dev/upload_image HTTP/1.1\r\nHost: ${own}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab`,
      `GET /dev/images/none HTTP/1.1\r\nHost: ${own}\r\nX-Half: `,
      '',
    ];
    const hanging = unfinished.map((request) => sendRaw(local.port, request, 500).catch(() => 'ended by us'));
    // WHEN
    const reply = await uploadAndWait(local.uploadUrl, await picture(64));
    // THEN
    expect(reply.status).toBe('ready');
    expect(await Promise.all(hanging)).toEqual(unfinished.map(() => 'ended by us'));
  });

  test('builds links from the Host header only', async () => {
    const { text, status } = await sendRaw(
      local.port,
      rawRequest(local.port, `/dev/images/${image.id}`, {
        hostHeaders: [`Host: localhost:${local.port}`],
        headers: ['X-Forwarded-Host: example.net', 'Forwarded: host=example.net'],
      }),
    );
    expect(status).toBe(200);
    const [head = '', body = ''] = text.split('\r\n\r\n');
    // A shared cache must not store it.
    expect(head).toMatch(/^cache-control: no-store$/im);
    const reply = replySchema.parse(JSON.parse(body));
    expect(reply.link).toBe(`http://localhost:${local.port}/dev/thumbnails/${image.id}`);
    expect(new URL(reply.url ?? '').host).toBe(new URL(image.url).host);
  });

  test('replies to HEAD without a body', async () => {
    const { status, text } = await sendRaw(
      local.port,
      rawRequest(local.port, `/dev/images/${image.id}`, { method: 'HEAD' }),
    );
    expect(status).toBe(200);
    expect(text.split('\r\n\r\n')).toEqual([expect.stringMatching(/^HTTP/), '']);
  });
});

test('the same processes still work afterwards, and have logged no secret', async () => {
  await uploadAndWait(local.uploadUrl, await picture(65));
  expect(local.errors()).not.toContain(' died ');
  const lines = [local.out(), local.errors()].flatMap((text) => text.split('\n'));
  expect(lines.filter(leaksOf)).toEqual([]);
  expect(local.logs().filter(({ level }) => level === 'ERROR')).toEqual([]);
  expect(local.logs().length).toBeGreaterThan(30);
});
