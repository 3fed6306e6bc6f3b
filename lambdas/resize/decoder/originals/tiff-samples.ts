import { setImmediate } from 'node:timers/promises';
import { corrupt, type Damage, damaged } from './damage.ts';
import type { Size } from './original.ts';
import { type Expand, expanders, undoPredictor, withReversedBits } from './tiff-compression.ts';
import { tiffTags } from './tiff-directory.ts';
import { chunkLayout, chunkRows, jpeg, oldJpeg, type TiffHeader } from './tiff-header.ts';
import { asDecodedJpeg, decodeJpegChunk } from './tiff-jpeg.ts';
import { expandSgiLog, greyOfLog, writeRgbOfLog } from './tiff-log.ts';
import { largestOf, needsRange, rawReader, sampleReader, whiteOf } from './tiff-numbers.ts';
import { type Alpha, alphaOf, ShrunkPicture } from './tiff-shrink.ts';

/*
 * Reads the samples of a TIFF without libtiff, row by row, and shrinks them on the way. The result is a plain
 * TIFF of 8 or 16 bits, of which libvips manages the colours.
 */

export interface Unpacked {
  /** A TIFF that libvips reads. It is not upright, and has the profile if that is useful. */
  readonly file: Buffer;
  readonly damage: Damage | undefined;
}

/** Samples after which others get the processor, such as the timer that measures what a decode uses. */
const samplesBetweenPauses = 2_000_000;

/** Rows of chunks, and rows of each, from which the range of the numbers is judged. */
const maxSampledChunkRows = 16;
const maxSampledRows = 16;
const maxSampledColumns = 1000;

/** LZW and Deflate. With others the tag Predictor has no meaning. */
const predictedCompressions: readonly number[] = [5, 8, 32_946];

/** Expanded strips or tiles: those of one row of them, for each plane that is read. */
type ChunkRow = readonly (readonly Buffer[])[];

/**
 * @param target the size that is wanted at last, in the orientation of the file
 * @param hasAlpha false: as if there were no transparency
 * @throws ImageError `image-corrupt` if no pixel can be read
 */
export const unpackTiff = async (
  data: Buffer,
  stored: TiffHeader,
  target: Size,
  hasAlpha = true,
): Promise<Unpacked> => {
  const header = asDecodedJpeg(stored) ?? stored;
  const reader = new ChunkReader(data, stored, header, hasAlpha ? alphaOf(header) : undefined);
  const white = needsRange(header) ? whiteOf(header, await reader.someValues()) : largestOf(header.bits);
  const shrunk = new ShrunkPicture(header, reader.alpha, target);
  const fillLine = lineReader(header, reader.planes, white);
  const line = new Float32Array(header.chunks.width * reader.channels);
  let samples = 0;
  for (let row = 0; row < header.chunks.rows; row += 1) {
    const chunks = await reader.read(row);
    const rows = chunkRows(header, row);
    for (let within = 0; within < rows; within += 1) {
      const y = row * header.chunks.height + within;
      for (let column = 0; column < header.chunks.columns; column += 1) {
        const x = column * header.chunks.width;
        const width = Math.min(header.chunks.width, header.width - x);
        const isThere = fillLine(chunks, column, within, row, width, line);
        if (isThere) shrunk.add(line, x, y, width);
        samples += width * reader.channels;
      }
      if (samples > samplesBetweenPauses) {
        samples = 0;
        await setImmediate();
      }
    }
  }
  if (shrunk.isEmpty) throw corrupt(reader.damage ?? damaged('damaged', 'No pixel can be read.'));
  // As in other formats, what a file lacks is transparent. What is damaged in between is black.
  return { file: shrunk.toTiff(reader.damage?.kind === 'incomplete'), damage: reader.damage };
};

class ChunkReader {
  readonly #data: Buffer;
  /** As the directory describes it. */
  readonly #stored: TiffHeader;
  readonly #header: TiffHeader;
  readonly alpha: Alpha | undefined;
  /** Samples of a pixel that are read. */
  readonly planes: readonly number[];
  #damage: Damage | undefined;

  constructor(data: Buffer, stored: TiffHeader, header: TiffHeader, alpha: Alpha | undefined) {
    this.#data = data;
    this.#stored = stored;
    this.#header = header;
    this.alpha = alpha;
    const colours = Array.from({ length: header.colours }, (_, index) => index);
    this.planes = alpha ? [...colours, alpha.plane] : colours;
  }

  get damage(): Damage | undefined {
    return this.#damage;
  }

