import type { ImageId } from '../image/id.ts';
import { thumbnailKey } from '../image/keys.ts';
import { thumbnailContentTypes, type Variants } from '../image/variant.ts';
import type { Originals } from '../store/originals.ts';
import type { Thumbnails } from '../store/thumbnails.ts';
import { type RenderedThumbnail, renderThumbnails } from './render.ts';

export interface ResizeProps {
  readonly originals: Originals;
  readonly thumbnails: Thumbnails;
  readonly variants: Variants;
}

export type Resize = (id: ImageId) => Promise<readonly RenderedThumbnail[]>;

/**
 * Makes and stores all thumbnails of one original. Doing it again gives the same objects under the same keys.
 *
 * @throws ImageError when the image is at fault; anything else may succeed when tried again
 */
export const createResize =
  ({ originals, thumbnails, variants }: ResizeProps): Resize =>
  async (id) => {
    const rendered = await renderThumbnails(await originals.open(id), variants);
    await Promise.all(
      rendered.map(({ variant, bytes }) =>
        thumbnails.put(thumbnailKey(id, variant), bytes, thumbnailContentTypes[variant.format]),
      ),
    );
    return rendered;
  };
