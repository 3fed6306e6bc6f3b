import { ImageError } from '../../../image/errors.ts';
import { acceptedTypes } from '../../../image/original-type.ts';
import { corrupt, damaged } from './damage.ts';
import { expanders } from './tiff-compression.ts';
import { readTiffDirectory, type TiffDirectory, tiffTags } from './tiff-directory.ts';

/** How the samples of a pixel make a colour. */
export type TiffColour =
  | 'log-grey'
  | 'log-luv'
  | 'grey'
  | 'rgb'
  | 'palette'
  | 'ycbcr'
  | 'cmyk'
  | 'cie-lab'
  | 'icc-lab';

export type TiffNumber = 'unsigned' | 'signed' | 'float';

/** Where the file has the strips or tiles of one or all planes, row by row. */
export interface TiffChunks {
  readonly isTiled: boolean;
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
}

/** The first picture of a TIFF, as its directory describes it. */
export interface TiffHeader {
  readonly directory: TiffDirectory;
  /** As stored, so not upright. */
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  readonly bits: number;
  /** Samples of a pixel, including those that are no colour. */
  readonly samples: number;
  readonly number: TiffNumber;
  readonly colour: TiffColour;
  readonly isMinWhite: boolean;
  /** Samples of a pixel that are its colour. The first of the others, if any, is its transparency. */
  readonly colours: number;
  readonly extraSamples: readonly number[];
  readonly compression: number;
  readonly predictor: number;
  readonly isReversed: boolean;
  readonly isPlanar: boolean;
  readonly chunks: TiffChunks;
  /** Horizontal and vertical, of YCbCr. */
  readonly subsampling: readonly [number, number];
  readonly profile: Buffer | undefined;
  /** Segments with the tables of an old-style JPEG, whose strips or tiles have only data. */
  readonly oldJpegTables?: Buffer;
}

/** Compressions that libtiff has a number for. This build of libvips has fewer of them. */
const compressionNames: ReadonlyMap<number, string> = new Map([
  [9, 'JBIG (T.85)'],
  [10, 'JBIG (T.43)'],
  [32_766, 'NeXT run lengths'],
  [32_767, "Sony's raw compression"],
  [32_809, 'ThunderScan'],
  [32_895, 'IT8 CT'],
  [32_896, 'IT8 LW'],
  [32_897, 'IT8 MP'],
  [32_898, 'IT8 BL'],
  [32_908, 'Pixar film'],
  [32_909, 'Pixar log'],
  [32_947, 'DCS'],
  [33_003, 'JPEG 2000'],
  [33_005, 'JPEG 2000'],
  [34_661, 'JBIG'],
  [34_663, 'JBIG2'],
  [34_676, 'SGI log'],
  [34_677, 'SGI log'],
  [34_712, 'JPEG 2000'],
  [34_713, "Nikon's raw compression"],
  [34_887, 'LERC'],
  [34_892, 'lossy JPEG of a camera'],
  [34_925, 'LZMA'],
  [34_926, 'ZSTD'],
  [34_927, 'WebP'],
  [34_933, 'PNG'],
  [34_934, 'JPEG XR'],
  [50_000, 'ZSTD'],
  [50_001, 'WebP'],
  [50_002, 'JPEG XL'],
  [52_546, 'JPEG XL'],
  [65_000, "Kodak's raw compression"],
  [65_535, "Pentax's raw compression"],
]);

/** TIFF 6.0, sections 10 and 11, and one without alignment of rows. */
export const faxCompressions: readonly number[] = [2, 3, 4, 32_771];
export const oldJpeg = 6;
export const jpeg = 7;
const sgiLog = 34_676;

/** Bits of a pixel of LogL and of LogLuv, by the tag PhotometricInterpretation. */
const logBits: Readonly<Record<number, number>> = { 32844: 16, 32845: 32 };

/** What a person may write instead, in every error about a kind of TIFF. */
const acceptedTiffs = 'none, LZW, Deflate, PackBits, JPEG and CCITT';

