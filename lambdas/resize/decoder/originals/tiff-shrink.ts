import type { Size } from './original.ts';
import { coloursOf, type TiffColours } from './tiff-colour.ts';
import { type TiffTag, tiffTags, writeTiff } from './tiff-directory.ts';
import type { TiffHeader } from './tiff-header.ts';

/** A sample beyond the colours that is transparency (TIFF 6.0, section 18). */
export interface Alpha {
  readonly plane: number;
  /** The colours are multiplied by it. */
  readonly isAssociated: boolean;
}

/**
 * What programs mean by an extra sample whose kind is unspecified: transparency, if there is only one. Inks
 * beyond four are no transparency.
 */
export const alphaOf = ({ samples, colours, extraSamples, colour }: TiffHeader): Alpha | undefined => {
  if (samples <= colours) return undefined;
  const declared = extraSamples.findIndex((kind) => kind === 1 || kind === 2);
  if (declared !== -1) {
    const plane = colours + declared;
    return plane < samples ? { plane, isAssociated: extraSamples[declared] === 1 } : undefined;
  }
  return samples === colours + 1 && colour !== 'cmyk' ? { plane: colours, isAssociated: false } : undefined;
};

/** How much larger than the target the picture stays, so that libvips can shrink it well. */
const spare = 2;

/** For each pixel of a side: the first shrunk pixel that it covers, and how much of it lies in that one. */
interface Coverage {
  readonly first: Uint32Array;
  readonly share: Float32Array;
}

const coverageOf = (from: number, to: number): Coverage => {
  const scale = to / from;
  const first = new Uint32Array(from);
  const share = new Float32Array(from);
  for (let index = 0; index < from; index += 1) {
    const start = index * scale;
    const cell = Math.min(Math.floor(start), to - 1);
    first[index] = cell;
    share[index] = cell + 1 >= to ? 1 : Math.min(1, (cell + 1 - start) / scale);
  }
  return { first, share };
};

/** Sums of samples for each pixel of a row, and how many pixels they come from. */
class RowSums {
  readonly samples: Float32Array;
  readonly weights: Float32Array;

  constructor(width: number, channels: number) {
    this.samples = new Float32Array(width * channels);
    this.weights = new Float32Array(width);
  }

  clear(): void {
    this.samples.fill(0);
    this.weights.fill(0);
  }

  add(other: RowSums, share: number): void {
    for (let index = 0; index < this.samples.length; index += 1) {
      this.samples[index] = (this.samples[index] ?? 0) + share * (other.samples[index] ?? 0);
    }
    for (let index = 0; index < this.weights.length; index += 1) {
      this.weights[index] = (this.weights[index] ?? 0) + share * (other.weights[index] ?? 0);
    }
  }
}

/** Means of the pixels that become one pixel. A pixel on the border of two counts for both, in parts. */
export class ShrunkPicture {
  readonly #header: TiffHeader;
  readonly #alpha: Alpha | undefined;
  readonly #width: number;
  readonly #height: number;
  readonly #across: Coverage;
  readonly #down: Coverage;
  readonly #channels: number;
  readonly #colours: TiffColours;
  /** The row of the original that is being read. */
  readonly #line: RowSums;
  #y = -1;
  /** The row that is being summed up, and the one below it. */
  #current: RowSums;
  #next: RowSums;
  #row = 0;
  readonly #samples: Float32Array;
  readonly #colour: Float32Array;
  readonly #outChannels: number;
  readonly #outBytes: 1 | 2;
  readonly #pixels: Buffer;
  /** By pixel: 255 if anything of it could be read. */
  readonly #isRead: Buffer;

  constructor(header: TiffHeader, alpha: Alpha | undefined, target: Size) {
    this.#header = header;
    this.#alpha = alpha;
    const factor = Math.max(
      1,
      Math.floor(Math.min(header.width / target.width, header.height / target.height) / spare),
    );
    this.#width = Math.ceil(header.width / factor);
    this.#height = Math.ceil(header.height / factor);
    this.#across = coverageOf(header.width, this.#width);
    this.#down = coverageOf(header.height, this.#height);
    this.#channels = (header.colour === 'palette' ? 3 : header.colours) + (alpha ? 1 : 0);
    this.#colours = coloursOf(header);
    this.#line = new RowSums(this.#width, this.#channels);
    this.#current = new RowSums(this.#width, this.#channels);
    this.#next = new RowSums(this.#width, this.#channels);
    this.#samples = new Float32Array(this.#channels);
    this.#colour = new Float32Array(this.#colours.channels);
    this.#outChannels = this.#colours.channels + (alpha ? 1 : 0);
    // libvips manages colours of 16 bits, but inks only of 8 bits.
    this.#outBytes = this.#colours.profile && this.#colours.channels !== 4 ? 2 : 1;
    this.#pixels = Buffer.alloc(this.#width * this.#height * this.#outChannels * this.#outBytes);
    this.#isRead = Buffer.alloc(this.#width * this.#height);
  }

  get isEmpty(): boolean {
    return this.#y === -1;
  }

