import { avifSize } from './thumbnail-formats/avif.ts';
import { InvalidThumbnail, type Size } from './thumbnail-formats/bytes.ts';
import { jpegSize } from './thumbnail-formats/jpeg.ts';
import { pngSize } from './thumbnail-formats/png.ts';
import { webpSize } from './thumbnail-formats/webp.ts';
import type { Variant } from './variant.ts';

export { InvalidThumbnail } from './thumbnail-formats/bytes.ts';

export interface ExpectedThumbnail {
  readonly format: Variant['format'];
  readonly maxWidth: number;
  readonly maxHeight: number;
}

const sizeReaders: Readonly<Record<Variant['format'], (bytes: Uint8Array) => Size>> = {
  webp: webpSize,
  jpeg: jpegSize,
  png: pngSize,
  avif: avifSize,
};

/**
 * More than the largest thumbnail of so many pixels. Noise, at the highest quality and with alpha, takes 5.7 bytes a pixel as
 * AVIF and 4 as the other formats (measured with sharp 0.35.5); headers and palettes come on top.
 */
const maxBytesOf = ({ width, height }: Size): number => 8 * width * height + 65_536;

/**
 * Checks that these bytes are one picture as our encoders write it: of this format, no larger than promised, without metadata
 * and without anything before, between or after its parts. The process that wrote them has decoded an image of a stranger, so
 * its word is not enough. Nothing is decoded here: only lengths and headers are read, once from the start to the end.
 *
 * What the picture shows is not checked, and cannot be.
 *
 * @returns the size that the file itself has
 * @throws InvalidThumbnail
 */
export const verifyThumbnail = (bytes: Uint8Array, expected: ExpectedThumbnail): Size => {
  const size = sizeReaders[expected.format](bytes);
  const { width, height } = size;
  if (width < 1 || height < 1 || width > expected.maxWidth || height > expected.maxHeight) {
    throw new InvalidThumbnail(
      `it has ${width} x ${height} pixels, and at most ${expected.maxWidth} x ${expected.maxHeight} are expected`,
    );
  }
  const maxBytes = maxBytesOf(size);
  if (bytes.byteLength > maxBytes) {
    throw new InvalidThumbnail(`${bytes.byteLength} bytes are too many for ${width} x ${height} pixels`);
  }
  return size;
};