/** By the tag PhotometricInterpretation: TIFF 6.0, TIFF/EP, the DNG specification, and libtiff's tiff.h. */
const photometricNames: ReadonlyMap<number, string> = new Map([
  [4, 'a transparency mask'],
  [10, "ITU's L*a*b*"],
  [32_803, 'raw data of a camera'],
  [34_892, 'linear raw data of a camera'],
  [51_177, 'a depth map'],
  [52_527, 'a semantic mask'],
]);

const unsupported = (what: string, rest: string): ImageError =>
  new ImageError('unsupported-type', `The TIFF ${what}, which is not supported. ${rest}`);

const unsupportedKind = (what: string): ImageError =>
  unsupported(what, `Accepted are ${Object.values(acceptedTypes).join(', ')}, and TIFFs of common kinds.`);

/** Larger values of a side make no picture that any limit allows. */
const maxSide = 2 ** 31 - 1;

/** Strips or tiles of which the offsets are read: of a hundred megapixels in small tiles. */
const maxChunks = 2_000_000;

/** Bytes of one strip or tile, expanded. A picture of 100 megapixels in 8-bit CMYK is smaller. */
const maxChunkBytes = 2 ** 30;

/**
 * Reads what the first directory says, and decodes nothing.
 *
 * @throws ImageError `unsupported-type`, `image-corrupt`
 */
export const readTiffHeader = (data: Buffer): TiffHeader => {
  const directory = readTiffDirectory(data);
  if (directory === undefined) throw corrupt(damaged('incomplete', 'The first directory is missing.'));
  const width = directory.number(tiffTags.width) ?? 0;
  const height = directory.number(tiffTags.height) ?? 0;
  if (!(width >= 1 && width <= maxSide && height >= 1 && height <= maxSide)) {
    throw corrupt(damaged('damaged', `The TIFF has ${width} x ${height} pixels.`));
  }
  const compression = directory.number(tiffTags.compression) || 1;
  const allBits = directory.numbers(tiffTags.bitsPerSample, 16);
  const photometric = photometricOf(directory, allBits.length);
  requireSupportedCompression(compression, photometric);
  const bitsOfLog = compression === sgiLog ? logBits[photometric] : undefined;
  // libtiff counts LogLuv as three samples of 16 bits, whatever is stored.
  const samples = bitsOfLog ? 1 : Math.max(1, directory.number(tiffTags.samplesPerPixel) ?? allBits.length);
  const { colour, colours } = colourOf(photometric, samples);
  const bits = bitsOfLog ?? (allBits[0] || 1);
  if (bitsOfLog === undefined && allBits.slice(0, colours).some((each) => each !== bits)) {
    throw unsupportedKind(`has samples of ${allBits.join(', ')} bits`);
  }
  const isPlanar = directory.number(tiffTags.planes) === 2 && samples > 1;
  const header: TiffHeader = {
    directory,
    width,
    height,
    orientation: orientationOf(directory),
    bits,
    samples,
    number: numberOf(directory, bits),
    colour,
    isMinWhite: photometric === 0,
    colours,
    extraSamples: directory.numbers(tiffTags.extraSamples, 16),
    compression,
    predictor: directory.number(tiffTags.predictor) ?? 1,
    isReversed: directory.number(tiffTags.fillOrder) === 2 && !faxCompressions.includes(compression),
    isPlanar,
    chunks: chunksOf(data, directory, { width, height, planes: isPlanar ? samples : 1, compression }),
    subsampling: colour === 'ycbcr' ? subsamplingOf(directory) : [1, 1],
    profile: directory.bytes(tiffTags.profile),
  };
  return header;
};

const requireSupportedCompression = (compression: number, photometric: number): void => {
  if (compression === sgiLog && photometric in logBits) return;
  if (expanders.has(compression) || faxCompressions.includes(compression)) return;
  if (compression === jpeg || compression === oldJpeg) return;
  const name = compressionNames.get(compression) ?? `method ${compression}`;
  throw unsupported(`is compressed with ${name}`, `Accepted are ${acceptedTiffs}.`);
};

