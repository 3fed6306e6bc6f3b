import { avifSize } from './thumbnail-formats/avif.ts';
import { InvalidThumbnail, type Size } from './thumbnail-formats/bytes.ts';
import { jpegSize } from './thumbnail-formats/jpeg.ts';
import { pngSize } from './thumbnail-formats/png.ts';
import { animatedWebpSize, isAnimatedWebp, webpSize } from './thumbnail-formats/webp.ts';
import type { Variant } from './variant.ts';

export { InvalidThumbnail } from './thumbnail-formats/bytes.ts';

export interface ExpectedThumbnail {
  readonly format: Variant['format'];
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** The most bytes of an animation. @default - it must be a still picture */
  readonly maxAnimationBytes?: number | undefined;
}

/** What a variant's thumbnails must be. */
export const expectedOf = ({ format, width, height, maxAnimationBytes }: Variant): ExpectedThumbnail => ({
  format,
  maxWidth: width,
  maxHeight: height,
  maxAnimationBytes,
});

const sizeReaders: Readonly<Record<Variant['format'], (bytes: Uint8Array) => Size>> = {
  webp: webpSize,
  jpeg: jpegSize,
  png: pngSize,
  avif: avifSize,
};

/**
 * No thumbnail of so many pixels has more bytes. Noise, at the highest quality and with alpha, takes 5.7
 * bytes a pixel as AVIF and 4 in the other formats; headers and palettes come on top.
 */
export const maxThumbnailBytes = ({ width, height }: Size): number => 8 * width * height + 65_536;

/** The most bytes of any thumbnail of a variant. */
export const maxBytesOf = (variant: Variant): number =>
  Math.max(maxThumbnailBytes(variant), variant.maxAnimationBytes ?? 0);

/**
 * Checks that these bytes are one picture, or an animation if that is expected, as our encoders write it: of
 * this format, no larger than expected, without metadata and without anything before, between or after its
 * parts. The process that wrote them has decoded a stranger's image, so it is not trusted. Only lengths and
 * headers are read, once from start to end; nothing is decoded. What the picture shows cannot be checked.
 *
 * @returns the size that the file itself has
 * @throws InvalidThumbnail
 */
export const verifyThumbnail = (bytes: Uint8Array, expected: ExpectedThumbnail): Size => {
  const { maxAnimationBytes } = expected;
  const isAnimated = maxAnimationBytes !== undefined && expected.format === 'webp' && isAnimatedWebp(bytes);
  const size = isAnimated ? animatedWebpSize(bytes, maxThumbnailBytes) : sizeReaders[expected.format](bytes);
  const { width, height } = size;
  if (width < 1 || height < 1 || width > expected.maxWidth || height > expected.maxHeight) {
    throw new InvalidThumbnail(
      `it has ${width} x ${height} pixels, and at most ${expected.maxWidth} x ${expected.maxHeight} are expected`,
    );
  }
  const maxBytes = isAnimated ? maxAnimationBytes : maxThumbnailBytes(size);
  if (bytes.byteLength > maxBytes) {
    throw new InvalidThumbnail(`${bytes.byteLength} bytes are too many for ${width} x ${height} pixels`);
  }
  return size;
};
