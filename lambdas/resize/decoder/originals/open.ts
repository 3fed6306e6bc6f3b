import { type OriginalType, originalTypeOf, requireAcceptedType } from '../../../image/original-type.ts';
import type { Acceptance } from '../../environment.ts';
import { openAvif } from './avif.ts';
import type { Format } from './format.ts';
import { gif } from './gif.ts';
import { loadHeicDecoder } from './heic/decoder.ts';
import { openHeic } from './heic.ts';
import { readIsoFile } from './iso-boxes.ts';
import { codingOf, unsupportedCoding } from './iso-coding.ts';
import { jpeg } from './jpeg.ts';
import { openWithLibvips } from './libvips.ts';
import type { OpenOriginal } from './original.ts';
import { png } from './png.ts';
import { openTiff } from './tiff.ts';
import { webp } from './webp.ts';

const withLibvips =
  (format: Format) =>
  (bytes: Buffer): Promise<OpenOriginal> =>
    openWithLibvips(bytes, format);

/**
 * Loads what decodes this type, if that takes long, before the image is measured: only the first HEIC of a
 * process needs libheif.
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
  return openers[type](Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
};

/** The type is known from the start of a file, and how its picture is coded from all of it. */
const openIso =
  (type: 'image/avif' | 'image/heic') =>
  async (bytes: Buffer): Promise<OpenOriginal> => {
    const file = readIsoFile(bytes);
    const coding = file && codingOf(file);
    if (coding === 'av01') return openAvif(bytes);
    const isHevc = coding === 'hvc1' || coding === 'hev1';
    if (coding === undefined || (isHevc && type === 'image/heic')) {
      return type === 'image/heic' ? openHeic(bytes) : openAvif(bytes);
    }
    throw unsupportedCoding(coding);
  };

const openers: Readonly<Record<OriginalType, (bytes: Buffer) => Promise<OpenOriginal>>> = {
  'image/jpeg': withLibvips(jpeg),
  'image/png': withLibvips(png),
  'image/webp': withLibvips(webp),
  'image/gif': withLibvips(gif),
  'image/avif': openIso('image/avif'),
  'image/tiff': openTiff,
  'image/heic': openIso('image/heic'),
};
