import { createHash } from 'node:crypto';
import * as z from 'zod';
import { imageErrorCodes } from './errors.ts';
import { thumbnailKey } from './keys.ts';
import { imageStatusSchema } from './status.ts';
import type { Variants } from './variant.ts';

const pixels = z.int().positive();
const bytes = z.int().nonnegative();

export const storedThumbnailSchema = z.object({
  key: z.string(),
  contentType: z.string(),
  width: pixels,
  height: pixels,
  bytes,
});
export type StoredThumbnail = Readonly<z.output<typeof storedThumbnailSchema>>;

/** The uploaded image itself. Its type and its size in pixels are known once it has been decoded. */
export const originalSchema = z.object({
  bytes,
  contentType: z.string().optional(),
  width: pixels.optional(),
  height: pixels.optional(),
  /** One sentence for a person, if the file is damaged. */
  damage: z.string().optional(),
});
export type Original = Readonly<z.output<typeof originalSchema>>;

export const failureSchema = z.object({ code: z.enum(imageErrorCodes), detail: z.string() });
export type Failure = Readonly<z.output<typeof failureSchema>>;

/**
 * Everything known about one image. It is `received` until every variant is stored, then `ready`, or `failed`
 * for a permanent reason. When the variants change, a settled image becomes `received` again.
 */
export const recordSchema = z.object({
  id: z.string(),
  status: imageStatusSchema,
  /** ISO 8601, UTC. */
  createdAt: z.string(),
  /** When the present status began: ISO 8601, UTC. */
  changedAt: z.string(),
  /** When the image began to wait; only while `received`. */
  waitingSince: z.string().optional(),
  /**
   * True until the bytes arrive. `original` is empty until then: what the caller claims is not recorded. If
   * they never arrive, the record expires.
   */
  announced: z.boolean().default(false),
  original: originalSchema,
  /** The presigned upload that stored the original. Absent for an inline upload. */
  uploadId: z.string().optional(),
  /** By name of the variant. Thumbnails of earlier settings stay until they are replaced. */
  thumbnails: z.record(z.string(), storedThumbnailSchema).default({}),
  /** Base64 of a ThumbHash: a blurred placeholder. */
  thumbhash: z.string().optional(),
  error: failureSchema.optional(),
  /** Fingerprint of the variants when the image was settled. */
  fingerprint: z.string().optional(),
  /** Time to fetch, decode, encode and store. */
  resizeMilliseconds: z.int().nonnegative().optional(),
  /** Time from the stored original to the last stored thumbnail. */
  uploadToReadyMilliseconds: z.int().nonnegative().optional(),
  /** Absent in the fast lane, where every image starts. */
  lane: z.literal('slow').optional(),
  /** How often the thumbnails were requested again because the image was overdue. */
  requeued: z.int().nonnegative().default(0),
  /** Raised by each upload of a known caller. A deletion that has not seen all of them does not begin. */
  claims: z.int().nonnegative().default(0),
});
export type ImageRecord = Readonly<z.output<typeof recordSchema>>;

/** Identifies the settings of thumbnails. */
export const fingerprintOf = (variants: Variants): string =>
  createHash('sha256')
    .update(variants.map((variant) => thumbnailKey('', variant)).join('\n'))
    .digest('hex')
    .slice(0, 16);

/** Failures that the bytes alone do not determine. The image is decoded again when it is uploaded again. */
const retriedCodes: ReadonlySet<string> = new Set(['processing-failed', 'decode-timeout', 'decode-memory']);

export const isGivenUp = ({ error }: ImageRecord): boolean =>
  error !== undefined && retriedCodes.has(error.code);

/** Whether nothing is left to do for an image: it is `ready` or `failed`, with the present settings. */
export const isSettled = (record: ImageRecord, fingerprint: string): boolean =>
  record.status !== 'received' && record.fingerprint === fingerprint && !isGivenUp(record);

/** The most times that the thumbnails of an overdue image are requested again. */
const maxRequeues = 3;

/** After that many requests without a result, the image itself must be the cause. */
export const hasNoRequeuesLeft = ({ requeued }: ImageRecord): boolean => requeued > maxRequeues;
