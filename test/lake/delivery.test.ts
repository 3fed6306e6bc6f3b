import { linkServedEvent } from '../../lambdas/image/new-event.ts';
import { placeEvent } from '../../lambdas/lake/row.ts';
import { createLakeDelivery } from '../../local/emulators/firehose.ts';

interface StoredObject {
  readonly key: string;
  readonly lines: readonly unknown[];
}

let objects: StoredObject[];
let failures: number;

const put = async (key: string, text: string): Promise<void> => {
  if (failures > 0) {
    failures -= 1;
    throw new Error('S3 does not answer');
  }
  expect(text.endsWith('\n')).toBe(true);
  objects.push({
    key,
    lines: text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  });
};

beforeEach(() => {
  objects = [];
  failures = 0;
});

const bodyAt = (time: string) => JSON.stringify({ ...linkServedEvent('a'.repeat(64), 'thumbnail'), time });
const today = bodyAt(new Date().toISOString());
const rowOf = (body: string) => {
  const placed = placeEvent(body, new Date());
  return 'row' in placed ? JSON.parse(JSON.stringify(placed.row)) : undefined;
};

test('writes one object for each partition as soon as a batch is full', async () => {
  // GIVEN
  const yesterday = bodyAt(new Date(Date.now() - 86_400_000).toISOString());
  const deliver = createLakeDelivery({ put, maxMessages: 3, waitMilliseconds: 1_000_000 });
  // WHEN
  await Promise.all([today, yesterday, today].map(deliver));
  // THEN
  expect(objects).toHaveLength(2);
  for (const [body, lines] of [
    [today, [rowOf(today), rowOf(today)]],
    [yesterday, [rowOf(yesterday)]],
  ] as const) {
    const prefix = `events/type=link.served/dt=${JSON.parse(body).time.slice(0, 10)}/`;
    const found = objects.filter(({ key }) => key.startsWith(prefix));
    expect(found).toMatchObject([{ lines }]);
    expect(found[0]?.key.slice(prefix.length)).toMatch(/^[0-9a-f-]{36}\.json$/);
  }
});

test('writes a batch that is not full after a short wait', async () => {
  await createLakeDelivery({ put, maxMessages: 100, waitMilliseconds: 20 })(today);
  expect(objects).toHaveLength(1);
});

test('stores an invalid message under the errors, unchanged and with the reason', async () => {
  await createLakeDelivery({ put, maxMessages: 1, waitMilliseconds: 1_000_000 })('hello');
  expect(objects).toEqual([
    {
      key: expect.stringMatching(/^errors\/processing-failed\/\d{4}-\d\d-\d\d\/[0-9a-f-]{36}\.json$/),
      lines: [
        {
          errorMessage: 'no event of this version: all of it (invalid_type)',
          rawData: Buffer.from('hello').toString('base64'),
        },
      ],
    },
  ]);
});

test('fails every message of a batch that could not be stored, and accepts the next batch', async () => {
  failures = 1;
  const deliver = createLakeDelivery({ put, maxMessages: 2, waitMilliseconds: 1_000_000 });
  const results = await Promise.allSettled([today, today].map(deliver));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await Promise.all([today, today].map(deliver));
  expect(objects).toHaveLength(1);
});
