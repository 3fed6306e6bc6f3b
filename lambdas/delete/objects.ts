import type { StoredObjects } from '../aws/stored-objects.ts';
import { originalKey, thumbnailsPrefixOf } from '../image/keys.ts';
import type { Forgetter } from '../runtime/forgetter.ts';

/** Forgets an image's original and its thumbnails. */
export const createObjectsForgetter = (originals: StoredObjects, thumbnails: StoredObjects): Forgetter => ({
  async forget(id, stopping) {
    await Promise.all([
      originals.remove(originalKey(id), stopping),
      thumbnails.remove(thumbnailsPrefixOf(id), stopping),
    ]);
  },
});
