import type { ImageId } from '../image/id.ts';

/**
 * Something that keeps data about images, all of which a deletion removes.
 * `lambdas/delete/forgetters.ts` lists them all.
 */
export interface Forgetter {
  /**
   * Removes everything about an image, however often it is called, and whatever is left.
   *
   * @param stopping ends all requests: from then on another worker may delete the image, or it may be
   *   uploaded again
   */
  forget(id: ImageId, stopping: AbortSignal): Promise<void>;
}
