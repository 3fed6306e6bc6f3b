import { Readable } from 'node:stream';
import { type Catalog, createCatalog } from '../../../lambdas/aws/catalog.ts';
import type { Deletion } from '../../../lambdas/image/deletion.ts';
import type { ImageEvent } from '../../../lambdas/image/event.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { fingerprintOf, type ImageRecord } from '../../../lambdas/image/record.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { DecodeStopped, type StopReason } from '../../../lambdas/resize/decoder/errors.ts';
import { createDecoder, type Decoder } from '../../../lambdas/resize/decoder/pool.ts';
import type { Lane } from '../../../lambdas/resize/lanes.ts';
import { createResize } from '../../../lambdas/resize/resize.ts';
import { readSettings } from '../../../lib/settings.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { quarteredPicture } from '../../images.ts';

const limits = readSettings({});
const variants = variantsSchema.parse([{ name: 'thumbnail' }]);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const decoder = createDecoder(limits, log, { lane: 'fast' });
const record = jest.fn();
beforeEach(() => record.mockClear());

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = createCatalog(server.tableName, server.client);
});

afterAll(() => server.stop());

/** A decoder whose first decodes stop for these reasons, one after the other. */
const stoppingDecoder = (reasons: readonly StopReason[]): Decoder => {
  const left = [...reasons];
  return {
    decode: async (body, variants) => {
      const rendering = await decoder.decode(body, variants);
      const reason = left.shift();
      if (reason === undefined) return rendering;
      throw new DecodeStopped(reason, 'stopped by the test');
    },
  };
};

let width = 60;

/** An image that no other test uses, in one of the lanes. */
const imageIn = async (lane: Lane, reasons: readonly StopReason[], announcedBytes?: number) => {
  width += 1;
  const bytes = await quarteredPicture(width, 40).png().toBuffer();
  const id = imageIdOf(bytes);
  const stored: string[] = [];
  const moved: (readonly [string, Date | undefined])[] = [];
  const published: ImageEvent[] = [];
  const swept: string[] = [];
  const resize = createResize({
    originals: {
      put: () => Promise.reject(new Error('not used')),
      head: async () => ({ bytes: bytes.byteLength, uploadId: undefined }),
      open: async () => ({
        bytes: announcedBytes ?? bytes.byteLength,
        uploadId: undefined,
        body: Readable.from([bytes]),
      }),
    },
    thumbnails: {
      put: async (key) => {
        stored.push(key);
      },
      get: () => Promise.reject(new Error('not used')),
      exists: () => Promise.reject(new Error('not used')),
    },
    catalog,
    deletionRequests: {
      send: async (imageId) => {
        swept.push(imageId);
      },
    },
    events: {
      publish: async (event) => {
        published.push(event);
      },
    },
    metrics: { record },
    decoder: stoppingDecoder(reasons),
    variants,
    limits,
    slowLane:
      lane === 'slow'
        ? undefined
        : {
            move: async (...message) => {
              moved.push(message);
            },
          },
  });
  return { id, bytes, resize, stored, moved, published, swept };
};

describe('in the fast lane', () => {
  test.each([
    ['exceeds its allowance', 'cpu'],
    ['promises much work', 'estimate'],
    ['crashes its decoder', 'crash'],
    ['gets no CPU time', 'stall'],
  ] as const)('an image that %s moves to the slow lane and does not fail', async (_, reason) => {
    const { id, resize, stored, moved } = await imageIn('fast', [reason]);
    const storedAt = new Date(Date.now() - 60_000);
    await expect(resize({ id, storedAt })).resolves.toMatchObject({ result: 'moved' });
    expect(moved).toEqual([[id, storedAt]]);
    expect(stored).toHaveLength(0);
    expect(record.mock.calls).toEqual([[{ MovedToSlowLane: 1 }]]);
    expect(await catalog.find(id)).toMatchObject({ status: 'received', lane: 'slow' });
  });

  test('an announced image that moves is published with its true size, not with what was announced', async () => {
    const { id, bytes, resize, published } = await imageIn('fast', ['cpu']);
    const inAnHour = new Date(Date.now() + 3_600_000);
    await catalog.announce(id, inAnHour, inAnHour);
    await resize({ id });
    expect(published).toMatchObject([
      { type: 'image.received', original: { contentType: 'image/png', bytes: bytes.byteLength } },
    ]);
    expect(await catalog.find(id)).toMatchObject({ original: { bytes: bytes.byteLength } });
  });

  test('an image of many bytes moves before it is fetched', async () => {
    const { id, resize, moved } = await imageIn('fast', [], 20_000_001);
    await expect(resize({ id })).resolves.toMatchObject({ result: 'moved' });
    expect(moved).toHaveLength(1);
  });

  test('an image that is settled meanwhile does not move', async () => {
    const { id, resize, moved } = await imageIn('fast', ['cpu']);
    // GIVEN an image that is settled after its record was read
    const state = jest.spyOn(catalog, 'state').mockResolvedValueOnce(undefined);
    await catalog.fail(
      id,
      undefined,
      fingerprintOf(variants),
      { bytes: 1 },
      { code: 'image-corrupt', detail: '' },
    );
    await expect(resize({ id })).resolves.toMatchObject({ result: 'nothing-to-do' });
    expect(moved).toHaveLength(0);
    state.mockRestore();
  });
});

