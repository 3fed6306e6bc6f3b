import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { recordSchema } from '../../../lambdas/image/record.ts';
import { createOwnerships, type Ownerships, type Position } from '../../../lambdas/owners/ownerships.ts';
import { startCatalogServer } from '../../catalog-server.ts';

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let ownerships: Ownerships;

beforeAll(async () => {
  server = await startCatalogServer();
  ownerships = createOwnerships(server.ownersTableName, server.client);
});
afterAll(() => server.stop());

let images = 0;
const newId = (): string => {
  images += 1;
  return images.toString(16).padStart(64, '0');
};
const release = async (id: string, owner: string): Promise<boolean> => {
  const seen = await ownerships.find(id, owner);
  return seen !== undefined && ownerships.release(seen);
};
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000);
const recordOf = (id: string, createdAt = new Date()) =>
  recordSchema.parse({
    id,
    status: 'received',
    createdAt: createdAt.toISOString(),
    changedAt: createdAt.toISOString(),
    original: { bytes: 1 },
  });
const claimEarlier = (imageId: string, owner: string, seconds: number) =>
  server.client.send(
    new UpdateItemCommand({
      TableName: server.ownersTableName,
      Key: marshall({ imageId, owner }),
      UpdateExpression: 'SET claimedAt = :time, createdAt = :time',
      ExpressionAttributeValues: marshall({ ':time': inSeconds(-seconds).toISOString() }),
    }),
  );

describe('a claim', () => {
  test('makes a caller an owner, beside others', async () => {
    const id = newId();
    await ownerships.claim(id, 'alice');
    await ownerships.claim(id, 'bob');
    expect(await ownerships.find(id, 'alice')).toMatchObject({ imageId: id, owner: 'alice' });
    expect(await ownerships.find(id, 'carol')).toBeUndefined();
    expect(await ownerships.isOwned(recordOf(id))).toBe(true);
    expect(await release(id, 'alice')).toBe(true);
    expect(await ownerships.find(id, 'alice')).toBeUndefined();
    expect(await ownerships.isOwned(recordOf(id))).toBe(true);
    expect(await release(id, 'bob')).toBe(true);
    expect(await ownerships.isOwned(recordOf(id))).toBe(false);
  });

  test('keeps the time of the first one when it is repeated', async () => {
    const id = newId();
    await ownerships.claim(id, 'alice');
    const first = await ownerships.find(id, 'alice');
    await ownerships.claim(id, 'alice');
    expect(await ownerships.find(id, 'alice')).toMatchObject({ createdAt: first?.createdAt });
  });

  test('of an upload that failed before it had a record does not keep a later image alive', async () => {
    const id = newId();
    await claimEarlier(id, 'alice', 3600);
    expect(await ownerships.isOwned(recordOf(id))).toBe(false);
    expect(await ownerships.isOwned(recordOf(id, inSeconds(-3590)))).toBe(true);
    await ownerships.claim(id, 'alice');
    expect(await ownerships.isOwned(recordOf(id))).toBe(true);
  });
});

describe('an upload under way', () => {
  test('does not bring back what its owner has deleted', async () => {
    const id = newId();
    await ownerships.claim(id, 'alice');
    expect(await release(id, 'alice')).toBe(true);
    expect(await ownerships.settle(id, 'alice')).toBe(false);
    expect(await ownerships.find(id, 'alice')).toBeUndefined();
  });

  test('leaves a claim that stays as it is', async () => {
    const id = newId();
    await ownerships.claim(id, 'alice');
    await ownerships.settle(id, 'alice');
    await ownerships.claim(id, 'alice');
    expect((await ownerships.find(id, 'alice'))?.expiresAtSeconds).toBeUndefined();
  });

  test('is not undone by a release of what was found before a step of it', async () => {
    const id = newId();
    await ownerships.announce(id, 'alice', inSeconds(60), undefined);
    const announced = await ownerships.find(id, 'alice');
    const claimed = await ownerships.claim(id, 'alice');
    await ownerships.settle(id, 'alice');
    if (announced === undefined) throw new Error('not announced');
    expect(await ownerships.release(announced)).toBe(false);
    expect(await ownerships.release(claimed)).toBe(false);
    expect(await ownerships.find(id, 'alice')).toBeDefined();
  });
});