  /** Adds a part of a row. Rows must come from the top to the bottom. */
  add(values: Float32Array, x: number, y: number, width: number): void {
    if (y !== this.#y) {
      this.#finishLine();
      this.#y = y;
    }
    const channels = this.#channels;
    const isWeighted = this.#alpha?.isAssociated === false;
    for (let index = 0, from = 0; index < width; index += 1, from += channels) {
      if (isWeighted) {
        const alpha = values[from + channels - 1] ?? 0;
        for (let at = from; at < from + channels - 1; at += 1) values[at] = alpha * (values[at] ?? 0);
      }
      const column = this.#across.first[x + index] ?? 0;
      const share = this.#across.share[x + index] ?? 1;
      this.#addPixel(values, from, column, share);
      if (share < 1) this.#addPixel(values, from, column + 1, 1 - share);
    }
  }

  #addPixel(values: Float32Array, from: number, column: number, share: number): void {
    const { samples, weights } = this.#line;
    const channels = this.#channels;
    const to = column * channels;
    weights[column] = (weights[column] ?? 0) + share;
    for (let channel = 0; channel < channels; channel += 1) {
      samples[to + channel] = (samples[to + channel] ?? 0) + share * (values[from + channel] ?? 0);
    }
  }

  #finishLine(): void {
    if (this.#y < 0) return;
    const row = this.#down.first[this.#y] ?? 0;
    const share = this.#down.share[this.#y] ?? 1;
    while (this.#row < row) this.#finishRow();
    this.#current.add(this.#line, share);
    if (share < 1) this.#next.add(this.#line, 1 - share);
    this.#line.clear();
  }

  #finishRow(): void {
    const channels = this.#channels;
    const hasAlpha = this.#alpha !== undefined;
    const { samples, weights } = this.#current;
    for (let column = 0; column < this.#width; column += 1) {
      const weight = weights[column] ?? 0;
      if (weight === 0) continue;
      this.#isRead[this.#row * this.#width + column] = 255;
      const from = column * channels;
      const alphaSum = hasAlpha ? (samples[from + channels - 1] ?? 0) : weight;
      for (let channel = 0; channel < channels; channel += 1) {
        this.#samples[channel] = alphaSum > 0 ? (samples[from + channel] ?? 0) / alphaSum : 0;
      }
      this.#colours.convert(this.#samples, this.#colour);
      const to = (this.#row * this.#width + column) * this.#outChannels;
      for (let channel = 0; channel < this.#colour.length; channel += 1) {
        this.#write(to + channel, this.#colour[channel] ?? 0);
      }
      if (hasAlpha) this.#write(to + this.#colour.length, alphaSum / weight);
    }
    this.#row += 1;
    [this.#current, this.#next] = [this.#next, this.#current];
    this.#next.clear();
  }

  #write(index: number, value: number): void {
    const within = value > 0 ? Math.min(value, 1) : 0;
    if (this.#outBytes === 1) this.#pixels[index] = Math.round(within * 255);
    else this.#pixels.writeUInt16LE(Math.round(within * 65_535), 2 * index);
  }

  /** The pixels, with what could not be read as transparent. */
  #withTransparency(): Buffer {
    const [from, to] = [this.#outChannels * this.#outBytes, (this.#outChannels + 1) * this.#outBytes];
    const wider = Buffer.alloc(this.#isRead.byteLength * to);
    for (const [pixel, isRead] of this.#isRead.entries()) {
      this.#pixels.copy(wider, pixel * to, pixel * from, (pixel + 1) * from);
      wider.fill(isRead, pixel * to + from, (pixel + 1) * to);
    }
    return wider;
  }

  /** @param isIncomplete what could not be read becomes transparent */
  toTiff(isIncomplete: boolean): Buffer {
    this.#finishLine();
    while (this.#row < this.#height) this.#finishRow();
    const { profile, channels } = this.#colours;
    const photometric = { 1: 1, 3: 2, 4: 5 }[channels];
    const hasAlpha = this.#alpha !== undefined;
    // Inks have no transparency beside them.
    const addsAlpha = isIncomplete && !hasAlpha && channels !== 4;
    const pixels = addsAlpha ? this.#withTransparency() : this.#pixels;
    const samples = this.#outChannels + (addsAlpha ? 1 : 0);
    const headerBytes = 8;
    const fields = new Map<TiffTag, readonly number[] | Buffer>([
      [tiffTags.width, [this.#width]],
      [tiffTags.height, [this.#height]],
      [tiffTags.bitsPerSample, Array.from({ length: samples }, () => 8 * this.#outBytes)],
      [tiffTags.compression, [1]],
      [tiffTags.photometric, [photometric]],
      [tiffTags.stripOffsets, [headerBytes]],
      [tiffTags.orientation, [this.#header.orientation]],
      [tiffTags.samplesPerPixel, [samples]],
      [tiffTags.rowsPerStrip, [this.#height]],
      [tiffTags.stripByteCounts, [pixels.byteLength]],
    ]);
    if (hasAlpha || addsAlpha) fields.set(tiffTags.extraSamples, [2]);
    if (profile) fields.set(tiffTags.profile, profile);
    return writeTiff(Buffer.concat([Buffer.alloc(headerBytes), pixels]), fields, true);
  }
}
