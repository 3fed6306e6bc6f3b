import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FirehoseTransformationEvent, FirehoseTransformationResult } from 'aws-lambda';
import { type Cell, type LocalLake, openLocalLake } from '../../bin/commands/query/engine.ts';
import { imageUsage, totalOf as usageOf } from '../../bin/docs/image-usage.ts';
import type { ImageEvent } from '../../lambdas/image/event.ts';
import { acceptedTypes } from '../../lambdas/image/original-type.ts';
import { placeEvent } from '../../lambdas/lake/row.ts';
import { times, usdOf } from '../../lib/cost/prices.ts';
import { namedQueries } from '../../lib/lake/named-queries.ts';
import { type GeneratedMessages, generateMessages } from './generated-events.ts';
import { storeRows } from './stored-rows.ts';

const queries = namedQueries({ ingestMemoryMiB: 1024, resizeMemoryMiB: 1769 });
const messages: GeneratedMessages = generateMessages(8, 10_000, { copies: 0.05, garbage: 0.01 });
let folder: string;
let lake: LocalLake;
let refused = 0;

/** Passes events through the deployed function in batches, and stores the rows where Firehose would. */
beforeAll(async () => {
  Object.assign(process.env, {
    STACK_NAME: 'Lake',
    POWERTOOLS_METRICS_DISABLED: 'true',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  const {
    handler,
  }: { handler: (event: FirehoseTransformationEvent) => Promise<FirehoseTransformationResult> } =
    await import('../../lambdas/lake/index.ts');
  folder = await mkdtemp(join(tmpdir(), 'thumbnail-generator-lake-'));
  for (let batch = 0; batch * 1000 < messages.bodies.length; batch += 1) {
    const { records } = await handler({
      invocationId: 'invocation',
      deliveryStreamArn: 'arn',
      region: 'us-east-2',
      records: messages.bodies.slice(batch * 1000, (batch + 1) * 1000).map((body, index) => ({
        recordId: String(index),
        approximateArrivalTimestamp: 1,
        data: Buffer.from(body).toString('base64'),
      })),
    });
    refused += records.filter(({ result }) => result === 'ProcessingFailed').length;
    const accepted = records.filter(({ result }) => result === 'Ok');
    const partitions = Object.groupBy(accepted, ({ metadata }) => JSON.stringify(metadata?.partitionKeys));
    for (const [keys, rows = []] of Object.entries(partitions)) {
      const lines = rows.map(({ data = '' }) => Buffer.from(data, 'base64').toString());
      await storeRows(folder, JSON.parse(keys), lines);
    }
  }
  lake = await openLocalLake(folder);
});

afterAll(async () => {
  lake.close();
  await rm(folder, { recursive: true });
});

/** The rows of a query's answer as objects. */
const ask = async (sql: string): Promise<readonly Readonly<Record<string, Cell | undefined>>[]> => {
  const { columns, rows } = await lake.ask(sql, () => {});
  return rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])));
};

const askByName = (name: string) => ask(queries.find((query) => query.name === name)?.sql ?? `no ${name}`);

/** The events of the last 30 days, which the queries cover. */
const recent = messages.events.filter(({ time }) => Date.parse(time) > Date.now() - 31 * 86_400_000);

const ofType = <Type extends ImageEvent['type']>(type: Type) =>
  recent.filter((event): event is Extract<ImageEvent, { type: Type }> => event.type === type);

/** Groups sorted by their keys. */
const groupsOf = <Item>(items: readonly Item[], keyOf: (item: Item) => string): [string, Item[]][] =>
  Object.entries(Object.groupBy(items, keyOf))
    .map(([key, group = []]): [string, Item[]] => [key, group])
    .sort(([one], [other]) => (one < other ? -1 : 1));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const dayOf = ({ time }: ImageEvent): string => time.slice(0, 10);

/** The smallest value that is not below this part of all values. */
const percentile = (numbers: readonly number[], part: number): number | undefined =>
  numbers.toSorted((one, other) => one - other)[Math.ceil(part * numbers.length) - 1];

test('the generated events include copies, old events and invalid messages', () => {
  expect(messages.bodies).toHaveLength(10_000);
  expect(messages.events).toHaveLength(9400);
  expect(messages.garbage).toBe(100);
  expect(recent.length).toBeGreaterThan(7000);
  expect(recent.length).toBeLessThan(8000);
});

test('only invalid messages are refused', () => {
  expect(refused).toBe(messages.garbage);
});

test('the table has every event and every copy', async () => {
  expect(
    await ask('SELECT count(*) AS copies, count(DISTINCT event_id) AS events FROM image_events'),
  ).toEqual([{ copies: 9900, events: 9400 }]);
});