describe('in the slow lane', () => {
  test('decodes once more when the decoder dies', async () => {
    const { id, resize, stored } = await imageIn('slow', ['crash']);
    const storedAt = new Date(Date.now() - 60_000);
    await resize({ id, storedAt });
    expect(record.mock.calls).toEqual([
      [{ Uploads: 0, Ready: 1, Failed: 0, UploadToReadyMilliseconds: expect.any(Number) }],
    ]);
    expect(record.mock.calls[0][0].UploadToReadyMilliseconds).toBeGreaterThanOrEqual(60_000);
    expect(stored).toHaveLength(1);
    expect(await catalog.find(id)).toMatchObject({ status: 'ready' });
  });

  test.each([
    ['processing-failed', ['crash', 'crash']],
    ['decode-timeout', ['crash', 'cpu']],
    ['decode-memory', ['cpu', 'memory']],
  ] as const)('records %s after the second attempt', async (code, reasons) => {
    const { id, bytes, resize, stored } = await imageIn('slow', reasons);
    await expect(resize({ id })).resolves.toMatchObject({ result: 'settled' });
    expect(record.mock.calls).toEqual([[{ Uploads: 0 }], [{ Failed: 1 }, code]]);
    expect(stored).toHaveLength(0);
    expect(await catalog.find(id)).toMatchObject({
      status: 'failed',
      error: { code },
      original: { contentType: 'image/png', bytes: bytes.byteLength },
    });
  });

  test('an image that gets no CPU time does not fail: its message is delivered again', async () => {
    const { id, resize } = await imageIn('slow', ['stall']);
    await expect(resize({ id })).rejects.toMatchObject({ reason: 'stall' });
    expect(await catalog.find(id)).toBeUndefined();
  });

  test('the record of an image that is ready no longer names the slow lane', async () => {
    const { id, resize } = await imageIn('slow', []);
    await catalog.noteSlowLane(id, undefined, fingerprintOf(variants), { bytes: 1 });
    await resize({ id });
    expect(await catalog.find(id)).toMatchObject({ status: 'ready' });
    expect(await catalog.find(id)).not.toHaveProperty('lane');
  });
});

describe('an image that is deleted', () => {
  const original = { bytes: 1 };
  const received = async (id: string) => {
    const record = await catalog.receive(id, original, new Date());
    if (record === undefined) throw new Error('not received');
    return record;
  };
  const deleteImage = async (record: ImageRecord) => {
    const deletion = await catalog.startDeletion(record);
    if (deletion === undefined) throw new Error('not started');
    return deletion;
  };
  const endDeletion = async (deletion: Deletion) => {
    const later = new Date(Date.now() + 60_000);
    await catalog.takeLease(deletion, 'worker', later);
    await catalog.finishDeletion(deletion, 'worker', later);
  };
  /** Does something else after the image's record was read, and before its result is recorded. */
  const meanwhile = (work: () => Promise<unknown>): void => {
    const read = catalog.state;
    jest.spyOn(catalog, 'state').mockImplementationOnce(async (id) => {
      const state = await read(id);
      await work();
      return state;
    });
  };
  afterEach(() => jest.restoreAllMocks());

  test('before its original arrives is left to the deletion worker', async () => {
    const { id, resize, stored, swept, published } = await imageIn('fast', []);
    const deletion = await deleteImage(await received(id));
    await expect(resize({ id })).resolves.toEqual({ result: 'deleted' });
    await endDeletion(deletion);
    await expect(resize({ id })).resolves.toEqual({ result: 'deleted' });
    expect(swept).toEqual([id, id]);
    expect(stored).toEqual([]);
    expect(published).toEqual([]);
  });

  test.each(['fast', 'slow'] as const)('while it is resized in the %s lane stays deleted', async (lane) => {
    const { id, resize, swept, published } = await imageIn(lane, lane === 'fast' ? ['cpu'] : []);
    const record = await received(id);
    meanwhile(async () => endDeletion(await deleteImage(record)));
    await expect(resize({ id })).resolves.toEqual({ result: 'deleted' });
    expect(swept).toEqual([id]);
    expect(await catalog.state(id)).toMatchObject({ status: 'deleted' });
    expect(published.map(({ type }) => type)).toEqual(['image.received']);
  });

  test('and uploaded again while it is resized is resized once more', async () => {
    const { id, resize, stored, swept } = await imageIn('fast', []);
    const record = await received(id);
    meanwhile(async () => {
      await endDeletion(await deleteImage(record));
      await received(id);
    });
    const open = await resize({ id });
    expect(open).toMatchObject({ result: 'settled', record: { status: 'ready' } });
    expect(stored).toHaveLength(2);
    expect(swept).toEqual([]);
    expect(await catalog.find(id)).toMatchObject({ status: 'ready' });
  });

  test('and uploaded again each time leaves its message in the queue', async () => {
    const { id, resize } = await imageIn('fast', []);
    let record = await received(id);
    const { finish } = catalog;
    jest.spyOn(catalog, 'finish').mockImplementation(async (...result) => {
      await endDeletion(await deleteImage(record));
      record = await received(id);
      return finish(...result);
    });
    await expect(resize({ id })).rejects.toThrow('Other uploads replaced the record each time.');
    expect(await catalog.find(id)).toMatchObject({ status: 'received' });
  });
});
