import { Readable } from 'node:stream';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { createDecoder, type Decoder, DecoderDied } from '../../../lambdas/resize/decoder.ts';
import { createResize } from '../../../lambdas/resize/resize.ts';
import { type Catalog, createCatalog } from '../../../lambdas/store/catalog.ts';
import { imageLimitsOf, readSettings } from '../../../lib/settings.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { quarteredPicture } from '../../images.ts';

const limits = imageLimitsOf(readSettings({}));
const variants = variantsSchema.parse([{ name: 'thumbnail' }]);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const decoder = createDecoder(limits, log);
const record = jest.fn();
beforeEach(() => record.mockClear());

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = createCatalog(server.tableName, server.client);
});

afterAll(() => server.stop());

/** A decoder whose process dies of the first so many images. */
const dyingDecoder = (deaths: number): Decoder => {
  let left = deaths;
  return {
    load: async (image) => {
      const loaded = await decoder.load(image);
      if (left === 0) return loaded;
      left -= 1;
      return { ...loaded, render: () => Promise.reject(new DecoderDied('SIGSEGV')) };
    },
  };
};

const resizeWith = (bytes: Buffer, deaths: number) => {
  const stored: string[] = [];
  const resize = createResize({
    originals: {
      put: () => Promise.reject(new Error('Nothing is put.')),
      head: async () => ({ bytes: bytes.byteLength, uploadId: undefined }),
      open: async () => ({
        bytes: bytes.byteLength,
        uploadId: undefined,
        body: Readable.from([bytes]),
      }),
    },
    thumbnails: {
      put: async (key) => {
        stored.push(key);
      },
      get: () => Promise.reject(new Error('Nothing is fetched.')),
    },
    catalog,
    events: { publish: async () => undefined },
    metrics: { record },
    decoder: dyingDecoder(deaths),
    variants,
    maxBytes: limits.maxUploadBytes,
  });
  return { resize, stored };
};

test('tries once more when the decoder dies, and blames nobody', async () => {
  const bytes = await quarteredPicture(60, 40).png().toBuffer();
  const { resize, stored } = resizeWith(bytes, 1);
  const storedAt = new Date(Date.now() - 60_000);
  await resize(imageIdOf(bytes), storedAt);
  expect(record.mock.calls).toEqual([[{ Ready: 1, UploadToReadyMilliseconds: expect.any(Number) }]]);
  expect(record.mock.calls[0][0].UploadToReadyMilliseconds).toBeGreaterThanOrEqual(60_000);
  expect(stored).toHaveLength(1);
  expect(await catalog.find(imageIdOf(bytes))).toMatchObject({ status: 'ready' });
});

test('fails an image of which the decoder dies twice, for good', async () => {
  const bytes = await quarteredPicture(61, 40).png().toBuffer();
  const { resize, stored } = resizeWith(bytes, 2);
  await resize(imageIdOf(bytes));
  expect(record.mock.calls).toEqual([[{ Failed: 1 }, 'processing-failed']]);
  expect(stored).toHaveLength(0);
  expect(await catalog.find(imageIdOf(bytes))).toMatchObject({
    status: 'failed',
    error: { code: 'processing-failed', detail: expect.stringContaining('twice') },
    original: { contentType: 'image/png', bytes: bytes.byteLength },
  });
});