/** Without the tag, the number of samples shows whether there are colours. */
const photometricOf = (directory: TiffDirectory, bitCounts: number): number =>
  directory.number(tiffTags.photometric) ??
  ((directory.number(tiffTags.samplesPerPixel) ?? bitCounts) >= 3 ? 2 : 1);

/** A picture with fewer samples than its colours need is shown as grey, as ImageMagick does. */
const colourOf = (
  photometric: number,
  samples: number,
): { readonly colour: TiffColour; readonly colours: number } => {
  const grey = { colour: 'grey', colours: 1 } as const;
  const colour = (name: TiffColour, colours: number) =>
    samples < colours ? grey : { colour: name, colours };
  switch (photometric) {
    case 0:
    case 1:
      return grey;
    case 2:
      return colour('rgb', 3);
    case 3:
      return colour('palette', 1);
    case 5:
      // Three inks are cyan, magenta and yellow.
      return colour('cmyk', samples === 3 ? 3 : 4);
    case 6:
      return colour('ycbcr', 3);
    case 8:
      return colour('cie-lab', 3);
    case 9:
      return colour('icc-lab', 3);
    case 32_844:
      return { colour: 'log-grey', colours: 1 };
    case 32_845:
      return { colour: 'log-luv', colours: 3 };
    default:
      throw unsupportedKind(`holds ${photometricNames.get(photometric) ?? `colours of kind ${photometric}`}`);
  }
};

/** TIFF 6.0, section 19. Files have other values as well, and 4 means that nothing is known. */
const numberOf = (directory: TiffDirectory, bits: number): TiffNumber => {
  const format = directory.number(tiffTags.sampleFormat);
  if (format === 3 && bits >= 16) return 'float';
  if (format === 5 || format === 6) throw unsupportedKind('has complex numbers');
  return format === 2 ? 'signed' : 'unsigned';
};

const orientationOf = (directory: TiffDirectory): number => {
  const orientation = directory.number(tiffTags.orientation) ?? 1;
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
};

const subsamplingOf = (directory: TiffDirectory): readonly [number, number] => {
  const [horizontal = 2, vertical = 2] = directory.numbers(tiffTags.ycbcrSubsampling, 2);
  const isValid = [horizontal, vertical].every((each) => each === 1 || each === 2 || each === 4);
  if (!isValid) throw unsupportedKind(`has colours at ${horizontal} x ${vertical} of its pixels`);
  return [horizontal, vertical];
};

interface ChunkContext {
  readonly width: number;
  readonly height: number;
  readonly planes: number;
  readonly compression: number;
}

const chunksOf = (
  data: Buffer,
  directory: TiffDirectory,
  { width, height, planes, compression }: ChunkContext,
): TiffChunks => {
  const tileWidth = directory.number(tiffTags.tileWidth) ?? 0;
  const tileHeight = directory.number(tiffTags.tileHeight) ?? 0;
  const isTiled = tileWidth > 0 && tileHeight > 0;
  const rowsPerStrip = directory.number(tiffTags.rowsPerStrip) || height;
  const size = isTiled
    ? { width: tileWidth, height: tileHeight }
    : { width, height: Math.min(rowsPerStrip, height) };
  const columns = Math.ceil(width / size.width);
  const rows = Math.ceil(height / size.height);
  const count = Math.min(columns * rows * planes, maxChunks);
  const offsetsTag =
    isTiled && directory.has(tiffTags.tileOffsets) ? tiffTags.tileOffsets : tiffTags.stripOffsets;
  const countsTag =
    isTiled && directory.has(tiffTags.tileByteCounts) ? tiffTags.tileByteCounts : tiffTags.stripByteCounts;
  const offsets = directory.numbers(offsetsTag, count);
  const stated = directory.numbers(countsTag, count);
  const isOldJpegFile = compression === oldJpeg && directory.has(tiffTags.oldJpegOffset);
  if (offsets.length === 0 && !isOldJpegFile) {
    throw corrupt(damaged('damaged', 'The TIFF does not say where its pixels are.'));
  }
  return { isTiled, ...size, columns, rows, offsets, byteCounts: byteCountsOf(data, offsets, stated) };
};

