import type { ImageId } from '../image/id.ts';

/** The table of image records, one item for each image. */
export const catalogTable = {
  partitionKey: 'id',
  /** Epoch seconds. DynamoDB deletes an item within days of it, not immediately. */
  timeToLive: 'expiresAtSeconds',
  /** `deleting` or `deleted`, in place of a status. */
  deletion: 'deletion',
  /** What the role of resize may not write, so that it cannot have an image deleted. */
  deletionAttributes: ['deletion', 'claims'],
  /** Holds the images that wait for work: no other item has its keys. */
  waitingIndex: { name: 'waiting', partitionKey: 'waiting', sortKey: 'waitingSince' },
} as const;

/**
 * Why an image waits, and since when.
 *
 * - `stored`: its original is there, since it was stored or last requested.
 * - `slow`: it waits in the slow lane, since it moved there.
 * - `announced`: it may still be uploaded, and counts as waiting from the end of its presigned URL.
 * - `deletion`: it is being deleted, since its deletion began or was last requested.
 */
export type WaitingKind = 'stored' | 'slow' | 'announced' | 'deletion';

const digits = [...'0123456789abcdef'];

/**
 * The partition keys of the waiting index, one for each kind and each first digit of an id: `7`, `slow-7`,
 * `announced-7`. Kinds are apart so that many images of one kind cannot hide those of another. Digits are
 * apart because a partition takes 1,000 writes a second (DynamoDB Developer Guide, "Partitions and data
 * distribution").
 */
export const waitingParts: Readonly<Record<WaitingKind, readonly string[]>> = {
  stored: digits,
  slow: digits.map((digit) => `slow-${digit}`),
  announced: digits.map((digit) => `announced-${digit}`),
  deletion: digits.map((digit) => `deletion-${digit}`),
};

/** The part of the waiting index in which an image waits. */
export const waitingPartOf = (id: ImageId, kind: WaitingKind): string => {
  const part = waitingParts[kind][digits.indexOf(id.slice(0, 1))];
  if (part === undefined) throw new Error(`Expected an image id but received ${id}`);
  return part;
};
