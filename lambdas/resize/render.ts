import sharp, { type Metadata, type OutputInfo, type Sharp } from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';
import { ImageError } from '../image/errors.ts';
import type { Variant } from '../image/variant.ts';
import type { Rendering } from './decoder-protocol.ts';
import type { HeaderLimits } from './environment.ts';
import { isCostlyHeader } from './header-cost.ts';
import { estimateDecodeMilliseconds } from './lanes.ts';

// Only the loaders of the accepted types may ever see a byte: SVG, PDF, ImageMagick and the like read files and URLs.
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
// Every image is decoded once: libvips' cache of operations would only hold memory.
sharp.cache(false);

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The header promises more work than was asked for. No pixel was decoded. */
export class ExceedsEstimate extends Error {
  override readonly name = 'ExceedsEstimate';
}

/**
 * Makes all the variants from one decode: upright, sRGB, without metadata, never enlarged.
 *
 * @param maxEstimatedMilliseconds CPU time that the image may be estimated to take. @default - any
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
  const image = await judged(async () => open(bytes));
  const metadata = await judged(() => image.metadata());
  const original = checkHeader(metadata, limits);
  if (isLimited && estimateDecodeMilliseconds(metadata, bytes) > maxEstimatedMilliseconds) {
    throw new ExceedsEstimate();
  }
  // The largest that any variant needs is decoded once, shrinking on load; all others come from its pixels.
  const scale = Math.max(...variants.map((variant) => scaleFor(original, variant)));
  const { data, info } = await judged(() =>
    image
      .autoOrient()
      .resize({ ...scaled(original, scale), fit: 'fill' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );
  if (info.channels > maxChannels) {
    return renderImage(await judged(() => withoutExtraChannels(bytes)), variants, limits);
  }
  clearHiddenColours(data, info.channels);
  const pixels = () =>
    sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  const encoded = Promise.all(variants.map((variant) => encode(pixels(), original, variant)));
  // Meanwhile: the encoders run in other threads.
  const thumbhash = placeholder(data, info);
  return { original, thumbnails: await encoded, thumbhash };
};

const open = (bytes: Uint8Array): Sharp =>
  sharp(bytes, {
    // "warning" also catches what libjpeg calls a mere warning: rubbish between valid markers.
    failOn: 'warning',
    // Judged on the header, with a code and the limit; nothing is decoded before.
    limitInputPixels: false,
    sequentialRead: true,
  });

/** Three colours and their transparency. */
const maxChannels = 4;

/**
 * A TIFF may have channels that are no colour, masks for example. libvips takes the last one for the transparency when it
 * resizes, and a mask would make the picture black; it is the first of them, and a PNG has no room for others.
 */
const withoutExtraChannels = (bytes: Uint8Array): Promise<Uint8Array> =>
  open(bytes).autoOrient().toColourspace('srgb').png({ compressionLevel: 0 }).toBuffer();

/** A pixel that nobody sees may hide a colour, even a whole picture: PNG and AVIF would keep it. */
const clearHiddenColours = (data: Uint8Array, channels: number): void => {
  if (channels % 2 !== 0) return;
  for (let alpha = channels - 1; alpha < data.byteLength; alpha += channels) {
    if (data[alpha] !== 0) continue;
    for (let sample = alpha - channels + 1; sample < alpha; sample += 1) data[sample] = 0;
  }
};

/** A ThumbHash takes at most 100 pixels a side and keeps seven waves of them: 32 give a photo one that looks the same. */
const placeholderSide = 32;

/** How many pixels a side are averaged, evenly spread, for one of the placeholder's: of more, the mean hardly changes. */
const samplesPerSide = 4;

