import {
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  paginateScan,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import type { MailRequest } from '../../../lambdas/notify/mail-request.ts';
import { createMailRequests, type MailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { startCatalogServer } from '../../catalog-server.ts';

const ada = 'ada@example.com';
const grace = 'grace@example.org';
let server: Awaited<ReturnType<typeof startCatalogServer>>;
let mailRequests: MailRequests;
let number = 0;
let id = '';

beforeAll(async () => {
  server = await startCatalogServer();
  mailRequests = createMailRequests(server.mailRequestsTableName, server.client);
});
afterAll(() => server.stop());
beforeEach(() => {
  number += 1;
  id = imageIdOf(Buffer.from(`image ${number}`));
});
afterEach(() => jest.restoreAllMocks());

const added = async (recipient: string): Promise<MailRequest> => {
  await mailRequests.add(id, recipient);
  const request = (await mailRequests.of(id)).find((one) => one.recipient === recipient);
  if (request === undefined) throw new Error('not added');
  return request;
};

const letPass = (seconds: number) => {
  const later = Date.now() + seconds * 1000;
  jest.restoreAllMocks();
  jest.spyOn(Date, 'now').mockReturnValue(later);
};

test('returns the requests of one image only', async () => {
  await mailRequests.add(id, ada);
  await mailRequests.add(id, grace);
  await mailRequests.add(imageIdOf(Buffer.from('another image')), 'alan@example.com');
  const request = { imageId: id, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) };
  expect(await mailRequests.of(id)).toEqual([
    { ...request, recipient: ada },
    { ...request, recipient: grace },
  ]);
});

test('returns all requests, however many pages they fill', async () => {
  const recipients = [1, 2, 3, 4, 5].map((digit) => `person${digit}@example.com`);
  for (const recipient of recipients) {
    // A page has 1 MB at most.
    const item = {
      imageId: id,
      recipient,
      requestId: 'r',
      expiresAtSeconds: 9e9,
      filler: 'x'.repeat(350_000),
    };
    await server.client.send(
      new PutItemCommand({ TableName: server.mailRequestsTableName, Item: marshall(item) }),
    );
  }
  expect((await mailRequests.of(id)).map(({ recipient }) => recipient)).toEqual(recipients);
});

test('keeps the latest request of each recipient', async () => {
  const earlier = await added(ada);
  const later = await added(ada);
  expect(later.requestId).not.toBe(earlier.requestId);
  expect(await mailRequests.of(id)).toEqual([later]);
});

test('expires a request after fourteen days', async () => {
  const request = await added(ada);
  letPass(14 * 86_400 - 60);
  expect(await mailRequests.of(id)).toEqual([request]);
  letPass(120);
  expect(await mailRequests.of(id)).toEqual([]);
});

describe('a request made with a presigned upload', () => {
  const upload = (uploadId: string, seconds = 3600) => ({
    uploadId,
    expiresAt: new Date(Date.now() + seconds * 1000),
  });
  const waiting = async (uploadId?: string) =>
    (await mailRequests.of(id, uploadId)).map(({ recipient }) => recipient);

  test('counts only if that upload stored the image', async () => {
    await mailRequests.add(id, grace);
    await mailRequests.add(id, ada, upload('one'));
    await mailRequests.add(id, 'alan@example.com', upload('two'));
    expect(await waiting()).toEqual([grace]);
    expect(await waiting('one')).toEqual([grace, ada]);
    expect(await waiting('three')).toEqual([grace]);
    expect(await mailRequests.of(imageIdOf(Buffer.from('a third image')), 'one')).toEqual([]);
  });

  test('replaces no other request of the same recipient', async () => {
    const proven = await added(ada);
    await mailRequests.add(id, ada, upload('one'));
    await mailRequests.add(id, ada, upload('two'));
    expect(await mailRequests.of(id)).toEqual([proven]);
    expect(await mailRequests.of(id, 'one')).toEqual([
      proven,
      { imageId: id, recipient: ada, requestId: expect.any(String), uploadId: 'one' },
    ]);
  });

  test('is claimed and removed independently of others', async () => {
    const proven = await added(ada);
    await mailRequests.add(id, ada, upload('one'));
    const [, request] = await mailRequests.of(id, 'one');
    if (request === undefined) throw new Error('not added');
    await expect(mailRequests.claim(request)).resolves.toBe(true);
    await expect(mailRequests.claim(request)).resolves.toBe(false);
    await expect(mailRequests.claim(proven)).resolves.toBe(true);
    await mailRequests.remove(request);
    expect(await mailRequests.of(id, 'one')).toEqual([proven]);
  });

  test('expires a day after its URL', async () => {
    await mailRequests.add(id, ada, upload('one', 3600));
    letPass(3600 + 86_400 - 60);
    expect(await waiting('one')).toEqual([ada]);
    letPass(120);
    expect(await waiting('one')).toEqual([]);
  });
});

describe('an image, in a day', () => {
  const addPeople = (count: number, first = 1) =>
    Promise.allSettled(
      Array.from({ length: count }, (_, index) => mailRequests.add(id, `person${first + index}@example.com`)),
    );

  test('has at most twenty recipients, also with concurrent requests', async () => {
    const results = await addPeople(30);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).toHaveLength(10);
    for (const refusal of refused) {
      expect(refusal).toMatchObject({ code: 'too-many-recipients', field: 'X-Notify-Email' });
      expect(refusal.retryAfterSeconds).toBeGreaterThan(0);
      expect(refusal.retryAfterSeconds).toBeLessThanOrEqual(86_400);
      expect(refusal.message).toMatch(/from \d{4}-\d\d-\d\dT00:00:00\.000Z/);
    }
    expect(await mailRequests.of(id)).toHaveLength(20);
  });

  test('counts a recipient once, also after the mail was sent', async () => {
    await addPeople(19);
    for (let times = 0; times < 5; times += 1) await mailRequests.remove(await added(ada));
    await expect(mailRequests.add(id, ada)).resolves.toBeUndefined();
    await expect(mailRequests.add(id, grace)).rejects.toMatchObject({ code: 'too-many-recipients' });
  });

  test('does not count requests about other images or of other days', async () => {
    await addPeople(20);
    await expect(mailRequests.add(id, grace)).rejects.toMatchObject({ code: 'too-many-recipients' });
    await mailRequests.add(imageIdOf(Buffer.from('a picture of something else')), grace);
    letPass(86_400);
    await mailRequests.add(id, grace);
    expect(await mailRequests.of(id)).toHaveLength(21);
  });

  test('has a count that contains no address and expires with its day', async () => {
    await mailRequests.add(id, ada);
    const { Items = [] } = await server.client.send(
      new QueryCommand({
        TableName: server.mailRequestsTableName,
        KeyConditionExpression: 'imageId = :key',
        ExpressionAttributeValues: marshall({ ':key': `recipients#${id}` }),
      }),
    );
    expect(Items).toHaveLength(1);
    expect(JSON.stringify(Items)).not.toContain('ada');
    const day = Items[0]?.['recipient']?.S ?? '';
    expect(Number(Items[0]?.['expiresAtSeconds']?.N) * 1000).toBe(Date.parse(day) + 86_400_000);
  });
});

