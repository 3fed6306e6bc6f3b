import { type OriginalType, originalTypeOf, requireAcceptedType } from '../../../image/original-type.ts';
import type { Acceptance } from '../../environment.ts';
import { openAvif } from './avif.ts';
import type { Format } from './format.ts';
import { loadHeicDecoder } from './heic/decoder.ts';
import { openHeic } from './heic.ts';
import { readIsoFile } from './iso-boxes.ts';
import { codingOf, unsupportedCoding } from './iso-coding.ts';
import { jpeg } from './jpeg.ts';
import { openWithLibvips } from './libvips.ts';
import type { OpenOriginal } from './original.ts';

type IsoType = 'image/avif' | 'image/heic';

const formats: Readonly<Record<Exclude<OriginalType, IsoType>, Format>> = {
  'image/jpeg': jpeg,
  'image/png': {},
  'image/webp': {},
  'image/gif': {},
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
  if (type === 'image/avif' || type === 'image/heic') return openIso(buffer, type);
  return openWithLibvips(buffer, formats[type]);
};

/** The type is known from the start of a file, and how its picture is coded from all of it. */
const openIso = async (bytes: Buffer, type: IsoType): Promise<OpenOriginal> => {
  const file = readIsoFile(bytes);
  const coding = file && codingOf(file);
  if (coding === 'av01') return openAvif(bytes);
  const isHevc = coding === 'hvc1' || coding === 'hev1';
  if (coding === undefined || (isHevc && type === 'image/heic')) {
    return type === 'image/heic' ? openHeic(bytes) : openAvif(bytes);
  }
  throw unsupportedCoding(coding);
};
