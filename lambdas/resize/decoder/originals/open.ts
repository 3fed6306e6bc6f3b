import { type OriginalType, originalTypeOf, unsupportedType } from '../../../image/original-type.ts';
import type { Format } from './format.ts';
import { openHeic } from './heic.ts';
import { jpeg } from './jpeg.ts';
import { openWithLibvips } from './libvips.ts';
import type { OpenOriginal } from './original.ts';

const formats: Readonly<Record<Exclude<OriginalType, 'image/heic'>, Format>> = {
  'image/jpeg': jpeg,
  'image/png': {},
  'image/webp': {},
  'image/gif': {},
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
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return type === 'image/heic' ? openHeic(buffer) : openWithLibvips(buffer, formats[type]);
};