describe('a claim', () => {
  test('succeeds once of concurrent attempts', async () => {
    const request = await added(ada);
    const claims = await Promise.all(Array.from({ length: 10 }, () => mailRequests.claim(request)));
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  test('ends after a minute', async () => {
    const request = await added(ada);
    await mailRequests.claim(request);
    letPass(58);
    await expect(mailRequests.claim(request)).resolves.toBe(false);
    letPass(3);
    await expect(mailRequests.claim(request)).resolves.toBe(true);
    await expect(mailRequests.claim(request)).resolves.toBe(false);
  });

  test('of one recipient does not affect another', async () => {
    const [first, second] = [await added(ada), await added(grace)];
    await expect(mailRequests.claim(first)).resolves.toBe(true);
    await expect(mailRequests.claim(second)).resolves.toBe(true);
  });

  test('of a replaced request fails, and the later request stays free', async () => {
    const earlier = await added(ada);
    await mailRequests.claim(earlier);
    const later = await added(ada);
    letPass(180);
    await expect(mailRequests.claim(earlier)).resolves.toBe(false);
    await expect(mailRequests.claim(later)).resolves.toBe(true);
  });

  test('of a removed request fails, and does not restore it', async () => {
    const request = await added(ada);
    await mailRequests.remove(request);
    await expect(mailRequests.claim(request)).resolves.toBe(false);
    expect(await mailRequests.of(id)).toEqual([]);
  });
});

describe('a removal', () => {
  test('affects only the request of that recipient', async () => {
    const request = await added(ada);
    const other = await added(grace);
    await mailRequests.remove(request);
    expect(await mailRequests.of(id)).toEqual([other]);
  });

  test('leaves a later request of the same recipient', async () => {
    const earlier = await added(ada);
    const later = await added(ada);
    await mailRequests.remove(earlier);
    expect(await mailRequests.of(id)).toEqual([later]);
  });

  test('may be repeated', async () => {
    const request = await added(ada);
    await mailRequests.remove(request);
    await expect(mailRequests.remove(request)).resolves.toBeUndefined();
  });
});

describe('a deleted image', () => {
  const leftOf = async () => {
    const pages = paginateScan({ client: server.client }, { TableName: server.mailRequestsTableName });
    const items = [];
    for await (const { Items = [] } of pages) items.push(...Items);
    return items.filter((item) => JSON.stringify(item).includes(id));
  };
  const soon = () => new Date(Date.now() + 60_000);
  const removeAll = async (signal = new AbortController().signal): Promise<void> => {
    await mailRequests.removeProven(id, signal);
    await mailRequests.removeUnproven(id, signal);
  };

  test('leaves no request, proven or not, and no digest of a recipient', async () => {
    await mailRequests.add(id, ada);
    await mailRequests.add(id, grace);
    for (let upload = 1; upload <= 40; upload += 1) {
      await mailRequests.add(id, ada, { uploadId: `upload ${upload}`, expiresAt: soon() });
    }
    const other = imageIdOf(Buffer.from('kept'));
    await mailRequests.add(other, ada);
    expect(await leftOf()).toHaveLength(2 + 1 + 2 * 40);
    await removeAll();
    expect(await leftOf()).toEqual([]);
    expect(await mailRequests.of(other)).toHaveLength(1);
    await removeAll();
  });

  test('is forgotten further on after an interruption', async () => {
    await mailRequests.add(id, ada, { uploadId: 'upload 1', expiresAt: soon() });
    const send = jest.spyOn(server.client, 'send');
    send.mockImplementation(async (command: unknown) => {
      if (command instanceof DeleteItemCommand) throw new Error('interrupted');
      return Reflect.apply(DynamoDBClient.prototype.send, server.client, [command]);
    });
    await expect(removeAll()).rejects.toThrow('interrupted');
    send.mockRestore();
    await removeAll();
    expect(await leftOf()).toEqual([]);
  });

  test('keeps what its worker has no time for', async () => {
    await mailRequests.add(id, ada);
    await expect(removeAll(AbortSignal.abort())).rejects.toThrow(/abort/i);
    expect(await mailRequests.of(id)).toHaveLength(1);
  });
});
