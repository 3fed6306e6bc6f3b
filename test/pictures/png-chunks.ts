import { deflateSync } from 'node:zlib';
import { pngHeader, pngParts } from '../trials/hostile/formats/png.ts';
import { latin1, u16be, u32be } from '../trials/hostile/numbers.ts';
import type { Part } from '../trials/hostile/parts.ts';
import { height, width } from './picture.ts';

export interface PngPixels {
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colourType: 0 | 2 | 3 | 4 | 6;
  readonly bitDepth: 1 | 2 | 4 | 8 | 16;
  readonly isInterlaced?: boolean;
  /** The samples of a pixel, each of as many bits as `bitDepth` says. */
  readonly at: (x: number, y: number) => readonly number[];
  readonly width?: number;
  readonly height?: number;
}

export const chunk = (type: string, content: Buffer | readonly number[] = []): Part => ({
  type,
  content: Buffer.from(content),
});

/** Numbers of 32 bits, as gAMA, cHRM and the chunks of an animation have them. */
export const numbersChunk = (type: string, ...numbers: readonly number[]): Part =>
  chunk(type, Buffer.concat(numbers.map(u32be)));

export const iccChunk = (profile: Buffer): Part =>
  chunk('iCCP', Buffer.concat([latin1('profile\0\0'), deflateSync(profile)]));

export const paletteChunk = (colours: readonly (readonly number[])[]): Part => chunk('PLTE', colours.flat());

/** First column and row of each pass, and the steps between its pixels (W3C PNG, 8.2). */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

const packedRow = (samples: readonly number[], bitDepth: PngPixels['bitDepth']): Buffer => {
  if (bitDepth === 16) return Buffer.concat(samples.map(u16be));
  const row = Buffer.alloc(Math.ceil((samples.length * bitDepth) / 8));
  samples.forEach((sample, index) => {
    const bit = index * bitDepth;
    const at = Math.floor(bit / 8);
    row[at] = (row[at] ?? 0) | (sample << (8 - bitDepth - (bit % 8)));
  });
  return row;
};

/** The rows of an image before compression, each with filter 0. */
export const filteredRows = (given: PngPixels): Buffer => {
  const [columns, rows] = [given.width ?? width, given.height ?? height];
  const lines: Buffer[] = [];
  for (const [startX, startY, stepX, stepY] of given.isInterlaced ? adam7 : ([[0, 0, 1, 1]] as const)) {
    if (startX >= columns) continue;
    for (let y = startY; y < rows; y += stepY) {
      const samples: number[] = [];
      for (let x = startX; x < columns; x += stepX) samples.push(...given.at(x, y));
      lines.push(Buffer.from([0]), packedRow(samples, given.bitDepth));
    }
  }
  return Buffer.concat(lines);
};

export const imageData = (given: PngPixels): Buffer => deflateSync(filteredRows(given));

export const headerChunk = (given: PngPixels): Part =>
  pngHeader({ ...given, width: given.width ?? width, height: given.height ?? height });

export const pngOf = (...parts: readonly Part[]): Buffer => pngParts.join([...parts, chunk('IEND')]);

/** A PNG with these chunks between its header and its image. */
export const png = (given: PngPixels, ...chunks: readonly Part[]): Buffer =>
  pngOf(headerChunk(given), ...chunks, chunk('IDAT', imageData(given)));

export interface FrameControl {
  readonly sequence: number;
  readonly width?: number;
  readonly height?: number;
  readonly x?: number;
  readonly y?: number;
  /** 0 none, 1 background, 2 previous. */
  readonly dispose?: 0 | 1 | 2;
  /** 0 source, 1 over. */
  readonly blend?: 0 | 1;
}

/** A frame of an animation: its size, place and how it is drawn (W3C PNG, 11.3.6.2). */
export const frameControl = (frame: FrameControl): Part =>
  chunk(
    'fcTL',
    Buffer.concat([
      ...[frame.sequence, frame.width ?? width, frame.height ?? height, frame.x ?? 0, frame.y ?? 0].map(
        u32be,
      ),
      u16be(1),
      u16be(10),
      Buffer.from([frame.dispose ?? 0, frame.blend ?? 0]),
    ]),
  );

export const frameData = (sequence: number, data: Buffer): Part =>
  chunk('fdAT', Buffer.concat([u32be(sequence), data]));
