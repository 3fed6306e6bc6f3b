import sharp, { type Metadata, type Sharp } from 'sharp';
import { ImageError } from '../../image/errors.ts';
import type { Variant } from '../../image/variant.ts';
import type { HeaderLimits } from '../environment.ts';
import { estimateDecodeMilliseconds, isCostlyHeader } from './cost.ts';
import { placeholderOf } from './placeholder.ts';
import type { Rendering } from './protocol.ts';

// Only the loaders of the accepted types may ever see a byte: SVG, PDF, ImageMagick and the like read files
// and URLs.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadNsgif',
    'VipsForeignLoadHeif',
    'VipsForeignLoadTiff',
  ],
});
// No image is decoded twice, so libvips' cache of operations would only hold memory.
sharp.cache(false);

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The header promises more work than is allowed. No pixel was decoded. */
export class ExceedsEstimate extends Error {
  override readonly name = 'ExceedsEstimate';
}

/**
 * Makes all the variants from one decode: upright, sRGB, without metadata, never enlarged.
 *
 * @param maxEstimatedMilliseconds the largest estimate with which an image is decoded. @default - any
 * @throws ImageError `unsupported-type`, `image-too-large`, `image-corrupt`
 * @throws ExceedsEstimate
 */
export const renderImage = async (
  bytes: Uint8Array,
  variants: readonly Variant[],
  limits: HeaderLimits,
  maxEstimatedMilliseconds?: number,
): Promise<Rendering> => {
  const isLimited = maxEstimatedMilliseconds !== undefined;
  if (isLimited && isCostlyHeader(bytes)) throw new ExceedsEstimate();
  const image = await orCorrupt(async () => open(bytes));
  const metadata = await orCorrupt(() => image.metadata());
  const original = checkHeader(metadata, limits);
  if (isLimited && estimateDecodeMilliseconds(metadata, bytes) > maxEstimatedMilliseconds) {
    throw new ExceedsEstimate();
  }
  // The image is decoded once, shrinking on load, at the largest scale that a variant needs.
  const scale = Math.max(...variants.map((variant) => scaleFor(original, variant)));
  const { data, info } = await orCorrupt(() =>
    image
      .autoOrient()
      .resize({ ...scaled(original, scale), fit: 'fill' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );
  if (info.channels > maxChannels) {
    return renderImage(await orCorrupt(() => withoutExtraChannels(bytes)), variants, limits);
  }
  clearHiddenColours(data, info.channels);
  const pixels = () =>
    sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  const encoded = Promise.all(variants.map((variant) => encode(pixels(), original, variant)));
  // The encoders run in other threads meanwhile.
  const thumbhash = placeholderOf(data, info);
  return { original, thumbnails: await encoded, thumbhash };
};

const open = (bytes: Uint8Array): Sharp =>
  sharp(bytes, {
    // For libjpeg, rubbish between valid markers is only a warning.
    failOn: 'warning',
    // checkHeader does this, with an error that names the limit.
    limitInputPixels: false,
    sequentialRead: true,
  });

/** Three colours and transparency. */
const maxChannels = 4;

/**
 * A TIFF may have channels that are no colour, such as masks. When libvips resizes, it treats the last one as
 * transparency, although that is the first one. A PNG keeps only the first.
 */
const withoutExtraChannels = (bytes: Uint8Array): Promise<Uint8Array> =>
  open(bytes).autoOrient().toColourspace('srgb').png({ compressionLevel: 0 }).toBuffer();

/** Transparent pixels may hide colours, even a whole picture, which PNG and AVIF would keep. */
const clearHiddenColours = (data: Uint8Array, channels: number): void => {
  if (channels % 2 !== 0) return;
  for (let alpha = channels - 1; alpha < data.byteLength; alpha += channels) {
    if (data[alpha] !== 0) continue;
    for (let sample = alpha - channels + 1; sample < alpha; sample += 1) data[sample] = 0;
  }
};

const checkHeader = (metadata: Metadata, limits: HeaderLimits): Size => {
  // sharp decodes only AVIF in a HEIF container.
  if (metadata.format === 'heif' && metadata.compression !== 'av1') {
    throw new ImageError(
      'unsupported-type',
      `The image is ${metadata.compression ?? 'unknown'} in a HEIF container.`,
    );
  }
  const { width, height } = metadata.autoOrient;
  // The pages of a HEIF container are other images than the one that is decoded.
  const frames = metadata.format === 'heif' ? 1 : (metadata.pages ?? 1);
  const { maxSidePixels, maxPixels, maxFrames, maxAnimationPixels } = limits;
  const tooLarge = (what: string, rule: string) =>
    new ImageError('image-too-large', `The image has ${what}. At most ${rule} are accepted.`);
  if (width > maxSidePixels || height > maxSidePixels) {
    throw tooLarge(`${width} x ${height} pixels`, `${maxSidePixels} on a side`);
  }
  if (width * height > maxPixels) throw tooLarge(`${width} x ${height} pixels`, `${maxPixels} in all`);
  if (frames > maxFrames) throw tooLarge(`${frames} frames`, `${maxFrames}`);
  if (width * height * frames > maxAnimationPixels) {
    throw tooLarge(`${frames} frames of ${width} x ${height} pixels`, `${maxAnimationPixels} in all frames`);
  }
  return { width, height };
};

/** The factor by which a variant shrinks the image: at most 1, because nothing is enlarged. */
const scaleFor = (size: Size, { width, height, fit }: Variant): number => {
  const pick = fit === 'cover' ? Math.max : Math.min;
  return Math.min(1, pick(width / size.width, height / size.height));
};

const scaled = ({ width, height }: Size, scale: number): Size => ({
  width: Math.max(1, Math.round(width * scale)),
  height: Math.max(1, Math.round(height * scale)),
});

const encode = async (image: Sharp, size: Size, variant: Variant) => {
  const { data, info } = await orCorrupt(() =>
    withFormat(fitted(image, size, variant).toColourspace('srgb'), variant).toBuffer({
      resolveWithObject: true,
    }),
  );
  return { bytes: data, width: info.width, height: info.height };
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

const maxReasonCharacters = 200;

/** libvips reports many lines. The first one about the image itself is enough. */
const reasonOf = (error: unknown): string => {
  const lines = (error instanceof Error ? error.message : String(error))
    .replaceAll(/[^\P{C}\n]/gu, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const useful = lines.find((line) => !/^source: bad seek|^Warning treated as error/.test(line));
  return (useful ?? lines[0] ?? 'no reason given').slice(0, maxReasonCharacters);
};

/** All bytes have arrived, so an error of libvips is the image's fault. */
const orCorrupt = async <Result>(decode: () => Promise<Result>): Promise<Result> => {
  try {
    return await decode();
  } catch (error) {
    throw new ImageError('image-corrupt', `The image cannot be decoded: ${reasonOf(error)}`, {
      cause: error,
    });
  }
};
