import type { FirehoseTransformationEvent, FirehoseTransformationResult } from 'aws-lambda';
import type { ImageEvent } from '../../lambdas/image/event.ts';
import { linkServedEvent } from '../../lambdas/image/new-event.ts';

const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn(), log: jest.fn() };
const served: ImageEvent = linkServedEvent('a'.repeat(64), 'thumbnail');

let handler: (event: FirehoseTransformationEvent) => Promise<FirehoseTransformationResult>;

beforeAll(async () => {
  Object.assign(process.env, {
    STACK_NAME: 'CopyDataLake',
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
  for (const method of ['info', 'warn', 'error', 'log'] as const) {
    jest.spyOn(console, method).mockImplementation(log[method]);
  }
  ({ handler } = await import('../../lambdas/lake/index.ts'));
});

beforeEach(() => {
  for (const method of Object.values(log)) method.mockClear();
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The event that Firehose sends to a function, with `record-0`, `record-1` and so on. */
const transform = (...bodies: readonly string[]) =>
  handler({
    invocationId: 'invocation',
    deliveryStreamArn: 'arn:aws:firehose:us-east-2:111122223333:deliverystream/lake',
    region: 'us-east-2',
    records: bodies.map((body, index) => ({
      recordId: `record-${index}`,
      approximateArrivalTimestamp: Date.now(),
      data: base64(body),
    })),
  });

test('returns each event as a row in a line of JSON, with its partition keys', async () => {
  const { records } = await transform(JSON.stringify(served));
  const [{ data = '', ...rest } = { recordId: '', result: 'Dropped' }] = records;
  expect(rest).toEqual({
    recordId: 'record-0',
    result: 'Ok',
    metadata: { partitionKeys: { type: 'link.served', dt: served.time.slice(0, 10) } },
  });
  expect(Buffer.from(data, 'base64').toString()).toBe(
    `${JSON.stringify({
      schema_version: 1,
      event_id: served.eventId,
      time: served.time,
      image_id: served.imageId,
      variant: 'thumbnail',
    })}\n`,
  );
  expect(log.warn).not.toHaveBeenCalled();
  expect(log.log).not.toHaveBeenCalled();
});

test('returns an invalid message unchanged as failed, and transforms the others of the batch', async () => {
  // GIVEN
  const newer = JSON.stringify({ ...served, schemaVersion: 2 });
  // WHEN
  const { records } = await transform('hello', JSON.stringify(served), newer);
  // THEN
  expect(records).toEqual([
    { recordId: 'record-0', result: 'ProcessingFailed', data: base64('hello') },
    expect.objectContaining({ recordId: 'record-1', result: 'Ok' }),
    { recordId: 'record-2', result: 'ProcessingFailed', data: base64(newer) },
  ]);
});

test('logs the id and the reason of each refused message, and counts them for the alarm', async () => {
  await transform('a secret', JSON.stringify({ ...served, schemaVersion: 2 }));
  const lines = log.warn.mock.calls.map(([line]) => JSON.parse(line));
  expect(lines).toMatchObject([
    {
      message: 'event refused',
      recordId: 'record-0',
      reason: 'no event of this version: all of it (invalid_type)',
    },
    {
      message: 'event refused',
      recordId: 'record-1',
      reason: 'no event of this version: schemaVersion (invalid_value)',
    },
  ]);
  expect(JSON.stringify(log.warn.mock.calls)).not.toContain('a secret');
  const metrics = log.log.mock.calls.map(([line]) => JSON.parse(line));
  expect(metrics).toMatchObject([{ service: 'CopyDataLake', EventsRefused: 2 }]);
});
