import { ImageError } from './errors.ts';

/** What may be uploaded: media type -> the name that people know it by. */
export const acceptedTypes = {
  'image/jpeg': 'JPEG',
  'image/png': 'PNG',
  'image/webp': 'WebP',
  'image/gif': 'GIF',
  'image/avif': 'AVIF',
  'image/tiff': 'TIFF',
} as const;

export type OriginalType = keyof typeof acceptedTypes;

const startsWith = (bytes: Uint8Array, text: string, offset = 0): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .subarray(offset, offset + text.length)
    .equals(Buffer.from(text, 'latin1'));

/** The major and compatible brands of an ISO base media file (ISO/IEC 14496-12, box `ftyp`), or none. */
const isoBrands = (bytes: Uint8Array): readonly string[] => {
  if (!startsWith(bytes, 'ftyp', 4)) return [];
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(header.readUInt32BE(0), header.length, 512);
  const brands = [];
  for (let offset = 8; offset + 4 <= end; offset += 4) {
    if (offset !== 12) brands.push(header.toString('latin1', offset, offset + 4));
  }
  return brands;
};

/** The image type that the bytes themselves declare, whatever a header or a file name says. */
export const originalTypeOf = (bytes: Uint8Array): OriginalType | undefined => {
  if (startsWith(bytes, '\xff\xd8\xff')) return 'image/jpeg';
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return 'image/png';
  if (startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)) return 'image/webp';
  if (startsWith(bytes, 'GIF87a') || startsWith(bytes, 'GIF89a')) return 'image/gif';
  if (startsWith(bytes, 'II*\0') || startsWith(bytes, 'MM\0*')) return 'image/tiff';
  // BigTIFF, for files that may pass 4 GiB.
  if (startsWith(bytes, 'II+\0') || startsWith(bytes, 'MM\0+')) return 'image/tiff';
  if (isoBrands(bytes).some((brand) => brand === 'avif' || brand === 'avis')) return 'image/avif';
  return undefined;
};

/** @throws ImageError `unsupported-type`, which says what the bytes are instead */
export const requireAcceptedType = (bytes: Uint8Array): OriginalType => {
  const type = originalTypeOf(bytes);
  if (type !== undefined) return type;
  const accepted = Object.values(acceptedTypes).join(', ');
  throw new ImageError(
    'unsupported-type',
    `The image is ${describeRefused(bytes)}. Accepted are ${accepted}.`,
  );
};

/** A word or two for bytes that are not accepted, so that a refusal says what was sent. */
export const describeRefused = (bytes: Uint8Array): string => {
  if (bytes.byteLength === 0) return 'empty';
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024)).toString(
    'latin1',
  );
  const text = start.replace(/^\xef\xbb\xbf/, '').trimStart();
  const brands = isoBrands(bytes);
  if (brands.some((brand) => /^(?:hei[cxms]|hev[cx]|mif1|msf1)$/.test(brand))) return 'HEIC';
  if (brands.length > 0) return 'a video or another ISO media file';
  if (text.startsWith('%PDF-')) return 'PDF';
  if (/^(?:<\?xml[^>]*>|<!--[\s\S]*?-->|<!DOCTYPE svg[^>]*>|\s)*<svg[\s>]/i.test(text)) return 'SVG';
  if (/^(?:<!DOCTYPE html|<html|<head|<body)/i.test(text)) return 'HTML';
  if (start.startsWith('BM')) return 'BMP';
  if (start.startsWith('\0\0\x01\0')) return 'ICO';
  if (start.startsWith('\xff\x0a') || start.startsWith('\0\0\0\x0cJXL ')) return 'JPEG XL';
  if (start.startsWith('\0\0\0\x0cjP  ')) return 'JPEG 2000';
  if (start.startsWith('8BPS')) return 'PSD';
  if (start.startsWith('PK\x03\x04')) return 'a ZIP archive';
  if (/^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(start)) return 'text';
  return 'unknown data';
};
