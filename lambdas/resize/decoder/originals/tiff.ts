import { ImageError } from '../../../image/errors.ts';
import { estimateUnpackMilliseconds } from '../cost.ts';
import { corrupt, type Damage, damaged } from './damage.ts';
import type { Format } from './format.ts';
import { cmyk } from './jpeg.ts';
import { openWithLibvips } from './libvips.ts';
import type { Decoded, OpenOriginal, Raster, Size } from './original.ts';
import { profileFor } from './tiff-colour.ts';
import { type TiffTag, tiffTags, writeTiff } from './tiff-directory.ts';
import {
  chunkLayout,
  faxCompressions,
  isReadableWithoutLibtiff,
  jpeg,
  oldJpeg,
  readTiffHeader,
  type TiffHeader,
  unsupportedOldJpeg,
  unsupportedSamples,
} from './tiff-header.ts';
import { asDecodedJpeg, withOldJpeg } from './tiff-jpeg.ts';
import { unpackTiff } from './tiff-samples.ts';
import { alphaOf } from './tiff-shrink.ts';

/*
 * The first picture of a TIFF. libvips gets a directory with nothing but what it needs, so it meets neither
 * other pages nor tags that are out of order, of the wrong type or without an end. Kinds that it would refuse
 * or show wrongly are unpacked here.
 */

export const openTiff = async (bytes: Buffer): Promise<OpenOriginal> => {
  const header = withOldJpeg(bytes, readTiffHeader(bytes));
  if (header === undefined) throw unsupportedOldJpeg();
  const canUnpack = isReadableWithoutLibtiff(header) || asDecodedJpeg(header) !== undefined;
  if (isRightInLibvips(header)) {
    try {
      return await openPlain(bytes, header, canUnpack);
    } catch (error) {
      if (!(canUnpack && isCorrupt(error))) throw error;
    }
  }
  if (!canUnpack) throw unsupportedSamples(header);
  return openUnpacked(bytes, header);
};

const isCorrupt = (error: unknown): boolean => error instanceof ImageError && error.code === 'image-corrupt';

const openUnpacked = (bytes: Buffer, header: TiffHeader): OpenOriginal => {
  const { orientation, width, height } = header;
  const isTurned = orientation >= 5;
  return {
    width: isTurned ? height : width,
    height: isTurned ? width : height,
    frames: 1,
    estimateMilliseconds: () => estimateOf(header),
    decode: (size) => unpack(bytes, header, size),
  };
};

/** Whether libvips shows the samples as ImageMagick and Pillow do, after the directory is written anew. */
const isRightInLibvips = (header: TiffHeader): boolean => {
  const { compression, colour, bits, samples, colours, number, isPlanar, chunks, predictor } = header;
  if (chunks.isTiled && (isPlanar || chunks.width % 16 > 0 || chunks.height % 16 > 0)) return false;
  if (compression === oldJpeg) return false;
  if (compression === jpeg) return bits === 8 && colour !== 'cie-lab' && colour !== 'icc-lab';
  if (faxCompressions.includes(compression)) return bits === 1;
  if (number !== 'unsigned' || predictor > 2 || samples > colours + 1) return false;
  if (samples > colours && alphaOf(header) === undefined) return false;
  const hasWholeBytes = bits === 8 || bits === 16;
  switch (colour) {
    case 'grey':
      return hasWholeBytes || (samples === 1 && (bits === 1 || bits === 2 || bits === 4));
    case 'rgb':
      return hasWholeBytes;
    case 'palette':
      return (
        samples === 1 &&
        (bits === 1 || bits === 2 || bits === 4 || bits === 8) &&
        header.directory.numbers(tiffTags.colourMap, 3 * 2 ** bits).length === 3 * 2 ** bits
      );
    case 'cmyk':
      return bits === 8 && samples === 4 && colours === 4;
    default:
      return false;
  }
};