test('uploads-per-day', async () => {
  const expected = groupsOf([...ofType('image.received'), ...ofType('image.duplicate')], dayOf).map(
    ([day, uploads]) => {
      const fresh = uploads.filter(({ type }) => type === 'image.received');
      return {
        day,
        uploads: uploads.length,
        new_images: fresh.length,
        duplicates: uploads.length - fresh.length,
        new_bytes: sum(fresh.map(({ original }) => original.bytes)),
      };
    },
  );
  expect(expected.length).toBeGreaterThan(15);
  expect(await askByName('uploads-per-day')).toEqual(expected);
});

test('duplicates-saved', async () => {
  const expected = groupsOf([...ofType('image.received'), ...ofType('image.duplicate')], dayOf).map(
    ([day, uploads]) => {
      const duplicates = uploads.filter(({ type }) => type === 'image.duplicate');
      return {
        day,
        resizes_saved: duplicates.length,
        bytes_saved: sum(duplicates.map(({ original }) => original.bytes)),
        percent_of_uploads: expect.closeTo((100 * duplicates.length) / uploads.length, 1),
      };
    },
  );
  expect(expected.length).toBeGreaterThan(15);
  expect(await askByName('duplicates-saved')).toEqual(expected);
});

test('failures-by-code', async () => {
  const failures = ofType('image.failed');
  const expected = groupsOf(failures, ({ code }) => code)
    .map(([code, images]) => ({
      code,
      images: images.length,
      percent_of_failures: expect.closeTo((100 * images.length) / failures.length, 1),
    }))
    .toSorted((one, other) => other.images - one.images);
  expect(expected).toHaveLength(3);
  expect(await askByName('failures-by-code')).toEqual(expected);
});

test('upload-to-ready', async () => {
  const known = ofType('image.ready').flatMap(({ time, uploadToReadyMilliseconds }) =>
    uploadToReadyMilliseconds === undefined ? [] : [{ time, milliseconds: uploadToReadyMilliseconds }],
  );
  const expected = groupsOf(known, ({ time }) => time.slice(0, 13)).map(([hour, images]) => {
    const milliseconds = images.map((image) => image.milliseconds);
    return {
      hour: `${hour.replace('T', ' ')}:00:00.000`,
      images: images.length,
      p50_milliseconds: percentile(milliseconds, 0.5),
      p95_milliseconds: percentile(milliseconds, 0.95),
      p99_milliseconds: percentile(milliseconds, 0.99),
    };
  });
  expect(expected.length).toBeGreaterThan(300);
  expect(await askByName('upload-to-ready')).toEqual(expected);
});

test('bytes-by-type-and-variant', async () => {
  const thumbnails = ofType('image.ready').flatMap(({ original, thumbnails }) =>
    thumbnails.map((thumbnail) => ({ original, thumbnail })),
  );
  const expected = groupsOf(thumbnails, ({ original, thumbnail }) =>
    [original.contentType, thumbnail.variant, thumbnail.contentType].join(' '),
  ).map(([key, group]) => {
    const [original_type, variant, thumbnail_type] = key.split(' ');
    return {
      original_type,
      variant,
      thumbnail_type,
      images: group.length,
      original_bytes: sum(group.map(({ original }) => original.bytes)),
      thumbnail_bytes: sum(group.map(({ thumbnail }) => thumbnail.bytes)),
    };
  });
  expect(expected).toHaveLength(Object.keys(acceptedTypes).length * 3 * 2);
  expect(await askByName('bytes-by-type-and-variant')).toEqual(expected);
});

test('most-served-links', async () => {
  const expected = groupsOf(ofType('link.served'), ({ imageId, variant }) => `${imageId} ${variant}`)
    .map(([key, links]) => {
      const [image_id, variant] = key.split(' ');
      const last =
        links
          .map(({ time }) => time)
          .sort()
          .at(-1) ?? '';
      return {
        image_id,
        variant,
        served: links.length,
        last_served: last.replace('T', ' ').replace('Z', ''),
      };
    })
    .toSorted((one, other) => other.served - one.served)
    .slice(0, 20);
  expect(expected).toHaveLength(20);
  expect(await askByName('most-served-links')).toEqual(expected);
});

