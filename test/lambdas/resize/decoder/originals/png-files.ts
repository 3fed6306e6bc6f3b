import { deflateSync } from 'node:zlib';
import { openOriginal } from '../../../../../lambdas/resize/decoder/originals/open.ts';
import { chunkOf, signature } from '../../../../../lambdas/resize/decoder/originals/png/chunks.ts';
import { colourTypes } from '../../../../../lambdas/resize/decoder/originals/png/head.ts';

/*
 * PNGs that no encoder writes, chunk by chunk.
 */

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly depth: 1 | 2 | 4 | 8 | 16;
  readonly type: keyof typeof colourTypes;
  readonly isInterlaced?: boolean;
  /** The samples of a pixel. */
  readonly pixel: (x: number, y: number) => readonly number[];
}

export const uint32 = (...numbers: readonly number[]): Buffer => {
  const data = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => {
    data.writeUInt32BE(number, 4 * index);
  });
  return data;
};

export const uint16 = (...numbers: readonly number[]): Buffer => {
  const data = Buffer.alloc(2 * numbers.length);
  numbers.forEach((number, index) => {
    data.writeUInt16BE(number, 2 * index);
  });
  return data;
};

export const header = ({ width, height, depth, type, isInterlaced = false }: Picture): Buffer =>
  chunkOf(
    'IHDR',
    Buffer.concat([
      uint32(width, height),
      Buffer.from([depth, colourTypes[type], 0, 0, isInterlaced ? 1 : 0]),
    ]),
  );

const bitsOf = (samples: readonly number[], depth: number): string =>
  samples.map((sample) => sample.toString(2).padStart(depth, '0')).join('');

/** One pass: rows without a filter. */
const passOf = (
  { width, height, depth, pixel }: Picture,
  [left, top, stepX, stepY]: readonly [number, number, number, number],
): Buffer => {
  const rows: Buffer[] = [];
  for (let y = top; y < height && left < width; y += stepY) {
    let bits = '';
    for (let x = left; x < width; x += stepX) bits += bitsOf(pixel(x, y), depth);
    const bytes = bits.match(/.{1,8}/g) ?? [];
    rows.push(Buffer.from([0, ...bytes.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2))]));
  }
  return Buffer.concat(rows);
};

const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** What is compressed in IDAT. */
export const rowsOf = (picture: Picture): Buffer =>
  picture.isInterlaced
    ? Buffer.concat(adam7.map((pass) => passOf(picture, pass)))
    : passOf(picture, [0, 0, 1, 1]);

export const compressed = (picture: Picture): Buffer => deflateSync(rowsOf(picture));

export const idat = (data: Buffer): Buffer => chunkOf('IDAT', data);

export const end = chunkOf('IEND');

/** A file of these chunks. */
export const file = (...chunks: readonly Buffer[]): Buffer => Buffer.concat([signature, ...chunks]);

/** The picture, with these chunks before its data. */
export const pngOf = (picture: Picture, ...before: readonly Buffer[]): Buffer =>
  file(header(picture), ...before, idat(compressed(picture)), end);

/** Chunks whose check is wrong. */
export const withWrongCheck = (chunk: Buffer): Buffer => {
  const copy = Buffer.from(chunk);
  copy[copy.byteLength - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
};

/** A tile of one colour, which is given in 8 bits. */
export const tile = (
  type: keyof typeof colourTypes,
  samples: readonly number[],
  depth: 8 | 16 = 8,
): Picture => ({
  width: 8,
  height: 6,
  depth,
  type,
  pixel: () => samples.map((sample) => (depth === 16 ? sample * 257 : sample)),
});

/** Decodes at full size. */
export const decoded = async (bytes: Buffer) => {
  const original = await openOriginal(bytes, { heic: false });
  const { raster, damage } = await original.decode(original);
  const { data, channels, width, height } = raster;
  return {
    width,
    height,
    damage,
    pixel: (x: number, y: number): readonly number[] => {
      const at = (y * width + x) * channels;
      return [...data.subarray(at, at + channels)];
    },
  };
};

export const expectColour = (seen: readonly number[], expected: readonly number[]): void => {
  expect(seen.length).toBe(expected.length);
  expected.forEach((level, channel) => {
    expect(Math.abs((seen[channel] ?? Number.NaN) - level)).toBeLessThanOrEqual(2);
  });
};
