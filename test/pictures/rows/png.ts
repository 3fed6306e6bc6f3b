import { deflateSync } from 'node:zlib';
import { pngParts } from '../../trials/hostile/formats/png.ts';
import { profiles } from '../icc-profile.ts';
import { exifBlock } from '../jpeg-segments.ts';
import { alphaAt, greyAt, height, patchAt, patches, rgbAt, width } from '../picture.ts';
import {
  chunk,
  filteredRows,
  frameControl,
  frameData,
  headerChunk,
  iccChunk,
  imageData,
  numbersChunk,
  type PngPixels,
  paletteChunk,
  png,
  pngOf,
} from '../png-chunks.ts';
import { cutRows, damagedRows, differingRows, type Row, rowsOf } from '../row.ts';

const rgb: PngPixels = { colourType: 2, bitDepth: 8, at: rgbAt };
const rgb16: PngPixels = { ...rgb, bitDepth: 16, at: (x, y) => rgbAt(x, y).map((sample) => sample * 257) };
const rgba: PngPixels = { colourType: 6, bitDepth: 8, at: (x, y) => [...rgbAt(x, y), alphaAt(x)] };
const rgba16: PngPixels = {
  ...rgba,
  bitDepth: 16,
  at: (x, y) => [...rgbAt(x, y), alphaAt(x)].map((sample) => sample * 257),
};
const greyOf = (bitDepth: PngPixels['bitDepth']): PngPixels => ({
  colourType: 0,
  bitDepth,
  at: (x, y) => [Math.round((greyAt(x, y) * (2 ** bitDepth - 1)) / 255)],
});
const greyAlpha = (bitDepth: 8 | 16): PngPixels => ({
  colourType: 4,
  bitDepth,
  at: (x, y) => [greyAt(x, y), alphaAt(x)].map((sample) => (bitDepth === 16 ? sample * 257 : sample)),
});
const indexed = (bitDepth: 1 | 2 | 4 | 8): PngPixels => ({
  colourType: 3,
  bitDepth,
  at: (x, y) => [patchAt(x, y) % 2 ** bitDepth],
});
const colours = paletteChunk(patches);
const coloursOf = (bitDepth: 1 | 2 | 4 | 8) => paletteChunk(patches.slice(0, 2 ** bitDepth));

const everyKind: Readonly<Record<string, (isInterlaced: boolean) => Buffer>> = {
  ...Object.fromEntries(
    ([1, 2, 4, 8, 16] as const).map((bits) => [
      `grey, ${bits} bits`,
      (isInterlaced: boolean) => png({ ...greyOf(bits), isInterlaced }),
    ]),
  ),
  ...Object.fromEntries(
    ([1, 2, 4, 8] as const).map((bits) => [
      `palette, ${bits} bits`,
      (isInterlaced: boolean) => png({ ...indexed(bits), isInterlaced }, coloursOf(bits)),
    ]),
  ),
  'RGB, 8 bits': (isInterlaced) => png({ ...rgb, isInterlaced }),
  'RGB, 16 bits': (isInterlaced) => png({ ...rgb16, isInterlaced }),
  'RGB and alpha, 8 bits': (isInterlaced) => png({ ...rgba, isInterlaced }),
  'RGB and alpha, 16 bits': (isInterlaced) => png({ ...rgba16, isInterlaced }),
  'grey and alpha, 8 bits': (isInterlaced) => png({ ...greyAlpha(8), isInterlaced }),
  'grey and alpha, 16 bits': (isInterlaced) => png({ ...greyAlpha(16), isInterlaced }),
};

const gamma = (value: number) => numbersChunk('gAMA', Math.round(value * 100_000));
const chromaticities = (...values: readonly number[]) =>
  numbersChunk('cHRM', ...values.map((value) => Math.round(value * 100_000)));
const p3 = chromaticities(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06);
const codePoints = (primaries: number, transfer: number, matrix = 0, range = 1) =>
  chunk('cICP', [primaries, transfer, matrix, range]);

