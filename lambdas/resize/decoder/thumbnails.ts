import { ftruncateSync, readSync } from 'node:fs';
import { expectedOf, InvalidThumbnail, maxBytesOf, verifyThumbnail } from '../../image/thumbnail-file.ts';
import type { Variant } from '../../image/variant.ts';
import type { DescribedThumbnail, RenderedThumbnail } from './protocol.ts';

type Size = Pick<RenderedThumbnail, 'width' | 'height'>;

/** The decoder did not do what it replied. An image may have taken it over. */
export class MalformedReply extends Error {
  override readonly name = 'MalformedReply';
}

/**
 * Reads the thumbnails that a decoder left in the file, one after the other, and empties the file. Each must
 * be a picture and nothing else, because its bytes may come from an image that took over the decoder.
 *
 * @throws MalformedReply
 */
export const readThumbnails = (
  file: number,
  described: readonly DescribedThumbnail[],
  variants: readonly Variant[],
): readonly RenderedThumbnail[] => {
  if (described.length !== variants.length) throw new MalformedReply('number of thumbnails');
  let position = 0;
  const thumbnails = described.map(({ bytes: length, ...size }, index) => {
    const variant = variants[index];
    if (variant === undefined || length > maxBytesOf(variant)) {
      throw new MalformedReply('length of a thumbnail');
    }
    const bytes = readFully(file, position, length);
    position += length;
    requireThumbnail(bytes, variant, size);
    return { bytes, ...size };
  });
  ftruncateSync(file, 0);
  return thumbnails;
};

const readFully = (file: number, position: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const count = readSync(file, bytes, filled, length - filled, position + filled);
    if (count === 0) throw new MalformedReply('bytes of a thumbnail');
    filled += count;
  }
  return bytes;
};

const requireThumbnail = (bytes: Buffer, variant: Variant, described: Size): void => {
  try {
    const size = verifyThumbnail(bytes, expectedOf(variant));
    if (size.width === described.width && size.height === described.height) return;
  } catch (error) {
    if (!(error instanceof InvalidThumbnail)) throw error;
    throw new MalformedReply(`thumbnail: ${error.message}`, { cause: error });
  }
  throw new MalformedReply('size of a thumbnail');
};
