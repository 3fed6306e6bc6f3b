import type { Size } from '../original.ts';
import { type Area, type Orientation, turnedSize } from './placement.ts';

/** Decoded samples of a part of the coded picture: red, green, blue, and alpha if there are four. */
export interface Block extends Area {
  readonly samples: Uint8Array | Uint16Array;
  /** Samples from one row to the next. */
  readonly stride: number;
}

export interface ShrinkOptions {
  /** The part of the coded picture that is shown. */
  readonly area: Area;
  /** The size to which that part is shrunk: no larger than it. */
  readonly target: Size;
  readonly channels: 3 | 4;
  /** Bits of a sample. */
  readonly depth: number;
  /** Whether colours are multiplied by alpha already. */
  readonly isPremultiplied: boolean;
}

/** Samples of 8 bits, or of 16 bits if the picture has more than 8. */
export type Samples = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** The result. */
export interface Shrunk extends Size {
  readonly channels: 3 | 4;
  readonly samples: Samples;
}

/**
 * Shrinks a picture of which one block after the other is decoded, so that the whole is never in memory. Each
 * pixel of the result is the mean of the area that it covers, in fractions of pixels, so that blocks leave no
 * seams.
 */
export class Shrinking {
  readonly #options: ShrinkOptions;
  /** Sums of colours (multiplied by alpha if there is one) and of alpha, in the unit of a sample. */
  readonly #sums: Float32Array;
  readonly #missing: Area[] = [];

  constructor(options: ShrinkOptions) {
    this.#options = options;
    this.#sums = new Float32Array(options.target.width * options.target.height * options.channels);
  }

  add(block: Block): void {
    const { area, target, channels } = this.#options;
    const left = Math.max(block.left, area.left);
    const right = Math.min(block.left + block.width, area.left + area.width);
    const top = Math.max(block.top, area.top);
    const bottom = Math.min(block.top + block.height, area.top + area.height);
    if (left >= right || top >= bottom) return;
    const columns = cellsOf(left - area.left, right - area.left, area.width, target.width);
    const row = new Float64Array(columns.length * channels);
    const firstCell = columns[0]?.cell ?? 0;
    const scale = target.height / area.height;
    for (let y = top; y < bottom; y += 1) {
      const start = (y - block.top) * block.stride + (area.left - block.left) * channels;
      this.#sumRow(block.samples, start, columns, row);
      const from = (y - area.top) * scale;
      const to = (y + 1 - area.top) * scale;
      for (let line = Math.floor(from); line < to && line < target.height; line += 1) {
        const weight = Math.min(to, line + 1) - Math.max(from, line);
        let at = (line * target.width + firstCell) * channels;
        for (const sum of row) {
          this.#sums[at] = (this.#sums[at] ?? 0) + sum * weight;
          at += 1;
        }
      }
    }
  }

  /** Makes a part that could not be decoded transparent. */
  addMissing(area: Area): void {
    this.#missing.push(area);
  }

  /** Means of one row of a block. */
  #sumRow(samples: Block['samples'], start: number, columns: readonly Cell[], row: Float64Array): void {
    if (this.#options.channels === 4) this.#sumRowWithAlpha(samples, start, columns, row);
    else sumOpaqueRow(samples, start, columns, row);
  }

