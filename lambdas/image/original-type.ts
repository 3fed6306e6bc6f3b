import { ImageError } from './errors.ts';
import { itemCodingIn, pictureCodings, trackCodingIn } from './iso-coding.ts';
import { type Markup, readMarkup } from './markup.ts';

/** What may be uploaded: media types, with the names that people know. */
export const acceptedTypes = {
  'image/jpeg': 'JPEG',
  'image/png': 'PNG',
  'image/webp': 'WebP',
  'image/gif': 'GIF',
  'image/avif': 'AVIF',
  'image/tiff': 'TIFF',
  'image/heic': 'HEIC',
} as const;

export type OriginalType = keyof typeof acceptedTypes;

/** Long enough for the comments with which drawing programs begin their files. */
const maxStartBytes = 4096;

const startOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, Math.min(byteLength, maxStartBytes));

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

/** The image type that the bytes themselves declare, whatever a header or file name claims. */
export const originalTypeOf = (bytes: Uint8Array): OriginalType | undefined => {
  if (startsWith(bytes, '\xff\xd8\xff')) return 'image/jpeg';
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return 'image/png';
  if (startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)) return 'image/webp';
  if (startsWith(bytes, 'GIF87a') || startsWith(bytes, 'GIF89a')) return 'image/gif';
  if (startsWith(bytes, 'II*\0') || startsWith(bytes, 'MM\0*')) return 'image/tiff';
  // BigTIFF, for files of more than 4 GiB.
  if (startsWith(bytes, 'II+\0') || startsWith(bytes, 'MM\0+')) return 'image/tiff';
  return isoTypeOf(bytes, isoBrands(bytes));
};

/** Brands of pictures and sequences in any coding (ISO/IEC 23008-12 and 23000-22; AVIF, 8). */
const generalBrands = ['mif1', 'mif2', 'msf1', 'miaf', 'MA1A', 'MA1B'];
const avifBrands = new Set(['avif', 'avis', ...generalBrands]);

/** The coding decides, as far as the start of a file names one. A film may be coded like a picture. */
const isoTypeOf = (bytes: Uint8Array, brands: readonly string[]): OriginalType | undefined => {
  if (brands.length === 0) return undefined;
  const isPicture = brands.some((brand) => avifBrands.has(brand) || heicBrands.has(brand));
  const start = startOf(bytes).toString('latin1');
  const coding = itemCodingIn(start) ?? (isPicture ? trackCodingIn(start) : undefined);
  if (coding === 'av01') return 'image/avif';
  if (coding === 'hvc1' || coding === 'hev1') return 'image/heic';
  // AVIF may have a thumbnail in another coding, and that may come first.
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return 'image/avif';
  return coding === undefined && brands.some((brand) => heicBrands.has(brand)) ? 'image/heic' : undefined;
};

/**
 * @param acceptsHeic the setting `heic`
 * @throws ImageError `unsupported-type`, which names what the bytes are instead
 */
export const requireAcceptedType = (bytes: Uint8Array, acceptsHeic: boolean): OriginalType => {
  const type = originalTypeOf(bytes);
  if (type === undefined) throw unsupportedType(bytes, acceptsHeic);
  if (type === 'image/heic' && !acceptsHeic) throw heicIsOff();
  return type;
};

const heicIsOff = (): ImageError =>
  new ImageError(
    'unsupported-type',
    `The image is HEIC, which is switched off here: "heic": true in cdk.json enables it. ${acceptedNames(false)}`,
  );

const acceptedNames = (acceptsHeic: boolean): string => {
  const names = Object.entries(acceptedTypes).filter(([type]) => acceptsHeic || type !== 'image/heic');
  return `Accepted are ${names.map(([, name]) => name).join(', ')}.`;
};

/** The error for bytes that have no accepted type. */
export const unsupportedType = (bytes: Uint8Array, acceptsHeic: boolean): ImageError => {
  const found = isForm(bytes)
    ? `${form}. Send only the image, without a form: curl does with --data-binary "@photo.jpg".`
    : `${describeRefused(bytes)}. ${acceptedNames(acceptsHeic)}`;
  return new ImageError('unsupported-type', `The image is ${found}`);
};

const form = 'in a form (multipart/form-data)';

/** A boundary has at most 70 characters (RFC 2046, 5.1.1), and a few headers follow. */
const maxFormHeadBytes = 1024;

/** Whether the bytes begin as the body of a form does, with a boundary and the headers of its first field. */
const isForm = (bytes: Uint8Array): boolean => {
  if (!startsWith(bytes, '--')) return false;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, maxFormHeadBytes));
  const [headers = ''] = head.toString('latin1').split('\r\n\r\n', 1);
  return headers.toLowerCase().includes('\r\ncontent-disposition: form-data');
};

/** Names the kind of bytes that are not accepted, in a word or two. */
export const describeRefused = (bytes: Uint8Array): string => {
  if (bytes.byteLength === 0) return 'empty';
  if (isForm(bytes)) return form;
  const head = startOf(bytes);
  const start = head.toString('latin1');
  if (isoBrands(bytes).length > 0) {
    const coding = pictureCodings.get(itemCodingIn(start) ?? '');
    return coding === undefined ? 'a video or another ISO media file' : `${coding} in a HEIF container`;
  }
  const text = textOf(head) ?? start;
  if (text.trimStart().startsWith('%PDF-')) return 'PDF';
  const markup = describeMarkup(readMarkup(text));
  if (markup !== undefined) return markup;
  if (start.startsWith('BM')) return 'BMP';
  if (start.startsWith('\0\0\x01\0')) return 'ICO';
  if (start.startsWith('\xff\x0a') || start.startsWith('\0\0\0\x0cJXL ')) return 'JPEG XL';
  if (start.startsWith('\0\0\0\x0cjP  ')) return 'JPEG 2000';
  if (start.startsWith('8BPS')) return 'PSD';
  if (start.startsWith('PK\x03\x04')) return 'a ZIP archive';
  // Bytes from 0x80 may be letters, in UTF-8 and in other 8-bit encodings.
  if (/^[\t\n\r\x20-\x7e\x80-\u{10ffff}]*$/u.test(text)) return 'text';
  return 'unknown data';
};

const heicBrands = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1']);

const encodings = [
  { mark: '\xef\xbb\xbf', encoding: 'utf-8' },
  { mark: '\xff\xfe', encoding: 'utf-16le' },
  { mark: '\xfe\xff', encoding: 'utf-16be' },
  // XML 1.0, appendix F: without a byte order mark, the first "<" shows the encoding.
  { mark: '<\0', encoding: 'utf-16le' },
  { mark: '\0<', encoding: 'utf-16be' },
] as const;

/** Decodes text that begins with the mark of a Unicode encoding. */
const textOf = (bytes: Uint8Array): string | undefined => {
  const found = encodings.find(({ mark }) => startsWith(bytes, mark));
  return found && new TextDecoder(found.encoding).decode(bytes);
};

const describeMarkup = ({ hasXmlDeclaration, doctype, element }: Markup): string | undefined => {
  if (doctype === 'html') return 'HTML';
  if (element === 'svg' || (element === undefined && doctype === 'svg')) return 'SVG';
  if (element === 'html' || element === 'head' || element === 'body') return 'HTML';
  return hasXmlDeclaration || doctype !== undefined ? 'XML' : undefined;
};
