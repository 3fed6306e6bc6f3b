import { ImageError } from '../../../image/errors.ts';
import type { Damage } from './damage.ts';
import { jpeg as jpegFormat } from './jpeg.ts';
import { openWithLibvips } from './libvips.ts';
import { tiffTags } from './tiff-directory.ts';
import { jpeg, oldJpeg, type TiffHeader } from './tiff-header.ts';

/*
 * Strips and tiles that are JPEGs, decoded one by one: for pictures that libtiff gives up, or does not read.
 */

export interface DecodedJpeg {
  /** Samples of a strip or tile, 8 bits each. */
  readonly data: Buffer;
  readonly damage: Damage | undefined;
}

const startOfImage = Buffer.from([0xff, 0xd8]);
const endOfImage = Buffer.from([0xff, 0xd9]);
const startOfScan = Buffer.from([0xff, 0xda]);

/** Adobe technical note 5116: an APP14 marker, whose last byte says whether colours are YCbCr. */
const colourMarker = (transform: 0 | 1): Buffer =>
  Buffer.from([0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform]);

/**
 * What the samples are after their JPEGs have been decoded one by one.
 *
 * @returns undefined if that is impossible
 */
export const asDecodedJpeg = (header: TiffHeader): TiffHeader | undefined => {
  const isJpeg = header.compression === jpeg || header.oldJpegTables !== undefined;
  if (!isJpeg || header.bits !== 8 || header.number === 'float') return undefined;
  if (header.isPlanar) return header.colour === 'ycbcr' ? undefined : header;
  switch (header.colour) {
    case 'rgb':
    case 'ycbcr':
    case 'cmyk':
      return { ...header, colour: 'rgb', colours: 3, samples: 3, subsampling: [1, 1] };
    case 'grey':
      return header.samples === 1 ? header : undefined;
    default:
      return undefined;
  }
};

interface Wanted {
  readonly width: number;
  readonly rows: number;
  readonly samples: number;
}

/** A JPEG may claim to be larger than its strip or tile, but not much. */
const maxTimesLarger = 2;

/**
 * Decodes one strip or tile.
 *
 * @returns undefined if nothing of it can be decoded
 */
