import { acceptedTypes, describeRefused, originalTypeOf } from '../../../lambdas/image/original-type.ts';
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

test('reads the bytes of a view, not of its buffer', async () => {
  const png = await quarteredPicture(16, 16).png().toBuffer();
  const padded = Buffer.concat([Buffer.from('%PDF-1.7'), png]);
  expect(originalTypeOf(new Uint8Array(padded.buffer, padded.byteOffset + 8, png.length))).toBe('image/png');
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
