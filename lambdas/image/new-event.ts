import { createHash, randomUUID } from 'node:crypto';
import type { Deletion } from './deletion.ts';
import type { ImageEvent, ImageEventType } from './event.ts';
import type { ImageId } from './id.ts';
import type { ImageRecord } from './record.ts';

/**
 * The id of a change of state follows from the change itself, so that it is the same whichever process
 * publishes it.
 */
const stateFacts = (imageId: ImageId, type: ImageEventType, time: string) => ({
  schemaVersion: 1 as const,
  eventId: createHash('sha256').update([imageId, type, time].join(' ')).digest('hex').slice(0, 32),
  time,
  imageId,
});

/** A request that was just handled. */
const newFacts = (imageId: ImageId) => ({
  schemaVersion: 1 as const,
  eventId: randomUUID().replaceAll('-', ''),
  time: new Date().toISOString(),
  imageId,
});

/** Contains what was known at first, so that it stays the same when it is published again later. */
export const receivedEvent = ({
  id,
  createdAt,
  original: { contentType, bytes },
}: ImageRecord): ImageEvent => ({
  ...stateFacts(id, 'image.received', createdAt),
  type: 'image.received',
  original: { contentType, bytes },
});

/** How an image was settled; undefined while it is `received`. */
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
      // DynamoDB keeps no order. Sorted, the same event always has the same text.
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

/** Dated by the beginning of the deletion, which all workers know. */
export const deletedEvent = ({ id, changedAt }: Deletion): ImageEvent => ({
  ...stateFacts(id, 'image.deleted', changedAt),
  type: 'image.deleted',
});

export const linkServedEvent = (id: ImageId, variant: string): ImageEvent => ({
  ...newFacts(id),
  type: 'link.served',
  variant,
});