export const decodeJpegChunk = async (
  stored: Buffer,
  header: TiffHeader,
  { width, rows, samples }: Wanted,
): Promise<DecodedJpeg | undefined> => {
  try {
    const file = header.oldJpegTables ? oldJpegFileOf(stored, header, rows) : jpegFileOf(stored, header);
    const image = await openWithLibvips(file, { ...jpegFormat, fill: undefined });
    if (image.width * image.height > maxTimesLarger * header.chunks.width * header.chunks.height) {
      return undefined;
    }
    const { raster, damage } = await image.decode({ width: image.width, height: image.height });
    const data = Buffer.alloc(width * rows * samples);
    for (let y = 0; y < Math.min(rows, raster.height); y += 1) {
      for (let x = 0; x < Math.min(width, raster.width); x += 1) {
        const from = (y * raster.width + x) * raster.channels;
        const to = (y * width + x) * samples;
        for (let sample = 0; sample < samples; sample += 1) {
          data[to + sample] = raster.data[from + Math.min(sample, raster.channels - 1)] ?? 0;
        }
      }
    }
    return { data, damage };
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
};

/** TIFF technical note 2: tables that all strips share are in the directory, as a JPEG without a picture. */
const jpegFileOf = (stored: Buffer, { directory, colour, isPlanar }: TiffHeader): Buffer => {
  const tables = directory.bytes(tiffTags.jpegTables);
  const hasColours = !isPlanar && (colour === 'rgb' || colour === 'ycbcr');
  const parts: Buffer[] = [startOfImage];
  if (hasColours) parts.push(colourMarker(colour === 'rgb' ? 0 : 1));
  if (tables) parts.push(tables.subarray(2, tables.byteLength - 2));
  return Buffer.concat([...parts, stored.subarray(2)]);
};

const segment = (marker: number, content: Buffer | readonly number[]): Buffer => {
  const length = content.length + 2;
  return Buffer.concat([Buffer.from([0xff, marker, length >> 8, length & 0xff]), Buffer.from(content)]);
};

/** ITU-T T.81, B.2.2 and B.2.3: a baseline JPEG, each of whose components has its own tables. */
const oldJpegFileOf = (stored: Buffer, header: TiffHeader, rows: number): Buffer => {
  const { chunks, isPlanar, samples, subsampling, oldJpegTables = Buffer.alloc(0) } = header;
  const height = chunks.isTiled ? chunks.height : rows;
  const components = Array.from({ length: isPlanar ? 1 : samples }, (_, index) => index);
  const [horizontal, vertical] = subsampling;
  const size = [height >> 8, height & 0xff, chunks.width >> 8, chunks.width & 0xff];
  const frame = components.flatMap((index) => [
    index + 1,
    index === 0 ? (horizontal << 4) | vertical : 0x11,
    index,
  ]);
  const scan = components.flatMap((index) => [index + 1, (index << 4) | index]);
  return Buffer.concat([
    startOfImage,
    oldJpegTables,
    segment(0xc0, [8, ...size, components.length, ...frame]),
    segment(0xda, [components.length, ...scan, 0, 63, 0]),
    stored,
    endOfImage,
  ]);
};

const quantisationBytes = 64;
const codeLengths = 16;
const maxCodes = 256;

/** The tags have where each component's tables are, without the headers that they have in a JPEG. */
const oldTablesOf = (data: Buffer, { directory, samples }: TiffHeader): Buffer | undefined => {
  const quantisation = directory.numbers(tiffTags.oldJpegQuantisationTables, samples);
  const huffman = [tiffTags.oldJpegDcTables, tiffTags.oldJpegAcTables].map((tag) =>
    directory.numbers(tag, samples),
  );
  if (samples > 4 || [quantisation, ...huffman].some(({ length }) => length < samples)) return undefined;
  const segments = quantisation.map((at, index) =>
    segment(0xdb, [index, ...data.subarray(at, at + quantisationBytes)]),
  );
  for (const [kind, offsets] of huffman.entries()) {
    for (const [index, at] of offsets.entries()) {
      const lengths = data.subarray(at, at + codeLengths);
      const codes = lengths.reduce((sum, count) => sum + count, 0);
      if (codes > maxCodes) return undefined;
      const codesAt = at + codeLengths;
      segments.push(
        segment(0xc4, [(kind << 4) | index, ...lengths, ...data.subarray(codesAt, codesAt + codes)]),
      );
    }
  }
  const interval = directory.number(tiffTags.oldJpegRestartInterval) ?? 0;
  if (interval > 0) segments.push(segment(0xdd, [interval >> 8, interval & 0xff]));
  return Buffer.concat(segments);
};

const isJpegAt = (data: Buffer, at: number): boolean => data.subarray(at, at + 2).equals(startOfImage);

/**
 * TIFF 6.0, section 22, which technical note 2 replaced: programs put a whole JPEG into the file, or into
 * each strip, or only its tables into the file.
 *
 * @returns undefined if tables are missing
 */
export const withOldJpeg = (data: Buffer, header: TiffHeader): TiffHeader | undefined => {
  if (header.compression !== oldJpeg) return header;
  const { directory, chunks, width, height } = header;
  const start = directory.number(tiffTags.oldJpegOffset) ?? data.byteLength;
  const length = directory.number(tiffTags.oldJpegLength) ?? 0;
  const end = chunks.offsets.reduce(
    (last, offset, index) => Math.max(last, offset + (chunks.byteCounts[index] ?? 0)),
    start + length,
  );
  if (isJpegAt(data, start) && data.subarray(start, end).includes(startOfScan)) {
    const whole = { isTiled: false, width, height, columns: 1, rows: 1 };
    return {
      ...header,
      compression: jpeg,
      chunks: { ...whole, offsets: [start], byteCounts: [end - start] },
    };
  }
  if (isJpegAt(data, chunks.offsets[0] ?? data.byteLength)) return { ...header, compression: jpeg };
  const oldJpegTables = oldTablesOf(data, header);
  return oldJpegTables && { ...header, oldJpegTables };
};
