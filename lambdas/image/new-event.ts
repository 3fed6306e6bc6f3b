import { createHash, randomUUID } from 'node:crypto';
import type { ImageEvent, ImageEventType } from './event.ts';
import type { ImageId } from './id.ts';
import type { ImageRecord } from './record.ts';

/** A change of an image's state is the same fact whoever tells it, so its id follows from what changed when. */
const stateFacts = (imageId: ImageId, type: ImageEventType, time: string) => ({
  schemaVersion: 1 as const,
  eventId: createHash('sha256').update([imageId, type, time].join(' ')).digest('hex').slice(0, 32),
  time,
  imageId,
});

/** Something that somebody just did. */
const newFacts = (imageId: ImageId) => ({
  schemaVersion: 1 as const,
  eventId: randomUUID().replaceAll('-', ''),
  time: new Date().toISOString(),
  imageId,
});

/** What was known of it then; the same is told once more is known. */
export const receivedEvent = ({
  id,
  createdAt,
  original: { contentType, bytes },
}: ImageRecord): ImageEvent => ({
  ...stateFacts(id, 'image.received', createdAt),
  type: 'image.received',
  original: { contentType, bytes },
});

/** How an image ended; undefined while it has not. */
export const endedEvent = (record: ImageRecord): ImageEvent | undefined => {
  const { id, status, changedAt, original, thumbnails, resizeMilliseconds = 0 } = record;
  if (status === 'received') return undefined;
  if (record.error !== undefined) {
    const { code } = record.error;
    return { ...stateFacts(id, 'image.failed', changedAt), type: 'image.failed', original, code };
  }
  return {
    ...stateFacts(id, 'image.ready', changedAt),
    type: 'image.ready',
    original,
    thumbnails: Object.entries(thumbnails)
      .map(([variant, { key: _, ...thumbnail }]) => ({ variant, ...thumbnail }))
      // DynamoDB keeps no order: without one the same event would be told in different words.
      .sort((one, other) => (one.variant < other.variant ? -1 : 1)),
    resizeMilliseconds,
    uploadToReadyMilliseconds: record.uploadToReadyMilliseconds,
  };
};

export const duplicateEvent = ({ id, status, original }: ImageRecord): ImageEvent => ({
  ...newFacts(id),
  type: 'image.duplicate',
  status,
  original,
});

export const linkServedEvent = (id: ImageId, variant: string): ImageEvent => ({
  ...newFacts(id),
  type: 'link.served',
  variant,
});
