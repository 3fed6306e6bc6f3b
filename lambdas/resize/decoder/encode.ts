import sharp, { type Sharp } from 'sharp';
import type { Variant } from '../../image/variant.ts';
import type { Raster, Size } from './originals/original.ts';
import type { RenderedThumbnail } from './protocol.ts';

/** The factor by which a variant shrinks the image: at most 1, because nothing is enlarged. */
export const scaleFor = (size: Size, { width, height, fit }: Variant): number => {
  const pick = fit === 'cover' ? Math.max : Math.min;
  return Math.min(1, pick(width / size.width, height / size.height));
};

export const scaled = ({ width, height }: Size, scale: number): Size => ({
  width: Math.max(1, Math.round(width * scale)),
  height: Math.max(1, Math.round(height * scale)),
});

/** Makes one thumbnail: sRGB, without metadata. */
export const encode = async (
  { data, ...raw }: Raster,
  original: Size,
  variant: Variant,
): Promise<RenderedThumbnail> => {
  const image = fitted(sharp(data, { raw }), original, variant).toColourspace('srgb');
  const { data: bytes, info } = await withFormat(image, variant).toBuffer({ resolveWithObject: true });
  return { bytes, width: info.width, height: info.height };
};

/** Computes sizes itself instead of libvips, so that all variants are rounded alike and none is enlarged. */
const fitted = (image: Sharp, original: Size, variant: Variant): Sharp => {
  const inner = scaled(original, scaleFor(original, variant));
  switch (variant.fit) {
    case 'inside':
      return image.resize({ ...inner, fit: 'fill' });
    case 'cover':
      return image.resize({
        width: Math.min(inner.width, variant.width),
        height: Math.min(inner.height, variant.height),
        fit: 'cover',
        position: variant.position ?? 'centre',
      });
    case 'contain': {
      const left = Math.floor((variant.width - inner.width) / 2);
      const top = Math.floor((variant.height - inner.height) / 2);
      return image.resize({ ...inner, fit: 'fill' }).extend({
        left,
        top,
        right: variant.width - inner.width - left,
        bottom: variant.height - inner.height - top,
        background: variant.background ?? '#ffffff',
      });
    }
  }
};

/** WebP and AVIF at effort 2: a higher effort costs much more time than it saves bytes. */
const withFormat = (image: Sharp, { format, quality, background }: Variant): Sharp => {
  switch (format) {
    case 'webp':
      return image.webp({ quality, effort: 2 });
    case 'jpeg':
      return image.flatten({ background: background ?? '#ffffff' }).jpeg({ quality });
    case 'avif':
      return image.avif({ quality, effort: 2 });
    case 'png':
      return image.png();
  }
};
