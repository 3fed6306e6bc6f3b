import {
  acceptedTypes,
  describeRefused,
  originalTypeOf,
  requireAcceptedType,
} from '../../../lambdas/image/original-type.ts';
import { quarteredPicture, svg } from '../../images.ts';

test.each([
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['avif', 'image/avif'],
  ['tiff', 'image/tiff'],
] as const)('knows a %s by its bytes', async (format, contentType) => {
  const bytes = await quarteredPicture(16, 16).toFormat(format).toBuffer();
  expect(originalTypeOf(bytes)).toBe(contentType);
  expect(Object.keys(acceptedTypes)).toContain(contentType);
});

test.each([
  ['big-endian TIFF', 'MM\0*'],
  ['BigTIFF', 'II+\0'],
])('knows a %s', (_, magic) => {
  expect(originalTypeOf(Buffer.from(magic, 'latin1'))).toBe('image/tiff');
});

test('recognizes an AVIF by its compatible brands', () => {
  const box = Buffer.from('\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf', 'latin1');
  expect(originalTypeOf(box)).toBe('image/avif');
});

const brandsOf = (...brands: readonly string[]): string =>
  `\0\0\0${String.fromCharCode(12 + 4 * brands.length)}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`;

/** Items without their other boxes. Their versions are 2, and 3 for longer ids. */
const entryOf = (coding: string, version = 2): string =>
  version === 2
    ? `\0\0\0\x15infe\x02\0\0\0\0\x01\0\0${coding}\0`
    : `\0\0\0\x17infe\x03\0\0\0\0\0\0\x01\0\0${coding}\0`;

const samplesOf = (coding: string): string => `stsd\0\0\0\0\0\0\0\x01\0\0\0\x99${coding}`;

test.each([
  ['pictures of any coding', brandsOf('mif1', 'miaf') + entryOf('av01')],
  ['pictures of any coding, with long ids', brandsOf('mif1') + entryOf('av01', 3)],
  ['a profile of AVIF', brandsOf('MA1A') + entryOf('Exif') + entryOf('av01')],
  ['another coding', brandsOf('heic', 'mif1') + entryOf('av01')],
  ['sequences of any coding', brandsOf('msf1') + samplesOf('av01')],
])('recognizes an AVIF by its coding, under a brand of %s', (_, file) => {
  expect(originalTypeOf(Buffer.from(file, 'latin1'))).toBe('image/avif');
});

test.each([
  ['without a known coding', brandsOf('heic', 'mif1')],
  ['by its coding', brandsOf('avif', 'avif') + entryOf('hvc1')],
  ['by the coding of a sequence', brandsOf('msf1') + samplesOf('hev1')],
])('recognizes a HEIC %s', (_, file) => {
  expect(originalTypeOf(Buffer.from(file, 'latin1'))).toBe('image/heic');
});

test.each([
  ['AVC in a HEIF container', brandsOf('mif1', 'avci') + entryOf('avc1')],
  ['JPEG in a HEIF container', brandsOf('jpeg') + entryOf('hidn') + entryOf('jpeg')],
  ['a video or another ISO media file', brandsOf('isom') + samplesOf('av01')],
  ['a video or another ISO media file', brandsOf('isom') + entryOf('mime')],
])('refuses %s', (name, file) => {
  const bytes = Buffer.from(file, 'latin1');
  expect(originalTypeOf(bytes)).toBeUndefined();
  expect(describeRefused(bytes)).toBe(name);
});

test('reads the bytes of a view, not of its buffer', async () => {
  const png = await quarteredPicture(16, 16).png().toBuffer();
  const padded = Buffer.concat([Buffer.from('%PDF-1.7'), png]);
  expect(originalTypeOf(new Uint8Array(padded.buffer, padded.byteOffset + 8, png.length))).toBe('image/png');
});