/** Another picture, for frames that must or must not be seen. */
const inverted: PngPixels = { ...rgb, at: (x, y) => rgbAt(x, y).map((sample) => 255 - sample) };
const corner: PngPixels = { ...rgb, width: 60, height: 50, at: (x, y) => rgbAt(x + 40, y + 30) };
const cornerFrame = { width: 60, height: 50, x: 40, y: 30 };
const frames = (count: number) => numbersChunk('acTL', count, 0);

/** The compressed image in two chunks, with a change to all of it. */
const withData = (change: (data: Buffer) => Buffer, pixels = rgb): Buffer =>
  pngOf(headerChunk(pixels), chunk('IDAT', change(imageData(pixels))));

const changedAt = (at: number, value: number) => (data: Buffer) => {
  const copy = Buffer.from(data);
  copy[at < 0 ? copy.length + at : at] = value;
  return copy;
};

/** The PNG with a wrong checksum of one type of chunk. */
const wrongChecksum = (bytes: Buffer, type: string): Buffer =>
  pngParts.join(
    pngParts.split(bytes).map((part) => (part.type === type ? { ...part, isChecksumWrong: true } : part)),
  );

export const pngRows: readonly Row[] = [
  ...rowsOf(
    'PNG samples',
    Object.fromEntries(Object.entries(everyKind).map(([name, make]) => [name, () => make(false)])),
  ),
  ...rowsOf(
    'PNG interlaced',
    Object.fromEntries(Object.entries(everyKind).map(([name, make]) => [name, () => make(true)])),
  ),
  ...rowsOf('PNG transparent colour', {
    'palette, all levels': () =>
      png(indexed(4), colours, chunk('tRNS', [0, 40, 80, 120, 160, 200, 240, 255])),
    'palette, 1 bit': () => png(indexed(1), coloursOf(1), chunk('tRNS', [0])),
    'palette, more levels than colours': () =>
      png(indexed(2), coloursOf(2), chunk('tRNS', [0, 99, 255, 255, 1, 2, 3])),
    'grey, 8 bits': () => png(greyOf(8), chunk('tRNS', [0, 128])),
    'grey, 16 bits': () => png(greyOf(16), chunk('tRNS', [128, 128])),
    'grey, 2 bits': () => png(greyOf(2), chunk('tRNS', [0, 2])),
    RGB: () =>
      png(
        rgb,
        chunk(
          'tRNS',
          rgbAt(20, 20).flatMap((sample) => [0, sample]),
        ),
      ),
    'RGB, 16 bits': () =>
      png(
        rgb16,
        chunk(
          'tRNS',
          rgbAt(20, 20).flatMap((sample) => [sample, sample]),
        ),
      ),
  }),
  ...rowsOf('PNG gamma', {
    '1.0': () => png(rgb, gamma(1)),
    '0.45455, as everywhere': () => png(rgb, gamma(0.45455)),
    '0.55556, as on old Macs': () => png(rgb, gamma(0.55556)),
    '0.2': () => png(rgb, gamma(0.2)),
    '0, which means nothing': () => png(rgb, numbersChunk('gAMA', 0)),
    'with grey': () => png(greyOf(8), gamma(1)),
    'with grey of 1 bit': () => png(greyOf(1), gamma(1)),
    'with grey of 16 bits': () => png(greyOf(16), gamma(1)),
    'with a palette': () => png(indexed(4), colours, gamma(1)),
    'with alpha': () => png(rgba, gamma(1)),
    'with 16 bits': () => png(rgb16, gamma(1)),
    'and sRGB, which wins': () => png(rgb, chunk('sRGB', [0]), gamma(1)),
    'and a profile, which wins': () => png(rgb, iccChunk(profiles.adobe), gamma(1)),
  }),
  ...rowsOf('PNG chromaticities', {
    'of P3, with gamma': () => png(rgb, gamma(0.45455), p3),
    'of P3, without gamma': () => png(rgb, p3),
    'of P3, with gamma 1.0': () => png(rgb, gamma(1), p3),
    'of sRGB, with gamma': () =>
      png(rgb, gamma(0.45455), chromaticities(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)),
    'with a white of D50': () =>
      png(rgb, gamma(0.45455), chromaticities(0.3457, 0.3585, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)),
    'of zeros': () => png(rgb, gamma(0.45455), chromaticities(0, 0, 0, 0, 0, 0, 0, 0)),
    'with alpha': () => png(rgba, gamma(0.45455), p3),
    'with a palette': () => png(indexed(4), gamma(0.45455), p3, colours),
    'with grey': () => png(greyOf(8), gamma(0.45455), p3),
  }),
  ...rowsOf('PNG code points', {
    'P3 and sRGB': () => png(rgb, codePoints(12, 13)),
    'P3, 16 bits': () => png(rgb16, codePoints(12, 13)),
    'P3 with alpha': () => png(rgba, codePoints(12, 13)),
    'P3 with a palette': () => png(indexed(4), codePoints(12, 13), colours),
    'P3 with grey': () => png(greyOf(8), codePoints(12, 13)),
    'BT.2020 and BT.709': () => png(rgb, codePoints(9, 1)),
    'BT.709 and linear': () => png(rgb, codePoints(1, 8)),
    'BT.2020 and PQ': () => png(rgb, codePoints(9, 16)),
    'BT.2020 and PQ, 16 bits': () => png(rgb16, codePoints(9, 16)),
    'BT.2020 and HLG': () => png(rgb, codePoints(9, 18)),
    'sRGB itself': () => png(rgb, codePoints(1, 13)),
    'limited range': () => png(rgb, codePoints(12, 13, 0, 0)),
    'unknown numbers': () => png(rgb, codePoints(77, 99)),
    unspecified: () => png(rgb, codePoints(2, 2)),
    'before a profile': () => png(rgb, codePoints(12, 13), iccChunk(profiles.adobe)),
    'before sRGB': () => png(rgb, codePoints(12, 13), chunk('sRGB', [0])),
  }),
  ...differingRows('PNG code points', 'Chromium refuses the file, whose picture is whole', {
    'a matrix, which is not allowed': () => png(rgb, codePoints(12, 13, 1)),
  }),
  ...rowsOf('PNG profile', {
    'P3, 8 bits': () => png(rgb, iccChunk(profiles.p3)),
    'P3, 16 bits': () => png(rgb16, iccChunk(profiles.p3)),
    'P3, 16 bits, alpha': () => png(rgba16, iccChunk(profiles.p3)),
    'Adobe RGB, 16 bits': () => png(rgb16, iccChunk(profiles.adobe)),
    'sRGB, 16 bits': () => png(rgb16, iccChunk(profiles.srgb)),
    'linear, 16 bits': () => png(rgb16, iccChunk(profiles.linear)),
    'P3 with a palette': () => png(indexed(4), iccChunk(profiles.p3), colours),
    'grey, 8 bits': () => png(greyOf(8), iccChunk(profiles.grey18)),
    'grey, 16 bits': () => png(greyOf(16), iccChunk(profiles.grey18)),
    'grey and alpha, 16 bits': () => png(greyAlpha(16), iccChunk(profiles.grey18)),
    'grey, 4 bits': () => png(greyOf(4), iccChunk(profiles.grey18)),
    'of grey, with colours': () => png(rgb, iccChunk(profiles.grey18)),
    'of colours, with grey': () => png(greyOf(8), iccChunk(profiles.p3)),
    'of rubbish': () => png(rgb, iccChunk(Buffer.alloc(300, 0x61))),
    'cut short': () => png(rgb, iccChunk(profiles.p3.subarray(0, 200))),
    'not compressed': () => png(rgb, chunk('iCCP', Buffer.concat([Buffer.from('p\0\0'), profiles.p3]))),
  }),
  ...rowsOf('PNG orientation', {
    'EXIF 6': () => png(rgb, chunk('eXIf', exifBlock(6))),
    'EXIF 3': () => png(rgb, chunk('eXIf', exifBlock(3))),
    'EXIF 5, with alpha': () => png(rgba, chunk('eXIf', exifBlock(5))),
    'EXIF 8, 16 bits with a profile': () => png(rgb16, iccChunk(profiles.p3), chunk('eXIf', exifBlock(8))),
    'EXIF 6 after the image': () =>
      pngOf(headerChunk(rgb), chunk('IDAT', imageData(rgb)), chunk('eXIf', exifBlock(6))),
  }),
  ...rowsOf('APNG', {
    'the default image is the first frame': () =>
      pngOf(
        headerChunk(rgb),
        frames(2),
        frameControl({ sequence: 0 }),
        chunk('IDAT', imageData(rgb)),
        frameControl({ sequence: 1 }),
        frameData(2, imageData(inverted)),
      ),
    'the default image is hidden': () =>
      pngOf(
        headerChunk(rgb),
        frames(1),
        chunk('IDAT', imageData(inverted)),
        frameControl({ sequence: 0 }),
        frameData(1, imageData(rgb)),
      ),
    'hidden default, first frame smaller than the canvas': () =>
      pngOf(
        headerChunk(rgb),
        frames(1),
        chunk('IDAT', imageData(inverted)),
        frameControl({ sequence: 0, ...cornerFrame }),
        frameData(1, imageData(corner)),
      ),
    'hidden default, first frame in several chunks': () => {
      const data = imageData(rgb);
      const middle = Math.floor(data.length / 2);
      return pngOf(
        headerChunk(rgb),
        frames(1),
        chunk('IDAT', imageData(inverted)),
        frameControl({ sequence: 0 }),
        frameData(1, data.subarray(0, middle)),
        frameData(2, data.subarray(middle)),
      );
    },
    'hidden default, palette with transparency': () =>
      pngOf(
        headerChunk(indexed(4)),
        colours,
        chunk('tRNS', [0, 128]),
        frames(1),
        chunk('IDAT', imageData({ ...indexed(4), at: () => [9] })),
        frameControl({ sequence: 0 }),
        frameData(1, imageData(indexed(4))),
      ),
    'hidden default, 16 bits with a profile': () =>
      pngOf(
        headerChunk(rgb16),
        iccChunk(profiles.p3),
        frames(1),
        chunk('IDAT', imageData({ ...rgb16, at: () => [0, 0, 0] })),
        frameControl({ sequence: 0 }),
        frameData(1, imageData(rgb16)),
      ),
    'hidden default, frame with alpha that is blended': () =>
      pngOf(
        headerChunk(rgba),
        frames(1),
        chunk('IDAT', imageData({ ...rgba, at: () => [255, 0, 0, 255] })),
        frameControl({ sequence: 0, blend: 1, dispose: 1 }),
        frameData(1, imageData(rgba)),
      ),
    'hidden default, interlaced frame': () =>
      pngOf(
        headerChunk({ ...rgb, isInterlaced: true }),
        frames(1),
        chunk('IDAT', imageData({ ...inverted, isInterlaced: true })),
        frameControl({ sequence: 0 }),
        frameData(1, imageData({ ...rgb, isInterlaced: true })),
      ),
    'no frames at all': () => pngOf(headerChunk(rgb), frames(0), chunk('IDAT', imageData(rgb))),
    'fewer frames than it says': () =>
      pngOf(headerChunk(rgb), frames(5), frameControl({ sequence: 0 }), chunk('IDAT', imageData(rgb))),
    'number of frames after the image': () =>
      pngOf(
        headerChunk(rgb),
        chunk('IDAT', imageData(rgb)),
        frames(1),
        frameControl({ sequence: 0 }),
        frameData(1, imageData(inverted)),
      ),
  }),
  ...differingRows('APNG', 'Chromium refuses the file, whose picture is whole', {
    'hidden default, no frame follows': () =>
      pngOf(headerChunk(rgb), frames(1), chunk('IDAT', imageData(rgb))),
    'hidden default, frame outside of the canvas': () =>
      pngOf(
        headerChunk(rgb),
        frames(1),
        chunk('IDAT', imageData(rgb)),
        frameControl({ sequence: 0, ...cornerFrame, x: 120 }),
        frameData(1, imageData(corner)),
      ),
    'hidden default, wrong sequence numbers': () =>
      pngOf(
        headerChunk(rgb),
        frames(1),
        chunk('IDAT', imageData(rgb)),
        frameControl({ sequence: 7 }),
        frameData(3, imageData(inverted)),
      ),
  }),
  ...damagedRows('PNG damaged data', {
    'wrong Adler-32': () => withData(changedAt(-1, 0x22)),
    'window of 256 bytes': () => withData((data) => changedAt(1, 0x1d)(changedAt(0, 0x08)(data))),
    'wrong check of the zlib header': () => withData(changedAt(1, 0x9d)),
    'a changed byte': () => withData(changedAt(150, 0xee)),
    'too few rows': () => withData(() => deflateSync(filteredRows({ ...rgb, height: height - 30 }))),
    'too many rows': () => withData(() => deflateSync(filteredRows({ ...rgb, height: height + 8 }))),
    'rubbish after the end of the data': () =>
      withData((data) => Buffer.concat([data, Buffer.alloc(60, 0x61)])),
    'filter 9 in the middle': () =>
      withData(() => {
        const rows = filteredRows(rgb);
        rows[60 * (1 + 3 * width)] = 9;
        return deflateSync(rows);
      }),
    'interlaced, with a changed byte': () => withData(changedAt(150, 0xee), { ...rgb, isInterlaced: true }),
    'an empty chunk before it': () => pngOf(headerChunk(rgb), chunk('IDAT'), chunk('IDAT', imageData(rgb))),
    'another chunk in its middle': () => {
      const data = imageData(rgb);
      return pngOf(
        headerChunk(rgb),
        chunk('IDAT', data.subarray(0, 200)),
        chunk('tEXt', Buffer.from('Comment\0hello')),
        chunk('IDAT', data.subarray(200)),
      );
    },
  }),
  ...rowsOf('PNG damaged chunks', {
    'wrong checksum of the image': () => wrongChecksum(png(rgb), 'IDAT'),
    'wrong checksum of the header': () => wrongChecksum(png(rgb), 'IHDR'),
    'wrong checksum of gAMA': () => wrongChecksum(png(rgb, gamma(1)), 'gAMA'),
    'wrong checksum of the palette': () => wrongChecksum(png(indexed(4), colours), 'PLTE'),
    'wrong checksum of the end': () => wrongChecksum(png(rgb), 'IEND'),
    'no end': () => png(rgb).subarray(0, -12),
    'half of the end': () => png(rgb).subarray(0, -6),
    'rubbish after the end': () => Buffer.concat([png(rgb), Buffer.alloc(300, 0x42)]),
    'no palette': () => png(indexed(4)),
    'palette too short': () => png(indexed(4), paletteChunk(patches.slice(0, 5))),
    'palette in an image of colours': () => png(rgb, colours),
    'unknown chunk that matters': () => png(rgb, chunk('ABCD', [1, 2, 3])),
    'unknown chunk that does not matter': () => png(rgb, chunk('abCd', [1, 2, 3])),
    'a text of rubbish': () => png(rgb, chunk('zTXt', Buffer.from('a\0\0bcdef'))),
    'two headers': () => pngOf(headerChunk(rgb), headerChunk(rgb), chunk('IDAT', imageData(rgb))),
  }),
  ...cutRows('PNG, cut', () => png(rgb)),
  ...cutRows('PNG interlaced, cut', () => png({ ...rgb, isInterlaced: true }), [20, 40, 60, 80]),
  ...cutRows('PNG with alpha, cut', () => png(rgba), [30, 60, 90]),
];
