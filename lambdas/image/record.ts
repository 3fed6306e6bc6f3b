import { createHash } from 'node:crypto';
import * as z from 'zod';
import { imageErrorCodes } from './errors.ts';
import { thumbnailKey } from './keys.ts';
import { imageStatusSchema } from './status.ts';
import type { Variants } from './variant.ts';

const pixels = z.int().positive();
const bytes = z.int().nonnegative();

/** One finished thumbnail. */
export const storedThumbnailSchema = z.object({
  key: z.string(),
  contentType: z.string(),
  width: pixels,
  height: pixels,
  bytes,
});
export type StoredThumbnail = Readonly<z.output<typeof storedThumbnailSchema>>;

/** What is known of the uploaded image itself; its type and size in pixels once it has been decoded. */
export const originalSchema = z.object({
  bytes,
  contentType: z.string().optional(),
  width: pixels.optional(),
  height: pixels.optional(),
});
export type Original = Readonly<z.output<typeof originalSchema>>;

export const failureSchema = z.object({ code: z.enum(imageErrorCodes), detail: z.string() });
export type Failure = Readonly<z.output<typeof failureSchema>>;

/**
 * All that is known of one image. Its states: `received` until every variant is stored, then `ready`; or `failed` for
 * a permanent reason. When the variants change, a finished image becomes `received` again.
 */
export const recordSchema = z.object({
  id: z.string(),
  status: imageStatusSchema,
  /** ISO 8601, UTC: when the image was first heard of, and when its present state began. */
  createdAt: z.string(),
  changedAt: z.string(),
  /** While `received`: since when the thumbnails are overdue more and more. */
  waitingSince: z.string().optional(),
  /**
   * Only announcements are known of it so far, and what they claim is not kept: `original` says nothing until resize has
   * read the bytes. Unless they come, the record expires.
   */
  announced: z.boolean().default(false),
  original: originalSchema,
  /** The presigned upload that stored the original: its sender had the bytes. Absent for an inline upload. */
  uploadId: z.string().optional(),
  /** By the variant's name. Those of earlier settings stay until they are replaced. */
  thumbnails: z.record(z.string(), storedThumbnailSchema).default({}),
  /** Base64 of a ThumbHash: a blurred placeholder. */
  thumbhash: z.string().optional(),
  error: failureSchema.optional(),
  /** The settings that a finished state was reached with. */
  fingerprint: z.string().optional(),
  /** How long decoding, encoding and storing took. */
  resizeMilliseconds: z.int().nonnegative().optional(),
  /** From the moment at which the original was stored to the moment at which its last thumbnail was. */
  uploadToReadyMilliseconds: z.int().nonnegative().optional(),
  /** Absent in the fast lane, where every image starts. */
  lane: z.literal('slow').optional(),
  /** How often the event was sent again because the image stayed `received` for too long. */
  requeued: z.int().nonnegative().default(0),
});
export type ImageRecord = Readonly<z.output<typeof recordSchema>>;

/** Tells the settings that thumbnails are made with from all others: equal settings, equal fingerprint. */
export const fingerprintOf = (variants: Variants): string =>
  createHash('sha256')
    .update(variants.map((variant) => thumbnailKey('', variant)).join('\n'))
    .digest('hex')
    .slice(0, 16);

/** Failures that the bytes alone do not determine: the image is tried again when it is uploaded again. */
const retriedCodes: ReadonlySet<string> = new Set(['processing-failed', 'decode-timeout', 'decode-memory']);

export const isGivenUp = ({ error }: ImageRecord): boolean =>
  error !== undefined && retriedCodes.has(error.code);

/** Whether nothing is left to do for an image: it ended, and with the present settings. */
export const isSettled = (record: ImageRecord, fingerprint: string): boolean =>
  record.status !== 'received' && record.fingerprint === fingerprint && !isGivenUp(record);

/** How often the thumbnails of an overdue image are asked for again. */
const maxRequeues = 3;

/** After so many requests without a result the image itself must be what ends its worker. */
export const isHopeless = ({ requeued }: ImageRecord): boolean => requeued > maxRequeues;

/**
 * The parts of the index of `received` images. An index's partition takes 1,000 writes a second (DynamoDB Developer
 * Guide, "Partitions and data distribution"), so each kind has one for every first digit of an id. Images of which only
 * an announcement is known, and those that wait in the slow lane, are apart: however many there are, they are not in the
 * way of the others.
 */
export const waitingParts = {
  stored: [...'0123456789abcdef'],
  slow: [...'0123456789abcdef'].map((digit) => `slow-${digit}`),
  announced: [...'0123456789abcdef'].map((digit) => `announced-${digit}`),
} as const;

export type WaitingKind = keyof typeof waitingParts;