/** Old scanners leave the lengths out, or write zeros. A strip ends where the next one begins. */
const byteCountsOf = (
  data: Buffer,
  offsets: readonly number[],
  stated: readonly number[],
): readonly number[] => {
  if (stated.length >= offsets.length && stated.some((count) => count > 0)) return stated;
  const ascending = Float64Array.from(new Set(offsets)).toSorted();
  const ends = new Map<number, number>();
  ascending.forEach((offset, index) => {
    ends.set(offset, ascending[index + 1] ?? data.byteLength);
  });
  return offsets.map((offset, index) => stated[index] || Math.max(0, (ends.get(offset) ?? 0) - offset));
};

/** Rows of a strip or tile that hold pixels of the picture. */
export const chunkRows = ({ chunks, height }: TiffHeader, row: number): number =>
  Math.min(chunks.height, height - row * chunks.height);

/**
 * Bytes of a chunk when it is expanded, without those below the picture.
 *
 * @param plane of planar pictures, where those of YCbCr have different sizes
 * @throws ImageError `unsupported-type` if there are too many to hold
 */
export const chunkLayout = (header: TiffHeader, plane: number, row: number) => {
  const { chunks, bits, samples, isPlanar, colour } = header;
  const [horizontal, vertical] = header.subsampling;
  const rows = chunkRows(header, row);
  const isSubsampled = horizontal * vertical > 1;
  let rowBytes: number;
  let bytes: number;
  if (colour === 'ycbcr' && !isPlanar && isSubsampled) {
    // TIFF 6.0, section 21: blocks of Y, each followed by its Cb and Cr.
    rowBytes = Math.ceil(chunks.width / horizontal) * (horizontal * vertical + samples - 1);
    bytes = rowBytes * Math.ceil(rows / vertical);
  } else {
    const isChroma = isSubsampled && (plane === 1 || plane === 2);
    const width = isChroma ? Math.ceil(chunks.width / horizontal) : chunks.width;
    rowBytes = Math.ceil((width * (isPlanar ? 1 : samples) * bits) / 8);
    bytes = rowBytes * (isChroma ? Math.ceil(rows / vertical) : rows);
  }
  if (bytes > maxChunkBytes && header.compression !== 1) {
    throw unsupportedKind(`has strips or tiles of ${bytes} bytes`);
  }
  return { rowBytes, bytes };
};

/** Whether `tiff-samples.ts` can read the samples without libtiff. */
export const isReadableWithoutLibtiff = ({
  compression,
  bits,
  number,
  colour,
  predictor,
}: TiffHeader): boolean => {
  if (colour === 'log-grey' || colour === 'log-luv') return compression === sgiLog;
  if (!expanders.has(compression)) return false;
  if (number === 'float')
    return (bits === 16 || bits === 24 || bits === 32 || bits === 64) && colour !== 'palette';
  if (predictor === 2 && bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64) return false;
  if (predictor === 3) return false;
  if (colour === 'ycbcr') return bits === 8;
  if (colour === 'palette') return bits <= 16;
  return bits <= 32 || bits === 64;
};

/** The error for samples that neither libtiff nor this code reads. */
export const unsupportedSamples = ({ bits, number, colour, predictor }: TiffHeader): ImageError =>
  unsupportedKind(
    `has ${colour} samples of ${bits} bits (${number}${predictor > 1 ? `, predictor ${predictor}` : ''})`,
  );

export const unsupportedOldJpeg = (): ImageError =>
  unsupported('is compressed with old-style JPEG without tables', `Accepted are ${acceptedTiffs}.`);