describe('an announcement', () => {
  test('ends, and does not count as owning', async () => {
    const id = newId();
    expect(await ownerships.announce(id, 'alice', inSeconds(60), undefined)).toBe(true);
    expect((await ownerships.find(id, 'alice'))?.claimedAt).toBeUndefined();
    expect(await ownerships.isOwned(recordOf(id))).toBe(false);
    await ownerships.announce(id, 'alice', inSeconds(-1), undefined);
    expect(await ownerships.find(id, 'alice')).toBeUndefined();
    expect((await ownerships.ofOwner('alice', 100)).ownerships.map(({ imageId }) => imageId)).not.toContain(
      id,
    );
  });

  test('becomes a claim when the bytes arrive, and then does not end', async () => {
    const id = newId();
    await ownerships.announce(id, 'alice', inSeconds(1), undefined);
    expect(await ownerships.confirm(id, 'alice')).toBe(true);
    expect(await ownerships.isOwned(recordOf(id))).toBe(true);
    expect(await ownerships.settle(id, 'alice')).toBe(true);
    const found = await ownerships.find(id, 'alice');
    expect(found).toMatchObject({ claimedAt: expect.any(String) });
    expect(found?.expiresAtSeconds).toBeUndefined();
  });

  test('is gone when its owner has deleted the image, and bytes that arrive then make no claim', async () => {
    const id = newId();
    await ownerships.announce(id, 'alice', inSeconds(60), undefined);
    expect(await release(id, 'alice')).toBe(true);
    expect(await ownerships.confirm(id, 'alice')).toBe(false);
    expect(await ownerships.find(id, 'alice')).toBeUndefined();
  });

  test('does not replace a claim that was made meanwhile, but one that was seen to be left over', async () => {
    const id = newId();
    await ownerships.claim(id, 'alice');
    expect(await ownerships.announce(id, 'alice', inSeconds(60), undefined)).toBe(false);
    const seen = await ownerships.find(id, 'alice');
    expect(seen?.claimedAt).toEqual(expect.any(String));
    expect(await ownerships.announce(id, 'alice', inSeconds(60), seen)).toBe(true);
    expect((await ownerships.find(id, 'alice'))?.claimedAt).toBeUndefined();
  });
});

describe('a deletion', () => {
  test('removes settled claims, and neither those of uploads under way nor announcements', async () => {
    const id = newId();
    for (let owner = 0; owner < 120; owner += 1) await claimEarlier(id, `owner-${owner}`, 10);
    await ownerships.claim(id, 'late');
    await ownerships.announce(id, 'announcer', inSeconds(60), undefined);
    await ownerships.forget(id, new AbortController().signal);
    for (let owner = 0; owner < 120; owner += 1) {
      expect(await ownerships.find(id, `owner-${owner}`)).toBeUndefined();
    }
    // It ends by itself, unless its upload succeeds.
    expect(await ownerships.find(id, 'late')).toMatchObject({ expiresAtSeconds: expect.any(Number) });
    expect(await ownerships.settle(id, 'late')).toBe(true);
    expect((await ownerships.find(id, 'late'))?.expiresAtSeconds).toBeUndefined();
    expect(await ownerships.find(id, 'announcer')).toBeDefined();
  });
});

describe('the list of an owner', () => {
  test('has every image once, the newest first, while others are uploaded', async () => {
    const before: string[] = [];
    for (let count = 0; count < 25; count += 1) {
      const id = newId();
      await claimEarlier(id, 'dora', 1000 - count);
      before.unshift(id);
    }
    await ownerships.claim(newId(), 'somebody else');
    const listed: string[] = [];
    let after: Position | undefined;
    for (let pages = 0; pages < 20; pages += 1) {
      const page = await ownerships.ofOwner('dora', 4, after);
      listed.push(...page.ownerships.map(({ imageId }) => imageId));
      await ownerships.claim(newId(), 'dora');
      // Uploading an image again moves nothing.
      await ownerships.claim(before[20] ?? '', 'dora');
      after = page.next;
      if (after === undefined) break;
    }
    expect(listed).toEqual(before);
  });
});
