import sharp from 'sharp';
import type { Thumbnails } from '../aws/thumbnails.ts';
import type { ImageId } from '../image/id.ts';
import { thumbnailKey } from '../image/keys.ts';
import { expectedOf, verifyThumbnail } from '../image/thumbnail-file.ts';
import type { Variant } from '../image/variant.ts';
import type { Log } from '../runtime/log.ts';
import type { InlinePicture } from './mailer.ts';

// This function may send mail, so only the loaders of the thumbnails' formats may run in it, and none that
// opens files.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadWebpBuffer',
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadHeifBuffer',
  ],
});

export interface Preview extends InlinePicture {
  readonly width: number;
  readonly height: number;
}

const maxSidePixels = 240;

/**
 * Converts thumbnails of one variant to JPEG, which every mail program shows. Many do not show WebP or AVIF.
 * An animation becomes its first frame.
 *
 * @returns undefined when there is no thumbnail, or when it cannot come from resize
 */
export const createPreview =
  (thumbnails: Thumbnails, variant: Variant, log: Log) =>
  async (id: ImageId): Promise<Preview | undefined> => {
    const thumbnail = await thumbnails.get(thumbnailKey(id, variant));
    if (thumbnail === undefined) return undefined;
    try {
      return await render(thumbnail, variant);
    } catch (error) {
      log.error('stored thumbnail refused', { imageId: id, error });
      return undefined;
    }
  };

/**
 * @throws InvalidThumbnail, or an error of libvips about damaged pixels: both permanent, so there is no retry
 */
const render = async (thumbnail: Uint8Array, variant: Variant): Promise<Preview> => {
  verifyThumbnail(thumbnail, expectedOf(variant));
  const limitInputPixels = variant.width * variant.height;
  const { data, info } = await sharp(thumbnail, { failOn: 'warning', limitInputPixels })
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
