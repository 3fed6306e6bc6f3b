import * as z from 'zod';
import { type ImageEvent, imageEventSchema } from '../../lambdas/image/event.ts';
import { placeEvent } from '../../lambdas/lake/row.ts';
import { type Column, columns, eventTypes, partitionColumns } from '../../lambdas/lake/table.ts';
import { garbageOf } from './generated-events.ts';

const now = new Date('2026-11-24T12:00:00Z');
const ready: ImageEvent = {
  schemaVersion: 1,
  eventId: 'e'.repeat(32),
  time: '2026-11-23T20:00:00.812Z',
  imageId: 'a'.repeat(64),
  type: 'image.ready',
  original: { contentType: 'image/jpeg', width: 3024, height: 4032, bytes: 2_804_301 },
  thumbnails: [
    { variant: 'thumbnail', contentType: 'image/webp', width: 240, height: 320, bytes: 11_840 },
    { variant: 'icon', contentType: 'image/png', width: 48, height: 64, bytes: 900 },
  ],
  resizeMilliseconds: 231,
  uploadToReadyMilliseconds: 812,
};

const placed = (change: object) => placeEvent(JSON.stringify({ ...ready, ...change }), now);

describe('the columns', () => {
  interface Field {
    readonly path: string;
    readonly type: string;
  }

  const jsonSchema = z.object({
    type: z.string().optional(),
    format: z.string().optional(),
    properties: z.record(z.string(), z.unknown()).optional(),
    items: z.unknown().optional(),
    oneOf: z.array(z.unknown()).optional(),
  });

  /** Every field of the events' schema, such as `thumbnails.variant`, with its Glue type. */
  const fieldsOf = (schema: unknown, path: readonly string[] = []): readonly Field[] => {
    const { type, format, properties, items, oneOf } = jsonSchema.parse(schema);
    if (oneOf) return oneOf.flatMap((each) => fieldsOf(each, path));
    if (properties)
      return Object.entries(properties).flatMap(([name, each]) => fieldsOf(each, [...path, name]));
    if (items) return fieldsOf(items, path);
    const glueType = {
      integer: 'bigint',
      number: 'bigint',
      string: format === 'date-time' ? 'timestamp' : 'string',
    };
    return [
      {
        path: path.join('.'),
        type: Object.entries(glueType).find(([name]) => name === type)?.[1] ?? `no ${type}`,
      },
    ];
  };

  const fieldsOfColumns = (of: readonly Column[], path: readonly string[] = []): readonly Field[] =>
    of.flatMap(({ from, type }) =>
      typeof type === 'string'
        ? [{ path: [...path, ...from].join('.'), type }]
        : fieldsOfColumns(type, [...path, ...from]),
    );

  const sorted = (fields: readonly Field[]): readonly string[] =>
    [...new Set(fields.map(({ path, type }) => `${path}: ${type}`))].sort();

  test('are the fields of all events with matching types, except the event type, which is a partition', () => {
    const all = sorted(fieldsOf(z.toJSONSchema(imageEventSchema)));
    expect(all.length).toBeGreaterThan(15);
    expect(sorted([...fieldsOfColumns(columns), { path: 'type', type: 'string' }])).toEqual(all);
  });

  test('have unique names that Athena accepts without quotes', () => {
    const namesOf = (of: readonly Column[]): readonly string[] => of.map(({ name }) => name);
    for (const names of [
      [...namesOf(columns), ...partitionColumns.map(({ name }) => name)],
      ...columns.flatMap(({ type }) => (typeof type === 'string' ? [] : [namesOf(type)])),
    ]) {
      for (const name of names) expect(name).toMatch(/^[a-z][a-z_]*$/);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('cover every event type', () => {
    expect(eventTypes).toEqual([
      'image.received',
      'image.duplicate',
      'image.ready',
      'image.failed',
      'link.served',
      'image.deleted',
    ]);
  });
});

describe('an event', () => {
  test('becomes one row, in the partition of its type and UTC day', () => {
    expect(placed({})).toEqual({
      partition: { type: 'image.ready', dt: '2026-11-23' },
      row: {
        schema_version: 1,
        event_id: 'e'.repeat(32),
        time: '2026-11-23T20:00:00.812Z',
        image_id: 'a'.repeat(64),
        original_content_type: 'image/jpeg',
        original_width: 3024,
        original_height: 4032,
        original_bytes: 2_804_301,
        thumbnails: [
          { variant: 'thumbnail', content_type: 'image/webp', width: 240, height: 320, bytes: 11_840 },
          { variant: 'icon', content_type: 'image/png', width: 48, height: 64, bytes: 900 },
        ],
        resize_milliseconds: 231,
        upload_to_ready_milliseconds: 812,
      },
    });
  });

  test.each([
    ['image.received', { original: { bytes: 9 } }, { original_bytes: 9 }],
    [
      'image.ready',
      { original: { bytes: 9, damage: 'It is cut off.' }, thumbnails: [], resizeMilliseconds: 1 },
      { original_bytes: 9, original_damage: 'It is cut off.', thumbnails: [], resize_milliseconds: 1 },
    ],
    [
      'image.duplicate',
      { original: { bytes: 9 }, status: 'failed' },
      { original_bytes: 9, status: 'failed' },
    ],
    [
      'image.failed',
      { original: { bytes: 9 }, code: 'image-corrupt' },
      { original_bytes: 9, code: 'image-corrupt' },
    ],
    ['link.served', { variant: 'icon' }, { variant: 'icon' }],
    ['image.deleted', {}, {}],
  ])('of the type %s fills only its own columns', (type, fields, filled) => {
    const { schemaVersion, eventId, time, imageId } = ready;
    const body = JSON.stringify({ schemaVersion, eventId, time, imageId, type, ...fields });
    expect(placeEvent(body, now)).toEqual({
      partition: { type, dt: '2026-11-23' },
      row: { schema_version: 1, event_id: eventId, time, image_id: imageId, ...filled },
    });
  });

  test('is dated by its own time, however late it arrives', () => {
    const late = new Date('2027-06-01T00:00:00Z');
    expect(placeEvent(JSON.stringify(ready), late)).toEqual(placed({}));
  });

  test.each([
    ['2026-11-23T23:59:59.999Z', '2026-11-23', '2026-11-23T23:59:59.999Z'],
    ['2026-11-24T00:00:00Z', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['2026-11-23T20:00:00.1234567890Z', '2026-11-23', '2026-11-23T20:00:00.123Z'],
  ])('at %s belongs to %s and is stored as %s', (time, dt, written) => {
    expect(placed({ time })).toMatchObject({ partition: { dt }, row: { time: written } });
  });

  test('may be slightly in the future, and as old as the retention of events', () => {
    expect(placed({ time: '2026-11-24T12:59:00Z' })).toHaveProperty('row');
    expect(placed({ time: '2026-11-24T13:01:00Z' })).toEqual({ refusal: 'dated in the future' });
    expect(placed({ time: '2025-10-21T00:00:00Z' })).toHaveProperty('row');
    expect(placed({ time: '2025-10-20T11:00:00Z' })).toEqual({ refusal: 'older than 400 days' });
  });

  test('of a later minor version keeps the known fields', () => {
    expect(placed({ colour: 'red' })).toEqual(placed({}));
  });
});

describe('an invalid message', () => {
  test.each(garbageOf(ready).map((body) => [body.slice(0, 60), body]))('is refused: %s', (_, body) => {
    expect(placeEvent(body, now)).toEqual({ refusal: expect.any(String) });
  });

  test('is refused with the reason, which quotes nothing of the message', () => {
    expect(placed({ schemaVersion: 2, original: { bytes: 'a secret' } })).toEqual({
      refusal: 'no event of this version: schemaVersion (invalid_value), original.bytes (invalid_type)',
    });
  });
});
