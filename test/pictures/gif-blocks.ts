import { latin1, u16le } from '../trials/hostile/numbers.ts';
import { height, patchAt, patches, width } from './picture.ts';

export type Palette = readonly (readonly [number, number, number])[];

export interface GifFrame {
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
  readonly height?: number;
  /** The number of a colour, at a place in the frame. */
  readonly at?: (x: number, y: number) => number;
  /** The colour that is not drawn. */
  readonly transparent?: number;
  /** 1 keep, 2 restore the background, 3 restore the frame before. */
  readonly disposal?: 0 | 1 | 2 | 3;
  readonly isInterlaced?: boolean;
  readonly palette?: Palette;
  /** Whether there is a control block even if nothing needs it. @default false */
  readonly hasControl?: boolean;
}

export interface Gif {
  readonly width?: number;
  readonly height?: number;
  /** @default - the colours of the patches; null for none */
  readonly palette?: Palette | null;
  readonly background?: number;
  readonly version?: '87a' | '89a';
  readonly frames: readonly GifFrame[];
  /** What follows the last frame. @default - the trailer */
  readonly end?: Buffer;
  /** Blocks before the first frame. */
  readonly extensions?: readonly Buffer[];
}

/** Blocks of at most 255 bytes with their lengths, and the empty one that ends them (GIF89a, 15 and 16). */
const subBlocks = (data: Buffer): Buffer => {
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const part = data.subarray(at, at + 255);
    blocks.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat([...blocks, Buffer.from([0])]);
};

/** LZW with a clear code before the codes would grow, so that each number is stored as itself. */
const uncompressed = (numbers: readonly number[], bits: number): Buffer => {
  const clear = 2 ** bits;
  const bytes: number[] = [];
  let held = 0;
  let count = 0;
  const write = (code: number): void => {
    held |= code << count;
    count += bits + 1;
    for (; count >= 8; count -= 8) {
      bytes.push(held & 0xff);
      held >>= 8;
    }
  };
  numbers.forEach((number, index) => {
    if (index % (clear - 2) === 0) write(clear);
    write(number);
  });
  write(clear + 1);
  if (count > 0) bytes.push(held & 0xff);
  return Buffer.from(bytes);
};

const tableBits = (palette: Palette): number => Math.max(1, Math.ceil(Math.log2(palette.length)));
const colourTable = (palette: Palette): Buffer => {
  const table = Buffer.alloc(3 * 2 ** tableBits(palette));
  table.set(palette.flat());
  return table;
};

/** First rows of the four passes, and the steps between them (GIF89a, appendix E). */
const passes = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

const frameBlocks = (frame: GifFrame, colours: Palette): Buffer => {
  const { x = 0, y = 0, width: columns = width, height: rows = height, at = patchAt, palette } = frame;
  const order: number[] = [];
  for (const [first, step] of frame.isInterlaced ? passes : ([[0, 1]] as const)) {
    for (let row = first; row < rows; row += step) order.push(row);
  }
  const numbers = order.flatMap((row) => Array.from({ length: columns }, (_, column) => at(column, row)));
  const bits = Math.max(2, tableBits(palette ?? colours));
  const { transparent, disposal = 0, hasControl } = frame;
  const control =
    hasControl || transparent !== undefined || disposal !== 0
      ? Buffer.from([
          0x21,
          0xf9,
          4,
          (disposal << 2) | (transparent === undefined ? 0 : 1),
          10,
          0,
          transparent ?? 0,
          0,
        ])
      : Buffer.alloc(0);
  const flags = (palette ? 0x80 | (tableBits(palette) - 1) : 0) | (frame.isInterlaced ? 0x40 : 0);
  return Buffer.concat([
    control,
    Buffer.from([0x2c]),
    ...[x, y, columns, rows].map(u16le),
    Buffer.from([flags]),
    palette ? colourTable(palette) : Buffer.alloc(0),
    Buffer.from([bits]),
    subBlocks(uncompressed(numbers, bits)),
  ]);
};

/** Writes a GIF of any frames (CompuServe, "Graphics Interchange Format", version 89a). */
export const gif = ({ palette = patches, version = '89a', ...given }: Gif): Buffer =>
  Buffer.concat([
    latin1(`GIF${version}`),
    u16le(given.width ?? width),
    u16le(given.height ?? height),
    Buffer.from([palette ? 0xf0 | (tableBits(palette) - 1) : 0, given.background ?? 0, 0]),
    palette ? colourTable(palette) : Buffer.alloc(0),
    ...(given.extensions ?? []),
    ...given.frames.map((frame) => frameBlocks(frame, palette ?? patches)),
    given.end ?? Buffer.from([0x3b]),
  ]);

/** How often an animation is repeated, as Netscape wrote it. */
export const loopExtension = Buffer.concat([
  Buffer.from([0x21, 0xff, 11]),
  latin1('NETSCAPE2.0'),
  subBlocks(Buffer.from([1, 0, 0])),
]);
