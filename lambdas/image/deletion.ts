import * as z from 'zod';
import type { ImageRecord } from './record.ts';

/**
 * What is left of an image that is being deleted, or was deleted lately. It takes the place of the image's
 * record, and is no image to callers.
 */
export const deletionSchema = z.object({
  id: z.string(),
  /** `deleting` until nothing of the image is left, then `deleted`. A sweep makes it `deleting` again. */
  status: z.enum(['deleting', 'deleted']),
  /** That of the image's record: ISO 8601, UTC. */
  createdAt: z.string(),
  /** When the deletion began: ISO 8601, UTC. A sweep does not change it. */
  changedAt: z.string(),
  /** Whether everything was removed once, and `image.deleted` was published. */
  isPublished: z.boolean().default(false),
  /** When the deletion began to wait for a worker; only while `deleting`. */
  waitingSince: z.string().optional(),
  /** The worker that deletes, until `leaseEndsAt`. */
  leaseToken: z.string().optional(),
  leaseEndsAt: z.string().optional(),
});
export type Deletion = Readonly<z.output<typeof deletionSchema>>;

/** Everything that the catalog can have of an id. */
export type ImageState = ImageRecord | Deletion;

export const isDeletion = (state: ImageState): state is Deletion =>
  state.status === 'deleting' || state.status === 'deleted';
