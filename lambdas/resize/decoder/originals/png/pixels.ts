import { colourTypes, type Header } from './head.ts';

/*
 * Decodes pixels from inflated rows, for the few files that libvips cannot place or does not finish: frames
 * that are smaller than their canvas, and damaged data. What is missing stays transparent.
 */

/** Colours of a palette, and the alphas of the first ones. */
export interface Palette {
  readonly colours: Buffer;
  readonly alphas: Buffer;
}

/** Bytes, red, green, blue and alpha for each pixel; or grey and alpha. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly channels: 2 | 4;
  readonly data: Buffer;
}

/** PNG specification (third edition), table 8.1: the passes of an interlaced picture, and a whole one. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly stepX: number;
  readonly stepY: number;
  /** What a pixel covers until a later pass brings its neighbours. */
  readonly blockWidth: number;
  readonly blockHeight: number;
}

const pass = (
  left: number,
  top: number,
  stepX: number,
  stepY: number,
  blockWidth: number,
  blockHeight: number,
): Pass => ({ left, top, stepX, stepY, blockWidth, blockHeight });

const adam7 = [
  pass(0, 0, 8, 8, 8, 8),
  pass(4, 0, 8, 8, 4, 8),
  pass(0, 4, 4, 8, 4, 4),
  pass(2, 0, 4, 4, 2, 4),
  pass(0, 2, 2, 4, 2, 2),
  pass(1, 0, 2, 2, 1, 2),
  pass(0, 1, 1, 2, 1, 1),
];

const onePass = [pass(0, 0, 1, 1, 1, 1)];

const samplesPerPixel = new Map<number, number>([
  [colourTypes.grey, 1],
  [colourTypes.rgb, 3],
  [colourTypes.palette, 1],
  [colourTypes.greyAlpha, 2],
  [colourTypes.rgba, 4],
]);

/** 11.2.1: the depths that the type allows. */
export const isDecodable = ({ width, height, depth, colourType }: Header): boolean => {
  const isSmall = depth === 1 || depth === 2 || depth === 4;
  if (width === 0 || height === 0 || !samplesPerPixel.has(colourType)) return false;
  if (depth === 8) return true;
  if (depth === 16) return colourType !== colourTypes.palette;
  return isSmall && (colourType === colourTypes.grey || colourType === colourTypes.palette);
};

const bitsPerPixel = ({ colourType, depth }: Header): number =>
  (samplesPerPixel.get(colourType) ?? 0) * depth;

const passesOf = ({ isInterlaced }: Header): readonly Pass[] => (isInterlaced ? adam7 : onePass);

const sizeOf = ({ width, height }: Header, { left, top, stepX, stepY }: Pass) => ({
  columns: Math.max(0, Math.ceil((width - left) / stepX)),
  rows: Math.max(0, Math.ceil((height - top) / stepY)),
});

/** The filter's number and the samples. */
const rowBytes = (header: Header, columns: number): number =>
  1 + Math.ceil((columns * bitsPerPixel(header)) / 8);

/** How long the inflated data of a whole picture is. */
export const inflatedBytes = (header: Header): number =>
  passesOf(header)
    .map((each) => sizeOf(header, each))
    .filter(({ columns }) => columns > 0)
    .reduce((sum, { columns, rows }) => sum + rows * rowBytes(header, columns), 0);

export const canvasFor = ({ width, height, colourType }: Header): Canvas => {
  const channels = colourType === colourTypes.grey || colourType === colourTypes.greyAlpha ? 2 : 4;
  return { width, height, channels, data: Buffer.alloc(width * height * channels) };
};

/**
 * Paints as many rows as there are.
 *
 * @param inflated is changed
 * @returns how many rows were painted, and of how many
 */
export const paint = (
  canvas: Canvas,
  header: Header,
  inflated: Buffer,
  pixels: PixelReader,
  { left, top } = { left: 0, top: 0 },
): { readonly rows: number; readonly of: number } => {
  let from = 0;
  let painted = 0;
  let isCut = false;
  let of = 0;
  const distance = Math.max(1, bitsPerPixel(header) / 8);
  for (const each of passesOf(header)) {
    const { columns, rows } = sizeOf(header, each);
    if (columns === 0) continue;
    of += rows;
    const length = rowBytes(header, columns);
    let above: Buffer = Buffer.alloc(length - 1);
    for (let row = 0; row < rows && !isCut; row += 1, from += length) {
      const current = inflated.subarray(from + 1, from + length);
      isCut = from + length > inflated.byteLength || !unfilter(inflated[from], current, above, distance);
      if (isCut) break;
      const y = each.top + row * each.stepY;
      for (let column = 0; column < columns; column += 1) {
        const x = each.left + column * each.stepX;
        fill(canvas, pixels(current, column), {
          left: left + x,
          top: top + y,
          right: left + Math.min(header.width, x + each.blockWidth),
          bottom: top + Math.min(header.height, y + each.blockHeight),
        });
      }
      above = current;
      painted += 1;
    }
  }
  return { rows: painted, of };
};

