import * as z from 'zod';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { recordSchema } from '../../../lambdas/image/record.ts';
import { variantSchema } from '../../../lambdas/image/variant.ts';
import { createIngestApp } from '../../../lambdas/ingest/app.ts';
import type { Ingest } from '../../../lambdas/ingest/ingest.ts';
import type { ErrorCode } from '../../../lambdas/ingest/problem.ts';
import type { Replies } from '../../../lambdas/ingest/reply.ts';
import { RequestError } from '../../../lambdas/runtime/request-error.ts';
import type { UploadExtension, UploadWish } from '../../../lambdas/runtime/upload-extension.ts';

/** An app with extensions of the test's own, in front of a core that accepts everything. */

const id = imageIdOf(Buffer.from('an image'));
const record = recordSchema.parse({
  id,
  status: 'received',
  createdAt: '2026-11-28T12:00:00.000Z',
  changedAt: '2026-11-28T12:00:00.000Z',
  original: { bytes: 8 },
});
const ingest = {
  upload: jest.fn<Promise<typeof record>, [Uint8Array, readonly UploadWish[]]>(async () => record),
  announce: jest.fn<Promise<{ record: typeof record }>, [string, number, readonly UploadWish[]]>(
    async () => ({
      record,
    }),
  ),
  find: async () => record,
  findUndeleted: async () => record,
  settled: async () => ({ record, waited: true }),
  publishServed: async () => {},
} satisfies Ingest;
const replies: Replies = {
  imageReply: async () => ({ id, status: 'received', link: 'https://x/', thumbnails: {}, original: {} }),
  thumbnailUrl: async () => ({
    url: 'https://x/',
    expiresAt: new Date(),
    variant: variantSchema.parse({ name: 'thumbnail' }),
  }),
};
const bodies = jest.fn();

const wishOf = (): UploadWish => ({ record: async () => {}, missingBytes: () => new Error('no bytes') });

/** Reads its wish from the header of its name. */
const extensionFor = (name: string, wish: UploadWish): UploadExtension<ErrorCode> => ({
  read: ({ headers }) => {
    const value = headers.get(name);
    if (value === 'wrong') throw new RequestError('invalid-request', `Not a valid ${name}.`, { field: name });
    return value === null ? undefined : wish;
  },
  describe: () => ({
    parameters: [{ name, in: 'header', description: name, schema: z.string(), example: 'x' }],
    uploadErrors: ['invalid-request'],
    announceErrors: ['unauthorized'],
  }),
});

const [first, second] = [wishOf(), wishOf()];
const app = createIngestApp({
  ingest,
  replies,
  extensions: [extensionFor('X-First', first), extensionFor('X-Second', second)],
  withBody: async (request, _, use) => {
    bodies();
    return use(new Uint8Array(await request.arrayBuffer()));
  },
  maxInlineBytes: 1000,
  maxUploadBytes: 1000,
  maxUploadsAtOnce: 1,
  stage: 'dev',
  auth: 'none',
  links: 'public',
  corsOrigins: [],
  uploadPage: null,
  bucketOrigins: async () => [],
  isBusy: () => false,
  log: { info: () => {}, warn: () => {}, error: () => {} },
});

const upload = (headers: Record<string, string>) =>
  app.request('/upload_image', { method: 'POST', body: 'an image', headers });
const announce = (headers: Record<string, string>) =>
  app.request('/uploads', { method: 'POST', body: JSON.stringify({ sha256: id, bytes: 8 }), headers });

beforeEach(() => jest.clearAllMocks());

test.each([
  ['no wish', {}, []],
  ['the wish of one extension', { 'X-Second': 'yes' }, [second]],
  ['the wishes of all extensions', { 'X-First': 'yes', 'X-Second': 'yes' }, [first, second]],
])('an upload passes on %s', async (_, headers: Record<string, string>, wishes) => {
  expect((await upload(headers)).status).toBe(202);
  expect(ingest.upload.mock.calls[0]?.[1]).toEqual(wishes);
  expect((await announce(headers)).status).toBe(200);
  expect(ingest.announce.mock.calls[0]?.[2]).toEqual(wishes);
});

test('an extension refuses a request before its body is read', async () => {
  for (const response of [await upload({ 'X-First': 'wrong' }), await announce({ 'X-Second': 'wrong' })]) {
    expect(response.status).toBe(400);
    expect(JSON.parse(await response.text())).toMatchObject({ field: expect.stringMatching(/^X-/) });
  }
  expect(bodies).not.toHaveBeenCalled();
});

test('the description contains the parameters and errors of all extensions', async () => {
  const { paths } = JSON.parse(await (await app.request('/openapi.json')).text());
  for (const path of ['/upload_image', '/uploads']) {
    const names = paths[path].post.parameters.map(({ name }: { name: string }) => name);
    expect(names.slice(-2)).toEqual(['X-First', 'X-Second']);
  }
  expect(paths['/upload_image'].post.responses).not.toHaveProperty('401');
  expect(paths['/uploads'].post.responses).toHaveProperty('401');
});
