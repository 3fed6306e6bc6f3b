import sharp, { type Sharp } from 'sharp';
import type { Variant } from '../../image/variant.ts';
import type { Graphics } from './graphics.ts';
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

/**
 * Makes one thumbnail: sRGB, without metadata.
 *
 * @param graphics undefined for a photo
 */
export const encode = async (
  { data, ...raw }: Raster,
  original: Size,
  variant: Variant,
  graphics: Graphics | undefined,
): Promise<RenderedThumbnail> => {
  const image = fitted(sharp(data, { raw }), original, variant);
  return encodePixels(image, variant, graphics);
};

/** Encodes pixels of the right size. */
export const encodePixels = async (
  pixels: Sharp,
  variant: Variant,
  graphics: Graphics | undefined,
): Promise<RenderedThumbnail> => {
  const image = pixels.toColourspace('srgb');
  if (graphics === undefined) return made(withFormat(image, variant, graphics));
  const usual = await made(withFormat(image.clone(), variant, graphics));
  const exactly = exactFormat(image, variant, usual);
  if (exactly === undefined) return usual;
  const exact = await made(exactly);
  return exact.bytes.byteLength <= graphics.maxExactBytes(usual.bytes.byteLength) ? exact : usual;
};

const made = async (image: Sharp): Promise<RenderedThumbnail> => {
  const { data: bytes, info } = await image.toBuffer({ resolveWithObject: true });
  return { bytes, width: info.width, height: info.height };
};

/** The corner of what `cover` keeps, in the image at its reduced size. */
export interface Crop {
  readonly left: number;
  readonly top: number;
}

/**
 * Computes sizes itself instead of libvips, so that all variants are rounded alike and none is enlarged.
 *
 * @param crop where `cover` crops. @default - at the variant's position
 */
export const fitted = (image: Sharp, original: Size, variant: Variant, crop?: Crop): Sharp => {
  const inner = scaled(original, scaleFor(original, variant));
  switch (variant.fit) {
    case 'inside':
      return image.resize({ ...inner, fit: 'fill' });
    case 'cover': {
      const width = Math.min(inner.width, variant.width);
      const height = Math.min(inner.height, variant.height);
      if (crop) return image.resize({ ...inner, fit: 'fill' }).extract({ ...crop, width, height });
      return image.resize({ width, height, fit: 'cover', position: variant.position ?? 'centre' });
    }
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
const withFormat = (
  image: Sharp,
  { format, quality, background }: Variant,
  graphics: Graphics | undefined,
): Sharp => {
  switch (format) {
    case 'webp':
      return image.webp({ quality, effort: 2 });
    case 'jpeg': {
      const chromaSubsampling = graphics?.needsFullChroma ? '4:4:4' : '4:2:0';
      return image.flatten({ background: background ?? '#ffffff' }).jpeg({ quality, chromaSubsampling });
    }
    case 'avif':
      return image.avif({ quality, effort: 2 });
    case 'png':
      return image.png();
  }
};

/** Gradients of so few pixels take fewer bytes without any loss. Larger AVIFs take ten times as long. */
const maxLosslessPixels = 64 * 64;

/**
 * Without loss; in a large WebP with one of at most 3 levels, which saves a third where edges are smooth.
 *
 * @returns undefined where that is not worth its time, or is what the format does anyway
 */
const exactFormat = (image: Sharp, { format }: Variant, { width, height }: Size): Sharp | undefined => {
  const isSmall = width * height <= maxLosslessPixels;
  if (format === 'webp') {
    return image.webp(
      isSmall ? { lossless: true, effort: 2 } : { nearLossless: true, quality: 60, effort: 2 },
    );
  }
  return format === 'avif' && isSmall ? image.avif({ lossless: true, effort: 2 }) : undefined;
};