  #sumRowWithAlpha(
    samples: Block['samples'],
    start: number,
    columns: readonly Cell[],
    row: Float64Array,
  ): void {
    const full = 2 ** this.#options.depth - 1;
    const { isPremultiplied } = this.#options;
    row.fill(0);
    let out = 0;
    for (const { from, to, scale } of columns) {
      for (let x = Math.floor(from); x < to; x += 1) {
        const at = start + x * 4;
        const alpha = samples[at + 3] ?? 0;
        const weight = (Math.min(to, x + 1) - Math.max(from, x)) * scale;
        const colour = isPremultiplied ? weight : (weight * alpha) / full;
        row[out] = (row[out] ?? 0) + (samples[at] ?? 0) * colour;
        row[out + 1] = (row[out + 1] ?? 0) + (samples[at + 1] ?? 0) * colour;
        row[out + 2] = (row[out + 2] ?? 0) + (samples[at + 2] ?? 0) * colour;
        row[out + 3] = (row[out + 3] ?? 0) + alpha * weight;
      }
      out += 4;
    }
  }

  /** The shrunk picture, upright, not multiplied by alpha. */
  finish(orientation: Orientation): Shrunk {
    const { target, depth } = this.#options;
    const given = this.#options.channels;
    const channels = this.#missing.length > 0 ? 4 : given;
    const size = turnedSize(target, orientation);
    const full = 2 ** depth - 1;
    const fullOut = depth > 8 ? 65_535 : 255;
    const count = size.width * size.height * channels;
    const samples = depth > 8 ? new Uint16Array(count) : new Uint8Array(count);
    const isMissing = this.#missingPixels();
    const { a, b, c, d } = orientation;
    const left = a < 0 || b < 0 ? target.width - 1 : 0;
    const top = c < 0 || d < 0 ? target.height - 1 : 0;
    let out = 0;
    for (let y = 0; y < size.height; y += 1) {
      for (let x = 0; x < size.width; x += 1) {
        const pixel = (top + c * x + d * y) * target.width + left + a * x + b * y;
        const at = pixel * given;
        const alpha = isMissing?.[pixel] === 1 ? 0 : given === 4 ? (this.#sums[at + 3] ?? 0) : full;
        const factor = alpha > 0 ? fullOut / alpha : 0;
        for (let channel = 0; channel < 3; channel += 1) {
          const value = Math.round((this.#sums[at + channel] ?? 0) * factor);
          samples[out + channel] = Math.min(fullOut, value);
        }
        if (channels === 4) samples[out + 3] = Math.min(fullOut, Math.round((alpha * fullOut) / full));
        out += channels;
      }
    }
    return { ...size, channels, samples };
  }

  /** Which pixels of the result lie in missing parts, wholly or partly. */
  #missingPixels(): Uint8Array | undefined {
    if (this.#missing.length === 0) return undefined;
    const { area, target } = this.#options;
    const pixels = new Uint8Array(target.width * target.height);
    const across = target.width / area.width;
    const down = target.height / area.height;
    for (const missing of this.#missing) {
      const left = Math.max(0, Math.floor((missing.left - area.left) * across));
      const right = Math.min(target.width, Math.ceil((missing.left + missing.width - area.left) * across));
      const top = Math.max(0, Math.floor((missing.top - area.top) * down));
      const bottom = Math.min(target.height, Math.ceil((missing.top + missing.height - area.top) * down));
      for (let y = top; y < bottom && left < right; y += 1) {
        pixels.fill(1, y * target.width + left, y * target.width + right);
      }
    }
    return pixels;
  }
}

/** The pixels of a row that one pixel of the result covers, in fractions of pixels. */
interface Cell {
  readonly cell: number;
  readonly from: number;
  readonly to: number;
  /** What a whole pixel of the row counts. */
  readonly scale: number;
}

const cellsOf = (left: number, right: number, width: number, target: number): readonly Cell[] => {
  const scale = target / width;
  const cells: Cell[] = [];
  for (let cell = Math.floor(left * scale); cell < Math.min(target, right * scale); cell += 1) {
    const from = Math.max(left, (cell * width) / target);
    const to = Math.min(right, ((cell + 1) * width) / target);
    if (from < to) cells.push({ cell, from, to, scale });
  }
  return cells;
};

const sumOpaqueRow = (
  samples: Block['samples'],
  start: number,
  columns: readonly Cell[],
  row: Float64Array,
): void => {
  let out = 0;
  for (const { from, to, scale } of columns) {
    const first = Math.ceil(from);
    const last = Math.floor(to);
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let at = start + first * 3, end = start + last * 3; at < end; at += 3) {
      red += samples[at] ?? 0;
      green += samples[at + 1] ?? 0;
      blue += samples[at + 2] ?? 0;
    }
    const addPart = (x: number, part: number): void => {
      const at = start + x * 3;
      red += (samples[at] ?? 0) * part;
      green += (samples[at + 1] ?? 0) * part;
      blue += (samples[at + 2] ?? 0) * part;
    };
    if (first > last) addPart(last, to - from);
    else {
      if (first > from) addPart(first - 1, first - from);
      if (to > last) addPart(last, to - last);
    }
    row[out] = red * scale;
    row[out + 1] = green * scale;
    row[out + 2] = blue * scale;
    out += 3;
  }
};
