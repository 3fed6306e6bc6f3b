import { type OriginalType, originalTypeOf, requireAcceptedType } from '../../../image/original-type.ts';
import type { Acceptance } from '../../environment.ts';
import type { Format } from './format.ts';
import { loadHeicDecoder } from './heic/decoder.ts';
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
 * Loads what decodes this type, if that takes long, before the image is measured: libheif for the first HEIC
 * of a process.
 */
export const loadDecoderFor = async (
  bytes: Uint8Array,
  { heic }: Pick<Acceptance, 'heic'>,
): Promise<void> => {
  if (heic && originalTypeOf(bytes) === 'image/heic') await loadHeicDecoder();
};

/**
 * Reads an original's header.
 *
 * @throws ImageError `unsupported-type`, `image-corrupt`
 */
export const openOriginal = async (
  bytes: Uint8Array,
  { heic }: Pick<Acceptance, 'heic'>,
): Promise<OpenOriginal> => {
  const type = requireAcceptedType(bytes, heic);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return type === 'image/heic' ? openHeic(buffer) : openWithLibvips(buffer, formats[type]);
};