const estimateOf = (header: TiffHeader): number => {
  const { chunks, isPlanar, colours, compression } = header;
  // Tiles may be much larger than the part of them that is in the picture.
  const { bytes } = chunkLayout(header, 0, 0);
  const count = chunks.columns * chunks.rows * (isPlanar ? colours : 1);
  const expanded = compression === 1 ? 0 : bytes * count;
  const jpegs = compression === jpeg || compression === oldJpeg ? count : 0;
  const read = colours + (alphaOf(header) ? 1 : 0);
  return estimateUnpackMilliseconds(header.width * header.height * read, expanded, jpegs);
};

const unpack = async (
  bytes: Buffer,
  header: TiffHeader,
  { width, height }: Size,
  hasAlpha = true,
): Promise<Decoded> => {
  const stored = header.orientation >= 5 ? { width: height, height: width } : { width, height };
  const { file, damage } = await unpackTiff(bytes, header, stored, hasAlpha);
  const plain = await openWithLibvips(file, {});
  const { raster } = await plain.decode({ width, height });
  return { raster, damage };
};

const openPlain = async (bytes: Buffer, header: TiffHeader, canUnpack: boolean): Promise<OpenOriginal> => {
  const prepared = withPlainDirectory(bytes, header);
  // libvips fills what it cannot read of a tile with zeros, unless even warnings stop it.
  const strict = await openWithLibvips(prepared, { ...format(header), failOn: 'warning' });
  const decodeLeniently = (size: Size): Promise<Decoded> =>
    canUnpack ? unpack(bytes, header, size) : decodeDamaged(prepared, header, size, bytes.byteLength);
  const { columns, rows, width, height } = header.chunks;
  // libtiff expands whole tiles, of which the picture may need only a part.
  const expandedFactor = (columns * width * rows * height) / (header.width * header.height);
  return {
    ...strict,
    estimateMilliseconds: (size) => strict.estimateMilliseconds(size) * Math.max(1, expandedFactor),
    async decode(size) {
      if (isCutOff(header, bytes.byteLength)) return decodeLeniently(size);
      let decoded: Decoded;
      try {
        decoded = await strict.decode(size);
      } catch (error) {
        if (!isCorrupt(error)) throw error;
        return decodeLeniently(size);
      }
      // Programs write zeros in a fourth sample that they do not use. Pillow shows such a picture.
      if (canUnpack && header.extraSamples[0] === 0 && isInvisible(decoded.raster)) {
        return unpack(bytes, header, size, false);
      }
      return decoded;
    },
  };
};

const isInvisible = ({ data, channels }: Raster): boolean => {
  if (channels % 2 !== 0) return false;
  for (let at = channels - 1; at < data.byteLength; at += channels) if (data[at] !== 0) return false;
  return true;
};

/** What libtiff makes of damage in fax data. It puts zeros where it can read nothing. */
const decodeDamaged = async (
  prepared: Buffer,
  header: TiffHeader,
  size: Size,
  fileBytes: number,
): Promise<Decoded> => {
  const damage = damageOf(header, fileBytes);
  const { raster } = await (await openWithLibvips(prepared, format(header))).decode(size);
  const first = raster.data.subarray(0, raster.channels);
  for (let at = 0; at < raster.data.byteLength; at += raster.channels) {
    if (!raster.data.subarray(at, at + raster.channels).equals(first)) return { raster, damage };
  }
  throw corrupt(damage);
};

const damageOf = (header: TiffHeader, fileBytes: number): Damage =>
  isCutOff(header, fileBytes)
    ? damaged('incomplete', 'A strip or tile goes beyond the end of the file.')
    : damaged('damaged', 'A strip or tile cannot be decoded.');

/** Whether the file ends before its last strip or tile does. */
const isCutOff = (header: TiffHeader, fileBytes: number): boolean =>
  storedByteCounts(header).some((count, index) => (header.chunks.offsets[index] ?? 0) + count > fileBytes);

