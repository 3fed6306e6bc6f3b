import { type OriginalType, originalTypeOf, unsupportedType } from '../../../image/original-type.ts';
import type { Format } from './format.ts';
import { gif } from './gif.ts';
import { jpeg } from './jpeg.ts';
import { openWithLibvips } from './libvips.ts';
import type { OpenOriginal } from './original.ts';
import { png } from './png.ts';
import { webp } from './webp.ts';

const formats: Readonly<Record<OriginalType, Format>> = {
  'image/jpeg': jpeg,
  'image/png': png,
  'image/webp': webp,
  'image/gif': gif,
  'image/avif': {},
  'image/tiff': {},
};

/**
 * Reads an original's header.
 *
 * @throws ImageError `unsupported-type`, `image-corrupt`
 */
export const openOriginal = async (bytes: Uint8Array): Promise<OpenOriginal> => {
  const type = originalTypeOf(bytes);
  if (type === undefined) throw unsupportedType(bytes);
  return openWithLibvips(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), formats[type]);
};
