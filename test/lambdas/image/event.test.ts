import { imageEventSchema } from '../../../lambdas/image/event.ts';
import {
  deletedEvent,
  duplicateEvent,
  endedEvent,
  linkServedEvent,
  receivedEvent,
} from '../../../lambdas/image/new-event.ts';
import { type ImageRecord, recordSchema } from '../../../lambdas/image/record.ts';

const received = recordSchema.parse({
  id: 'a'.repeat(64),
  status: 'received',
  createdAt: '2026-11-23T20:00:00.000Z',
  changedAt: '2026-11-23T20:00:00.000Z',
  original: { contentType: 'image/jpeg', bytes: 1000 },
});
const ready: ImageRecord = {
  ...received,
  status: 'ready',
  changedAt: '2026-11-23T20:00:01.000Z',
  original: { contentType: 'image/jpeg', width: 40, height: 30, bytes: 1000 },
  thumbnails: {
    thumbnail: { key: 'thumbnails/a', contentType: 'image/webp', width: 4, height: 3, bytes: 10 },
  },
  thumbhash: 'hash',
  resizeMilliseconds: 12,
  uploadToReadyMilliseconds: 345,
};
const failed: ImageRecord = {
  ...received,
  status: 'failed',
  changedAt: '2026-11-23T20:00:01.000Z',
  error: { code: 'image-corrupt', detail: 'broken' },
};
const deletion = {
  id: 'a'.repeat(64),
  status: 'deleting',
  createdAt: '2026-11-23T20:00:00.000Z',
  changedAt: '2026-11-24T20:00:00.000Z',
  isPublished: false,
} as const;
const each = [
  receivedEvent(received),
  duplicateEvent(received),
  endedEvent(ready),
  endedEvent(failed),
  linkServedEvent(received.id, 'thumbnail'),
  deletedEvent({ ...deletion, isPublished: true }),
];

test('every kind of event keeps to the schema, to the last field', () => {
  for (const event of each) expect(imageEventSchema.parse(event)).toEqual(JSON.parse(JSON.stringify(event)));
  expect(each.map((event) => event?.type).sort()).toEqual(
    imageEventSchema.options.map(({ shape }) => shape.type.value).sort(),
  );
});

test('the events of one change have the same id', () => {
  expect(receivedEvent(received)).toEqual(receivedEvent(received));
  expect(endedEvent(ready)).toEqual(endedEvent({ ...ready }));
});

test('different facts have different ids', () => {
  const later = { ...ready, changedAt: '2026-11-23T20:00:02.000Z' };
  const other = { ...ready, id: 'b'.repeat(64) };
  const ids = [...each, endedEvent(later), endedEvent(other), duplicateEvent(received)].map(
    (event) => event?.eventId,
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test('an image that has not ended has no such event', () => {
  expect(endedEvent(received)).toBeUndefined();
});

test.each([
  ['of another version', { schemaVersion: 2 }],
  ['of an unknown type', { type: 'image.renamed' }],
  ['without an id', { eventId: undefined }],
  ['without its time', { time: undefined }],
  ['with a code that there is not', { code: 'whatever' }],
  ['with negative bytes', { original: { bytes: -1 } }],
])('an event %s is none', (_, change) => {
  expect(imageEventSchema.safeParse({ ...endedEvent(failed), ...change }).success).toBe(false);
});

test('what a later version adds does not matter', () => {
  expect(imageEventSchema.safeParse({ ...endedEvent(ready), colour: 'red' }).success).toBe(true);
});

test('the event of a deletion is the same from every worker, and another one for the next deletion', () => {
  const first = deletedEvent(deletion);
  expect(first).toMatchObject({ type: 'image.deleted', imageId: deletion.id, time: deletion.changedAt });
  expect(deletedEvent({ ...deletion, leaseToken: 'other', isPublished: true })).toEqual(first);
  const next = deletedEvent({ ...deletion, changedAt: '2026-11-25T20:00:00.000Z' });
  expect(next.eventId).not.toBe(first.eventId);
});
