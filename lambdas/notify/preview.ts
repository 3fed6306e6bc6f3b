import sharp from 'sharp';
import type { ImageId } from '../image/id.ts';
import { thumbnailKey } from '../image/keys.ts';
import type { Variant } from '../image/variant.ts';
import type { InlinePicture } from '../store/mailer.ts';
import type { Thumbnails } from '../store/thumbnails.ts';

export interface Preview extends InlinePicture {
  readonly width: number;
  readonly height: number;
}

const maxSidePixels = 240;

/** Turns thumbnails of one variant into JPEGs, which every mail program shows. Many do not show WebP or AVIF. */
export const createPreview =
  (thumbnails: Thumbnails, variant: Variant) =>
  async (id: ImageId): Promise<Preview | undefined> => {
    const thumbnail = await thumbnails.get(thumbnailKey(id, variant));
    if (thumbnail === undefined) return undefined;
    const { data, info } = await sharp(thumbnail)
      .resize({ width: maxSidePixels, height: maxSidePixels, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg()
      .toBuffer({ resolveWithObject: true });
    return {
      id: 'preview',
      fileName: 'preview.jpg',
      contentType: 'image/jpeg',
      bytes: data,
      width: info.width,
      height: info.height,
    };
  };