  /** Values for each pixel of a line. A palette has three colours for its one sample. */
  get channels(): number {
    return this.planes.length + (this.#header.colour === 'palette' ? 2 : 0);
  }

  async read(row: number): Promise<ChunkRow> {
    const { chunks, isPlanar } = this.#header;
    const planes: Buffer[][] = [];
    for (const plane of isPlanar ? this.planes : [0]) {
      const columns: Buffer[] = [];
      for (let column = 0; column < chunks.columns; column += 1) {
        columns.push(await this.#expanded(plane, row, column));
      }
      planes.push(columns);
    }
    return planes;
  }

  /** Numbers from all over the picture, as they are stored. */
  async someValues(): Promise<readonly number[]> {
    const { chunks, samples, isPlanar, colours } = this.#header;
    const read = rawReader(this.#header);
    const values: number[] = [];
    const rowStep = Math.ceil(chunks.rows / maxSampledChunkRows);
    for (let row = 0; row < chunks.rows; row += rowStep) {
      const columns = (await this.read(row))[0] ?? [];
      const { rowBytes } = chunkLayout(this.#header, 0, row);
      const withinStep = Math.ceil(chunkRows(this.#header, row) / maxSampledRows);
      const count = Math.min(chunks.width, this.#header.width) * (isPlanar ? 1 : samples);
      const columnStep = Math.ceil((columns.length * count) / maxSampledColumns);
      for (const bytes of columns) {
        for (let at = 0; at + rowBytes <= bytes.byteLength; at += rowBytes * withinStep) {
          for (let index = 0; index < count; index += columnStep) {
            if (isPlanar || index % samples < colours) values.push(read(bytes, at, index));
          }
        }
      }
    }
    return values;
  }

  async #expanded(plane: number, row: number, column: number): Promise<Buffer> {
    const { chunks, compression, isReversed, predictor, bits, samples, isPlanar, directory } = this.#header;
    const index = (plane * chunks.rows + row) * chunks.columns + column;
    const offset = chunks.offsets[index] ?? this.#data.byteLength;
    const { rowBytes, bytes } = chunkLayout(this.#header, plane, row);
    // The length of what is not compressed is known, and often wrong in the file.
    const length = compression === 1 ? bytes : (chunks.byteCounts[index] ?? 0);
    const stored = this.#data.subarray(offset, offset + length);
    const expanded =
      compression === jpeg || compression === oldJpeg
        ? await this.#decodedJpeg(stored, plane, row)
        : await expanderOf(this.#header)?.(isReversed ? withReversedBits(stored) : stored, bytes, rowBytes);
    if (expanded === undefined || expanded.byteLength < bytes) {
      this.#damage ??= damaged(
        offset + length > this.#data.byteLength ? 'incomplete' : 'damaged',
        `Strip or tile ${index} has ${expanded?.byteLength ?? 0} of ${bytes} bytes.`,
      );
    }
    if (expanded === undefined) return Buffer.alloc(0);
    if (predictor > 1 && predictedCompressions.includes(compression)) {
      undoPredictor(expanded, predictor, {
        rowBytes,
        bits,
        samples: isPlanar ? 1 : samples,
        isLittleEndian: directory.isLittleEndian,
      });
    }
    return expanded;
  }

  async #decodedJpeg(stored: Buffer, plane: number, row: number): Promise<Buffer | undefined> {
    const { isPlanar, samples } = this.#header;
    const { rowBytes, bytes } = chunkLayout(this.#header, plane, row);
    const perPixel = isPlanar ? 1 : samples;
    const wanted = { width: rowBytes / perPixel, rows: bytes / rowBytes, samples: perPixel };
    const decoded = await decodeJpegChunk(stored, this.#stored, wanted);
    this.#damage ??= decoded?.damage;
    return decoded?.data;
  }
}

const expanderOf = ({ colour, compression }: TiffHeader): Expand | undefined => {
  if (colour === 'log-grey') return expandSgiLog(2);
  return colour === 'log-luv' ? expandSgiLog(4) : expanders.get(compression);
};

/** @returns false if the file lacks this part of the row */
type FillLine = (
  chunks: ChunkRow,
  column: number,
  within: number,
  row: number,
  width: number,
  line: Float32Array,
) => boolean;

const lineReader = (header: TiffHeader, planes: readonly number[], white: number): FillLine => {
  const { samples, isPlanar, colour, subsampling } = header;
  const readers = planes.map((plane) => sampleReader(header, plane, white));
  const [horizontal, vertical] = subsampling;
  if (colour === 'ycbcr' && !isPlanar && horizontal * vertical > 1) return blockLineReader(header);
  if (colour === 'log-grey' || colour === 'log-luv') return logLineReader(header);
  const channels = planes.length;
  const plain: FillLine = (chunks, column, within, row, width, line) => {
    for (const [channel, read] of readers.entries()) {
      const plane = planes[channel] ?? 0;
      const bytes = chunks[isPlanar ? channel : 0]?.[column];
      const isChroma = isPlanar && colour === 'ycbcr' && (plane === 1 || plane === 2);
      const { rowBytes } = chunkLayout(header, isPlanar ? plane : 0, row);
      const rowAt = rowBytes * (isChroma ? Math.floor(within / vertical) : within);
      if (bytes === undefined || rowAt + rowBytes > bytes.byteLength) {
        // As in ImageMagick, the planes before the end of a file are shown.
        if (channel === 0 || colour !== 'rgb') return false;
        for (let to = channel; to < width * channels; to += channels) line[to] = line[to - 1] ?? 0;
        continue;
      }
      if (isChroma && horizontal > 1) {
        for (let x = 0, to = channel; x < width; x += 1, to += channels) {
          line[to] = read(bytes, rowAt, Math.floor(x / horizontal));
        }
        continue;
      }
      const step = isPlanar ? 1 : samples;
      for (let x = 0, to = channel, from = isPlanar ? 0 : plane; x < width; x += 1, to += channels) {
        line[to] = read(bytes, rowAt, from);
        from += step;
      }
    }
    return true;
  };
  return colour === 'palette' ? paletteLineReader(header, channels, plain) : plain;
};

/** TIFF 6.0, section 21: blocks of Y, row by row, each followed by its Cb and its Cr. */
const blockLineReader = (header: TiffHeader): FillLine => {
  const [horizontal, vertical] = header.subsampling;
  const luma = horizontal * vertical;
  const blockBytes = luma + header.samples - 1;
  return (chunks, column, within, row, width, line) => {
    const bytes = chunks[0]?.[column];
    const { rowBytes } = chunkLayout(header, 0, row);
    const rowAt = rowBytes * Math.floor(within / vertical);
    if (bytes === undefined || rowAt + rowBytes > bytes.byteLength) return false;
    const lumaAt = (within % vertical) * horizontal;
    for (let x = 0, to = 0; x < width; x += 1, to += 3) {
      const at = rowAt + Math.floor(x / horizontal) * blockBytes;
      line[to] = (bytes[at + lumaAt + (x % horizontal)] ?? 0) / 255;
      line[to + 1] = (bytes[at + luma] ?? 0) / 255;
      line[to + 2] = (bytes[at + luma + 1] ?? 0) / 255;
    }
    return true;
  };
};

const logLineReader =
  (header: TiffHeader): FillLine =>
  (chunks, column, within, row, width, line) => {
    const bytes = chunks[0]?.[column];
    const { rowBytes } = chunkLayout(header, 0, row);
    const rowAt = rowBytes * within;
    if (bytes === undefined || rowAt + rowBytes > bytes.byteLength) return false;
    for (let x = 0; x < width; x += 1) {
      if (header.colour === 'log-grey') line[x] = greyOfLog(bytes, rowAt + 2 * x);
      else writeRgbOfLog(bytes, rowAt + 4 * x, line, 3 * x);
    }
    return true;
  };

const paletteLineReader = (header: TiffHeader, stored: number, plain: FillLine): FillLine => {
  const map = colourMapOf(header);
  const lastColour = map.length / 3 - 1;
  return (...given) => {
    const [, , , , width, line] = given;
    if (!plain(...given)) return false;
    // From the last pixel to the first, because three colours take more room than one number.
    for (let x = width - 1; x >= 0; x -= 1) {
      const from = x * stored;
      const to = x * (stored + 2);
      const colour = 3 * Math.min(line[from] ?? 0, lastColour);
      if (stored === 2) line[to + 3] = line[from + 1] ?? 0;
      for (let channel = 0; channel < 3; channel += 1) line[to + channel] = map[colour + channel] ?? 0;
    }
    return true;
  };
};

/**
 * TIFF 6.0, section 5: all reds, then all greens, then all blues, with 16 bits. Old programs wrote 8 bits. A
 * missing map means that the numbers are grey.
 */
const colourMapOf = ({ directory, bits }: TiffHeader): Float32Array => {
  const values = directory.numbers(tiffTags.colourMap, 3 * 2 ** bits);
  const count = Math.floor(values.length / 3);
  if (count === 0) {
    return Float32Array.from(
      { length: 3 * 2 ** bits },
      (_, index) => Math.floor(index / 3) / largestOf(bits),
    );
  }
  const white = values.every((value) => value < 256) ? 255 : 65_535;
  const map = new Float32Array(3 * count);
  for (let colour = 0; colour < count; colour += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      map[3 * colour + channel] = (values[channel * count + colour] ?? 0) / white;
    }
  }
  return map;
};