/** The length of what is not compressed is known, and often wrong in the file. */
const storedByteCounts = (header: TiffHeader): readonly number[] => {
  const { chunks, compression, isPlanar } = header;
  if (compression !== 1) return chunks.byteCounts;
  return chunks.offsets.map((_, index) => {
    const row = Math.floor(index / chunks.columns);
    return chunkLayout(header, isPlanar ? Math.floor(row / chunks.rows) : 0, row % chunks.rows).bytes;
  });
};

const format = (header: TiffHeader): Format => ({
  conversionOf: () =>
    header.colour === 'cmyk' && profileFor(header, 'CMYK') === undefined ? cmyk : undefined,
  damageOf: (warnings) => (warnings.some((text) => seriousWarning.test(text)) ? 'damaged' : undefined),
});

/** libjpeg and libtiff's fax decoder go on after these, with wrong pixels. */
const seriousWarning =
  /premature|corrupt|truncat|overrun|not enough|bad code|extraneous|mismatch|invalid|unexpected/i;

/** Tags that libtiff needs for a compression or a colour, which are kept as they are. */
const keptTags: readonly TiffTag[] = [
  tiffTags.fillOrder,
  tiffTags.group3Options,
  tiffTags.group4Options,
  tiffTags.colourMap,
  tiffTags.ycbcrCoefficients,
  tiffTags.ycbcrSubsampling,
  tiffTags.referenceBlackWhite,
];

const maxKeptNumbers = 3 * 2 ** 8;

const photometricOf = ({ colour, isMinWhite }: TiffHeader): number => {
  switch (colour) {
    case 'grey':
      return isMinWhite ? 0 : 1;
    case 'palette':
      return 3;
    case 'cmyk':
      return 5;
    case 'ycbcr':
      return 6;
    default:
      return 2;
  }
};

/** The file with a directory of its first picture that has only what libtiff needs. */
const withPlainDirectory = (bytes: Buffer, header: TiffHeader): Buffer => {
  const { directory, chunks } = header;
  // A strip must not reach into the directory that is appended.
  const byteCounts = storedByteCounts(header).map((count, index) =>
    Math.max(0, Math.min(count, bytes.byteLength - (chunks.offsets[index] ?? 0))),
  );
  const fields = new Map<TiffTag, readonly number[] | Buffer>([
    [tiffTags.width, [header.width]],
    [tiffTags.height, [header.height]],
    [tiffTags.bitsPerSample, Array.from({ length: header.samples }, () => header.bits)],
    [tiffTags.compression, [header.compression]],
    [tiffTags.photometric, [photometricOf(header)]],
    [tiffTags.orientation, [header.orientation]],
    [tiffTags.samplesPerPixel, [header.samples]],
    [tiffTags.planes, [header.isPlanar ? 2 : 1]],
  ]);
  if (header.samples > header.colours) fields.set(tiffTags.extraSamples, [header.extraSamples[0] || 2]);
  if (header.predictor === 2) fields.set(tiffTags.predictor, [2]);
  if (chunks.isTiled) {
    fields.set(tiffTags.tileWidth, [chunks.width]).set(tiffTags.tileHeight, [chunks.height]);
    fields.set(tiffTags.tileOffsets, chunks.offsets).set(tiffTags.tileByteCounts, byteCounts);
  } else {
    fields.set(tiffTags.rowsPerStrip, [chunks.height]);
    fields.set(tiffTags.stripOffsets, chunks.offsets).set(tiffTags.stripByteCounts, byteCounts);
  }
  for (const tag of keptTags) {
    const numbers = directory.numbers(tag, maxKeptNumbers);
    if (numbers.length > 0) fields.set(tag, numbers);
  }
  for (const tag of [tiffTags.jpegTables, tiffTags.profile]) {
    const value = directory.bytes(tag);
    if (value) fields.set(tag, value);
  }
  return writeTiff(bytes, fields, directory.isLittleEndian);
};