/** What "curl -F file=@photo.jpg" sends. */
const form = (): Buffer =>
  Buffer.from(
    '--------------------------8d3a\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n' +
      'Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\0\r\n--------------------------8d3a--\r\n',
    'latin1',
  );

test('names the way that works to who sends a form', () => {
  expect(() => requireAcceptedType(form(), true)).toThrow(
    expect.objectContaining({
      code: 'unsupported-type',
      message: expect.stringMatching(/multipart\/form-data.*--data-binary/),
    }),
  );
});

test.each([
  ['SVG', svg()],
  ['SVG', Buffer.from('\ufeff  <!-- a picture --><SVG width="1">')],
  ['SVG', Buffer.from('<?xml version="1.0"?>\n<!-- > one --><!-- <html> --><svg/>')],
  ['SVG', Buffer.from('<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "a>b"><svg\n>')],
  ['SVG', Buffer.from('<!DOCTYPE svg [<!ENTITY a "]>"><!-- " ]> --><!ENTITY b "&a;">]>\n<svg>&b;</svg>')],
  ['SVG', Buffer.from(`<!--${' a long licence'.repeat(200)}--><svg:svg xmlns:svg="x">`)],
  ['SVG', Buffer.from(`<!DOCTYPE svg [${'<!ENTITY a "b">'.repeat(400)}]><svg>`)],
  ['SVG', Buffer.from('\ufeff<?xml version="1.0" encoding="utf-16"?><svg>', 'utf16le')],
  ['SVG', Buffer.from('<svg>', 'utf16le')],
  ['SVG', Buffer.from('\ufeff<!-- ö --><svg>', 'utf16le').swap16()],
  ['XML', Buffer.from('<?xml version="1.0"?><!-- <svg> --><note>')],
  ['XML', Buffer.from('<!DOCTYPE note SYSTEM "note.dtd">\n<note>')],
  ['PDF', Buffer.from('%PDF-1.7\n')],
  ['HTML', Buffer.from('\n<!doctype html><html>')],
  ['HTML', Buffer.from('<!-- saved --> <!DOCTYPE  HTML PUBLIC "-//W3C//DTD HTML 4.01//EN"><svg>')],
  ['HTML', Buffer.from('<BODY onload="">')],
  ['a video or another ISO media file', Buffer.from('\0\0\0\x14ftypmp42\0\0\0\0isom', 'latin1')],
  ['BMP', Buffer.from('BM6\0\0\0', 'latin1')],
  ['JPEG XL', Buffer.from('\xff\x0a\0\0', 'latin1')],
  ['a ZIP archive', Buffer.from('PK\x03\x04', 'latin1')],
  ['text', Buffer.from('hello, wörld')],
  ['text', Buffer.from('\ufeffhello, wörld', 'utf16le')],
  ['text', Buffer.from('<!-- a comment without an end <svg>')],
  ['text', Buffer.from('hello <svg>')],
  ['text', Buffer.from('<svgs>')],
  ['text', Buffer.from('</svg>')],
  ['in a form (multipart/form-data)', form()],
  ['text', Buffer.from('-- a note\r\n\r\nContent-Disposition: form-data')],
  ['unknown data', Buffer.from('\ufeff\u0001\u0002', 'utf16le')],
  ['unknown data', Buffer.from([0, 1, 2, 3])],
])('calls what it refuses %s', (name, bytes) => {
  expect(originalTypeOf(bytes)).toBeUndefined();
  expect(describeRefused(bytes)).toBe(name);
});

test.each(['heic', 'heix', 'mif1', 'msf1', 'hevc'])('recognizes HEIC by the brand %s', (brand) => {
  const header = Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0${brand}miaf`, 'latin1');
  expect(originalTypeOf(header)).toBe('image/heic');
});

test('refuses an ISO media header that claims to be longer than the file', () => {
  expect(originalTypeOf(Buffer.from('\xff\xff\xff\xffftypmp42', 'latin1'))).toBeUndefined();
});