/** Averages the pixels itself: 0.1 ms, where one more pipeline of libvips costs 1.3 ms (320 x 240 pixels). */
const placeholder = (data: Uint8Array, { width, height, channels }: OutputInfo): string => {
  const scale = Math.min(1, placeholderSide / Math.max(width, height));
  const small = scaled({ width, height }, scale);
  const rgba = new Uint8Array(small.width * small.height * 4);
  const stepX = width / small.width;
  const stepY = height / small.height;
  const samplesX = Math.min(samplesPerSide, Math.ceil(stepX));
  const samplesY = Math.min(samplesPerSide, Math.ceil(stepY));
  for (let y = 0, to = 0; y < small.height; y += 1) {
    for (let x = 0; x < small.width; x += 1, to += 4) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let alpha = 0;
      for (let row = 0; row < samplesY; row += 1) {
        const line = Math.floor((y + (row + 0.5) / samplesY) * stepY) * width;
        for (let column = 0; column < samplesX; column += 1) {
          const from = (line + Math.floor((x + (column + 0.5) / samplesX) * stepX)) * channels;
          // What is transparent has no colour.
          const weight = channels === 4 ? (data[from + 3] ?? 0) : 255;
          red += (data[from] ?? 0) * weight;
          green += (data[from + 1] ?? 0) * weight;
          blue += (data[from + 2] ?? 0) * weight;
          alpha += weight;
        }
      }
      rgba[to] = red / (alpha || 1);
      rgba[to + 1] = green / (alpha || 1);
      rgba[to + 2] = blue / (alpha || 1);
      rgba[to + 3] = alpha / (samplesX * samplesY);
    }
  }
  return Buffer.from(rgbaToThumbHash(small.width, small.height, rgba)).toString('base64');
};

const checkHeader = (metadata: Metadata, limits: HeaderLimits): Size => {
  // A HEIF container is accepted for AVIF only: the decoder of its other codecs is not there.
  if (metadata.format === 'heif' && metadata.compression !== 'av1') {
    throw new ImageError(
      'unsupported-type',
      `The image is ${metadata.compression ?? 'unknown'} in a HEIF container.`,
    );
  }
  const { width, height } = metadata.autoOrient;
  // The pages of a HEIF container are images that have nothing to do with the one that is decoded.
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

/** How much a variant shrinks the image: 1 at most, because nothing is enlarged. */
const scaleFor = (size: Size, { width, height, fit }: Variant): number => {
  const pick = fit === 'cover' ? Math.max : Math.min;
  return Math.min(1, pick(width / size.width, height / size.height));
};

const scaled = ({ width, height }: Size, scale: number): Size => ({
  width: Math.max(1, Math.round(width * scale)),
  height: Math.max(1, Math.round(height * scale)),
});

const encode = async (image: Sharp, size: Size, variant: Variant) => {
  const { data, info } = await judged(() =>
    withFormat(fitted(image, size, variant).toColourspace('srgb'), variant).toBuffer({
      resolveWithObject: true,
    }),
  );
  return { bytes: data, width: info.width, height: info.height };
};

/** The sizes are our own, not libvips', so that all variants round the same way and none is enlarged. */
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

/** Encoder settings by measurement: WebP effort 2 costs 1.09 of JPEG, effort 4 1.24; AVIF effort 4 costs 4 x effort 3. */
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

/** libvips tells all that it met on its way, on many lines: the first that says something of the image is enough. */
const reasonOf = (error: unknown): string => {
  const lines = (error instanceof Error ? error.message : String(error))
    .replaceAll(/[^\P{C}\n]/gu, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const telling = lines.find((line) => !/^source: bad seek|^Warning treated as error/.test(line));
  return (telling ?? lines[0] ?? 'no reason given').slice(0, maxReasonCharacters);
};

/** What libvips refuses once all bytes have arrived is the image's fault, for good. */
const judged = async <Result>(decode: () => Promise<Result>): Promise<Result> => {
  try {
    return await decode();
  } catch (error) {
    throw new ImageError('image-corrupt', `The image cannot be decoded: ${reasonOf(error)}`, {
      cause: error,
    });
  }
};
