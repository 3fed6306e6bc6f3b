import { tiffOfPrivateTags } from '../families/headers.ts';
import { compressions, type TiffPage, tiffFile } from '../formats/tiff.ts';
import { latin1 } from '../numbers.ts';
import { deflatedZeros } from '../zeros.ts';
import type { Bombs } from './bomb.ts';

type Fields = TiffPage['fields'];

/** The offset of the data of a file. */
const dataAt = 8;

const repeat = (count: number, value: number): readonly number[] =>
  Array.from({ length: count }, () => value);

const grey = (width: number, height: number): Fields => ({
  width,
  height,
  bitsPerSample: 8,
  compression: compressions.deflate,
  photometric: 1,
  samplesPerPixel: 1,
  planes: 1,
});

/** All strips are the same bytes of the file. */
const strips = (
  width: number,
  height: number,
  rowsPerStrip: number,
  others: Fields = {},
  pages = 1,
): Buffer => {
  const strip = deflatedZeros(width * rowsPerStrip);
  const count = Math.ceil(height / rowsPerStrip);
  const fields = {
    ...grey(width, height),
    rowsPerStrip,
    stripOffsets: repeat(count, dataAt),
    stripByteCounts: repeat(count, strip.length),
    ...others,
  };
  return tiffFile(
    Array.from({ length: pages }, () => ({ fields })),
    strip,
  );
};

const tiles = (width: number, height: number, side: number, data = deflatedZeros(side * side)): Buffer => {
  const count = Math.ceil(width / side) * Math.ceil(height / side);
  const fields = {
    ...grey(width, height),
    tileWidth: side,
    tileHeight: side,
    tileOffsets: repeat(count, dataAt),
    tileByteCounts: repeat(count, data.length),
  };
  return tiffFile([{ fields }], data);
};

const small: Fields = { ...grey(64, 64), rowsPerStrip: 64, stripOffsets: dataAt };
const smallStrip = deflatedZeros(64 * 64);
const smallPage = { fields: { ...small, stripByteCounts: smallStrip.length } };

export const tiffBombs: Bombs = {
  'tiff-just-as-large': { must: 'ready', make: () => strips(16_384, 6103, 64), claims: [16_384, 6103] },
  'tiff-a-row-too-large': {
    must: 'image-too-large',
    make: () => strips(16_384, 6104, 64),
    claims: [16_384, 6104],
  },
  'tiff-of-one-row-each': { make: () => strips(16_384, 6103, 1), claims: [16_384, 6103] },
  'tiff-of-one-strip': { make: () => strips(16_384, 6103, 6103), claims: [16_384, 6103] },
  'tiff-largest-stated-size': {
    must: 'refused',
    make: () =>
      tiffFile([{ fields: { ...smallPage.fields, width: 0xffffffff, height: 0xffffffff } }], smallStrip),
  },
  'tiff-too-tall': {
    must: 'image-too-large',
    make: () =>
      tiffFile(
        [{ fields: { ...smallPage.fields, width: 1, height: 5_000_000, rowsPerStrip: 5_000_000 } }],
        smallStrip,
      ),
    claims: [1, 5_000_000],
  },
  'tiff-in-floats': {
    make: () => strips(16_384, 6103, 64, { bitsPerSample: 32, sampleFormat: 3 }),
    claims: [16_384, 6103],
  },
  'tiff-of-many-samples': {
    make: () =>
      tiffFile(
        [{ fields: { ...smallPage.fields, samplesPerPixel: 65_535, bitsPerSample: repeat(65_535, 8) } }],
        smallStrip,
      ),
  },
  'tiff-of-tiles': { make: () => tiles(16_384, 6103, 256), claims: [16_384, 6103] },
  'tiff-of-small-tiles': { make: () => tiles(16_384, 6103, 16), claims: [16_384, 6103] },
  'tiff-of-one-huge-tile': { make: () => tiles(64, 64, 4096) },
  'tiff-of-a-tile-that-cannot-be': { make: () => tiles(64, 64, 2 ** 30, smallStrip) },
  'tiff-of-too-much-data': {
    make: () => {
      const strip = deflatedZeros(2 ** 31);
      return tiffFile([{ fields: { ...small, stripByteCounts: strip.length } }], strip);
    },
    claims: [64, 64],
  },
  'tiff-that-turns-in-circles': { make: () => tiffFile([smallPage], smallStrip, 0) },
  'tiff-that-turns-in-a-large-circle': {
    make: () =>
      tiffFile(
        Array.from({ length: 500 }, () => smallPage),
        smallStrip,
        250,
      ),
  },
  'tiff-whose-directory-contains-itself': {
    make: () =>
      tiffFile(
        [
          {
            fields: {
              ...smallPage.fields,
              subDirectories: repeat(1000, dataAt + smallStrip.length + (smallStrip.length % 2)),
            },
          },
        ],
        smallStrip,
      ),
    claims: [64, 64],
  },
  'tiff-whose-exif-contains-itself': {
    make: () =>
      tiffFile(
        [{ fields: { ...smallPage.fields, exif: dataAt + smallStrip.length + (smallStrip.length % 2) } }],
        smallStrip,
      ),
    claims: [64, 64],
  },
  'tiff-of-many-pages': {
    make: () =>
      tiffFile(
        Array.from({ length: 10_000 }, () => smallPage),
        smallStrip,
      ),
    claims: [64, 64],
  },
  'tiff-of-very-many-pages': {
    make: () =>
      tiffFile(
        Array.from({ length: 30_000 }, () => smallPage),
        smallStrip,
      ),
  },
  // Only the first page is decoded, and so limited.
  'tiff-of-large-pages': {
    make: () => strips(16_384, 6103, 6103, {}, 20),
    claims: [16_384, 6103],
  },
  // Sorting tags takes time in the square of their number, before any limit on pages or pixels is checked.
  'tiff-of-private-tags': { make: () => tiffOfPrivateTags(60, 4000) },
  'tiff-with-huge-profile': {
    make: () =>
      tiffFile([{ fields: { ...smallPage.fields, profile: Buffer.alloc(20_000_000) } }], smallStrip),
    claims: [64, 64],
  },
  'tiff-with-huge-xmp': {
    make: () =>
      tiffFile([{ fields: { ...smallPage.fields, xmp: Buffer.alloc(20_000_000, 60) } }], smallStrip),
    claims: [64, 64],
  },
  'tiff-with-colours-astray': {
    make: () =>
      tiffFile(
        [{ fields: { ...smallPage.fields, photometric: 3, colourMap: repeat(65_535, 0xffff) } }],
        smallStrip,
      ),
  },
  'tiff-in-fax-code': {
    make: () => strips(16_384, 6103, 6103, { compression: 4, bitsPerSample: 1, stripByteCounts: 8 }),
    claims: [16_384, 6103],
  },
  'tiff-of-a-jpeg-without-tables': {
    make: () =>
      tiffFile(
        [{ fields: { ...smallPage.fields, compression: 7 } }],
        latin1('\xff\xd8\xff\xc0'.repeat(1000)),
      ),
  },
};
