import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import { thumbnailKey } from '../image/keys.ts';
import { originalTypeOf, requireAcceptedType } from '../image/original-type.ts';
import { fingerprintOf, isSettled, type StoredThumbnail } from '../image/record.ts';
import { thumbnailContentTypes, type Variants } from '../image/variant.ts';
import type { Catalog, Finished } from '../store/catalog.ts';
import type { Originals } from '../store/originals.ts';
import type { Thumbnails } from '../store/thumbnails.ts';
import { ArrivedBytes } from './arrived-bytes.ts';
import { loadImage, type RenderedThumbnail } from './render.ts';

export interface ResizeProps {
  readonly originals: Originals;
  readonly thumbnails: Thumbnails;
  readonly catalog: Catalog;
  readonly variants: Variants;
}

/** Says what was made, or that nothing was left to do. */
export type Resize = (id: ImageId) => Promise<Finished | 'already-settled'>;

/**
 * Makes and stores the thumbnails of one original that are not there yet, and then says so in the catalog. It may be
 * ended at any moment and done again: thumbnails are written first and the record last, each under the same key.
 *
 * @throws ImageError when the image is at fault, once the catalog says so; anything else may succeed when tried again
 */
export const createResize = ({ originals, thumbnails, catalog, variants }: ResizeProps): Resize => {
  const fingerprint = fingerprintOf(variants);

  const store = async (id: ImageId, { variant, width, height, bytes }: RenderedThumbnail) => {
    const key = thumbnailKey(id, variant);
    const contentType = thumbnailContentTypes[variant.format];
    await thumbnails.put(key, bytes, contentType);
    const stored: StoredThumbnail = { key, contentType, width, height, bytes: bytes.byteLength };
    return [variant.name, stored] as const;
  };

  return async (id) => {
    const startedAt = performance.now();
    const record = await catalog.find(id);
    if (record && isSettled(record, fingerprint)) return 'already-settled';

    const there = Object.entries(record?.thumbnails ?? {}).filter(([name, { key }]) =>
      variants.some((variant) => variant.name === name && thumbnailKey(id, variant) === key),
    );
    const missing = variants.filter(({ name }) => !there.some(([thereName]) => thereName === name));
    if (record && missing.length === 0) {
      // Variants were only taken away.
      const { original, thumbhash } = record;
      const finished = { original, thumbnails: Object.fromEntries(there), thumbhash, resizeMilliseconds: 0 };
      await catalog.finish(id, fingerprint, finished);
      return finished;
    }
    const arrived = new ArrivedBytes();
    try {
      const image = await loadImage(arrived.from(await originals.open(id)));
      arrived.requireId(id);
      const contentType = requireAcceptedType(arrived.start);
      const { original, thumbhash, thumbnails: rendered } = await image.render(missing);
      const made = await Promise.all(rendered.map((thumbnail) => store(id, thumbnail)));
      const finished: Finished = {
        original: { ...original, contentType, bytes: arrived.count },
        thumbnails: Object.fromEntries([...there, ...made]),
        thumbhash,
        resizeMilliseconds: Math.round(performance.now() - startedAt),
      };
      await catalog.finish(id, fingerprint, finished);
      return finished;
    } catch (error) {
      // An original that is not there may still come: its image has not failed.
      if (error instanceof ImageError && error.code !== 'original-missing') {
        const original = { contentType: originalTypeOf(arrived.start), bytes: arrived.count };
        await catalog.fail(id, fingerprint, original, error.failure);
      }
      throw error;
    }
  };
};
