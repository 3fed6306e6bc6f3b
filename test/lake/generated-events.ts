import type { ImageEvent, ImageEventType } from '../../lambdas/image/event.ts';
import { acceptedTypes } from '../../lambdas/image/original-type.ts';
import { createRandom, type Random } from '../trials/random.ts';

export interface GeneratedMessages {
  /** The published messages in random order: every event at least once, and invalid messages. */
  readonly bodies: readonly string[];
  /** Each event once. */
  readonly events: readonly ImageEvent[];
  /** How many of the bodies are invalid. */
  readonly garbage: number;
}

const dayMilliseconds = 86_400_000;

/** @param share the part of all events, from 0 to 1 */
export const generateMessages = (
  seed: number,
  count: number,
  share: { readonly copies: number; readonly garbage: number },
): GeneratedMessages => {
  const random = createRandom(seed);
  const garbage = Math.round(count * share.garbage);
  const copies = Math.round(count * share.copies);
  const images = Array.from({ length: 200 }, () => random.bytes(32).toString('hex'));
  const events = Array.from({ length: count - garbage - copies }, () => eventOf(random, images));
  const bodies = [...events, ...Array.from({ length: copies }, () => random.pick(events))].map((event) =>
    JSON.stringify(event),
  );
  const wrong = garbageOf(events[0]);
  const all = [...bodies, ...Array.from({ length: garbage }, () => random.pick(wrong))];
  return { bodies: random.shuffled(all), events, garbage };
};

const types: readonly ImageEventType[] = [
  'image.received',
  'image.duplicate',
  'image.ready',
  'image.failed',
  'link.served',
  'image.deleted',
];

const eventOf = (random: Random, images: readonly string[]): ImageEvent => {
  const facts = {
    schemaVersion: 1 as const,
    eventId: random.bytes(16).toString('hex'),
    time: timeOf(random),
    imageId: random.pick(images),
  };
  const width = random.whole(1, 16_384);
  const original = {
    contentType: random.pick(Object.keys(acceptedTypes)),
    width,
    height: random.whole(1, 16_384),
    bytes: random.whole(100, 20_000_000),
  };
  const type = random.pick(types);
  switch (type) {
    case 'image.received':
      // A presigned upload declares nothing else.
      return { ...facts, type, original: random.whole(0, 1) ? original : { bytes: original.bytes } };
    case 'image.duplicate':
      return { ...facts, type, original, status: random.pick(['received', 'ready', 'failed']) };
    case 'image.ready':
      return {
        ...facts,
        type,
        original,
        thumbnails: ['thumbnail', 'card', 'icon'].slice(0, random.whole(0, 3)).map((variant) => ({
          variant,
          contentType: random.pick(['image/webp', 'image/avif']),
          width: 320,
          height: 240,
          bytes: random.whole(100, 100_000),
        })),
        resizeMilliseconds: random.whole(5, 3000),
        uploadToReadyMilliseconds: random.whole(0, 9) ? random.whole(20, 60_000) : undefined,
      };
    case 'image.failed':
      return {
        ...facts,
        type,
        original,
        code: random.pick(['image-corrupt', 'decode-timeout', 'image-too-large']),
      };
    case 'link.served':
      return { ...facts, type, variant: random.pick(['thumbnail', 'card']) };
    case 'image.deleted':
      return { ...facts, type };
  }
};

/** Well within the 30 days of the queries or well before, so that midnight during a test does not matter. */
const timeOf = (random: Random): string => {
  const daysAgo = random.whole(0, 4) ? random.whole(2, 20) : random.whole(40, 60);
  return new Date(Date.now() - daysAgo * dayMilliseconds - random.whole(0, dayMilliseconds)).toISOString();
};

/** Messages that are not valid events. */
export const garbageOf = (event: ImageEvent | undefined): readonly string[] => {
  const changed = (change: object) => JSON.stringify({ ...event, ...change });
  const whole = JSON.stringify(event);
  return [
    '',
    'hello',
    'null',
    '[]',
    '"image.ready"',
    `[${whole}]`,
    '['.repeat(100_000),
    whole.slice(0, -2),
    whole + whole,
    '{"__proto__": {"type": "image.ready"}}',
    JSON.stringify({ Type: 'Notification', Message: whole }),
    changed({ schemaVersion: 2 }),
    changed({ schemaVersion: '1' }),
    changed({ type: 'image.renamed' }),
    changed({ type: 'image.failed', original: undefined }),
    changed({ type: 'image.failed', original: { bytes: -1 }, code: 'image-corrupt' }),
    changed({ type: 'image.failed', original: { bytes: 1e300 }, code: 'image-corrupt' }),
    changed({ eventId: undefined }),
    changed({ eventId: "x'; DROP TABLE image_events; --" }),
    changed({ imageId: '../../../etc/passwd' }),
    changed({ time: undefined }),
    changed({ time: 'yesterday' }),
    changed({ time: '2026-02-30T00:00:00Z' }),
    changed({ time: '2026-11-23T20:00:00+02:00' }),
    changed({ time: '2000-01-01T00:00:00Z' }),
    changed({ time: '9999-12-31T23:59:59.999Z' }),
  ];
};