describe('cost', () => {
  /** A deletion and one sweep: each lists two buckets, and runs for 0.3 s with half a gigabyte. */
  const costOfDeletion = {
    api_usd: 0,
    lambda_usd: usdOf({ lambdaCalls: 2, lambdaGigabyteSeconds: 0.3 }),
    s3_usd: usdOf({ s3Puts: 4 }),
    dynamodb_usd: usdOf({ dynamodbWrites: 10, dynamodbReads: 2 }),
    sqs_sns_usd: usdOf({ sqsRequests: 7, snsEvents: 1 }),
    logs_usd: usdOf({ logBytes: 2400 }),
  };

  /** The cost of one event in dollars, according to docs/cost.md. */
  const costOf = (event: ImageEvent) => {
    if (event.type === 'image.deleted') return costOfDeletion;
    const isUpload = event.type === 'image.received' || event.type === 'image.duplicate';
    const hasEnded = event.type === 'image.ready' || event.type === 'image.failed';
    const requests = isUpload
      ? Math.max(1, Math.ceil(event.original.bytes / 524_288))
      : Number(event.type === 'link.served');
    const gigabyteSeconds =
      (isUpload ? 0.3 : 0) +
      (event.type === 'image.ready' ? (event.resizeMilliseconds / 1000) * (1769 / 1024) : 0);
    const puts =
      event.type === 'image.ready' ? event.thumbnails.length : Number(event.type === 'image.received');
    // A visit looks for the thumbnail before it leads there.
    const gets = event.type === 'link.served' ? 2 : Number(hasEnded);
    const writes = event.type === 'image.received' || hasEnded ? 3 : Number(event.type === 'image.duplicate');
    return {
      api_usd: usdOf({ apiRequests: requests }),
      lambda_usd: usdOf({ lambdaCalls: 1, lambdaGigabyteSeconds: gigabyteSeconds }),
      s3_usd: usdOf({ s3Puts: puts, s3Gets: gets }),
      dynamodb_usd: usdOf({ dynamodbWrites: writes, dynamodbReads: 1 }),
      sqs_sns_usd: usdOf({ sqsRequests: hasEnded ? 4 : 0, snsEvents: 1 }),
      logs_usd: usdOf({ logBytes: 2400 }),
    };
  };

  const totalOf = (events: readonly ImageEvent[]) => {
    const costs = events.map(costOf);
    const names = ['api_usd', 'lambda_usd', 's3_usd', 'dynamodb_usd', 'sqs_sns_usd', 'logs_usd'] as const;
    const each = names.map((name) => [name, sum(costs.map((cost) => cost[name]))] as const);
    return Object.fromEntries(
      [...each, ['total_usd', sum(each.map(([, usd]) => usd))] as const].map(([name, usd]) => [
        name,
        expect.closeTo(usd, 5),
      ]),
    );
  };

  test('is the sum over all events at list prices, for each day and in total', async () => {
    const days = groupsOf(recent, dayOf).map(([day, events]) => ({ day, ...totalOf(events) }));
    expect(days.length).toBeGreaterThan(15);
    expect(await askByName('cost')).toEqual([...days, { day: 'all', ...totalOf(recent) }]);
  });

  test('of a thousand uploads is what the cost model estimates, without traces', async () => {
    // GIVEN
    const time = new Date(Date.now() - 86_400_000).toISOString();
    const original = { contentType: 'image/jpeg', bytes: 2_000_000 };
    const thumbnail = {
      variant: 'thumbnail',
      contentType: 'image/webp',
      width: 320,
      height: 240,
      bytes: 9000,
    };
    const bodies = Array.from({ length: 1000 }, (_, index) => index.toString(16).padStart(31, '0')).flatMap(
      (id) => {
        const facts = { schemaVersion: 1, time, imageId: 'a'.repeat(64), original };
        const ready = { thumbnails: [thumbnail], resizeMilliseconds: 300 };
        return [
          { ...facts, eventId: `${id}1`, type: 'image.received' },
          { ...facts, eventId: `${id}2`, type: 'image.ready', ...ready },
        ];
      },
    );
    const folder = await mkdtemp(join(tmpdir(), 'thumbnail-generator-lake-'));
    for (const [type, group = []] of Object.entries(Object.groupBy(bodies, (body) => body.type))) {
      const placed = group.map((body) => placeEvent(JSON.stringify(body), new Date()));
      const lines = placed.map((each) => ('row' in each ? `${JSON.stringify(each.row)}\n` : each.refusal));
      await storeRows(folder, { type, dt: time.slice(0, 10) }, lines);
    }
    const uploads = await openLocalLake(folder);
    // WHEN
    const { columns, rows } = await uploads.ask(
      queries.find(({ name }) => name === 'cost')?.sql ?? '',
      () => {},
    );
    uploads.close();
    await rm(folder, { recursive: true });
    // THEN
    const { traces: _, ...usage } = usageOf(
      imageUsage({ ingest: 'function', resize: 'function', bodyBytes: original.bytes }),
    );
    expect(rows.at(-1)?.[columns.indexOf('total_usd')]).toBeCloseTo(usdOf(times(1000, usage)), 5);
  });
});