interface Block {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const fill = ({ data, width, channels }: Canvas, pixel: Uint8Array, { left, top, right, bottom }: Block) => {
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) {
      const at = (y * width + x) * channels;
      // Much faster than set() for so few bytes.
      for (let channel = 0; channel < channels; channel += 1) data[at + channel] = pixel[channel] ?? 0;
    }
  }
};

/** Clause 9. @returns whether the filter exists */
const unfilter = (type: number | undefined, row: Buffer, above: Buffer, distance: number): boolean => {
  if (type === undefined || type > 4) return false;
  for (let at = 0; at < row.byteLength; at += 1) {
    const a = at < distance ? 0 : (row[at - distance] ?? 0);
    const b = above[at] ?? 0;
    const c = at < distance ? 0 : (above[at - distance] ?? 0);
    row[at] = (row[at] ?? 0) + predicted(type, a, b, c);
  }
  return true;
};

const predicted = (type: number, a: number, b: number, c: number): number => {
  switch (type) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return (a + b) >> 1;
    case 4:
      return paeth(a, b, c);
    default:
      return 0;
  }
};

const paeth = (a: number, b: number, c: number): number => {
  const distanceA = Math.abs(b - c);
  const distanceB = Math.abs(a - c);
  const distanceC = Math.abs(a + b - 2 * c);
  if (distanceA <= distanceB && distanceA <= distanceC) return a;
  return distanceB <= distanceC ? b : c;
};

/** Reads a pixel of a row, as the canvas stores it. The result is only valid until the next call. */
export type PixelReader = (row: Buffer, column: number) => Uint8Array;

/** @param transparent the tRNS chunk, of images without alpha */
export const pixelReader = (
  { depth, colourType }: Header,
  palette: Palette,
  transparent: Buffer | undefined,
): PixelReader => {
  const max = 2 ** depth - 1;
  const sample = sampleReader(depth);
  const level = depth === 16 ? (value: number) => value >> 8 : (value: number) => (value * 255) / max;
  const key = (index: number): number | undefined =>
    transparent && transparent.byteLength >= 2 * index + 2
      ? transparent.readUInt16BE(2 * index) & (depth === 16 ? 0xffff : 0xff)
      : undefined;
  const [key0, key1, key2] = [key(0), key(1), key(2)];
  const grey = new Uint8Array(2);
  const colour = new Uint8Array(4);
  switch (colourType) {
    case colourTypes.grey:
      return (row, column) => {
        const value = sample(row, column);
        grey[0] = level(value);
        grey[1] = value === key0 ? 0 : 255;
        return grey;
      };
    case colourTypes.greyAlpha:
      return (row, column) => {
        grey[0] = level(sample(row, 2 * column));
        grey[1] = level(sample(row, 2 * column + 1));
        return grey;
      };
    case colourTypes.rgb:
      return (row, column) => {
        const red = sample(row, 3 * column);
        const green = sample(row, 3 * column + 1);
        const blue = sample(row, 3 * column + 2);
        colour[0] = level(red);
        colour[1] = level(green);
        colour[2] = level(blue);
        colour[3] = red === key0 && green === key1 && blue === key2 ? 0 : 255;
        return colour;
      };
    case colourTypes.palette:
      return (row, column) => {
        const entries = palette.colours.byteLength / 3;
        const index = Math.min(sample(row, column), entries - 1);
        colour.set(palette.colours.subarray(3 * index, 3 * index + 3));
        colour[3] = palette.alphas[index] ?? 255;
        return colour;
      };
    default:
      return (row, column) => {
        for (let channel = 0; channel < 4; channel += 1) {
          colour[channel] = level(sample(row, 4 * column + channel));
        }
        return colour;
      };
  }
};

/** Reads a sample by its index in the row. */
const sampleReader = (depth: number): ((row: Buffer, index: number) => number) => {
  if (depth === 8) return (row, index) => row[index] ?? 0;
  if (depth === 16) return (row, index) => ((row[2 * index] ?? 0) << 8) | (row[2 * index + 1] ?? 0);
  const perByte = 8 / depth;
  const mask = 2 ** depth - 1;
  return (row, index) =>
    ((row[Math.floor(index / perByte)] ?? 0) >> (8 - depth * ((index % perByte) + 1))) & mask;
};
