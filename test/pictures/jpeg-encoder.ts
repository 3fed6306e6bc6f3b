import { jpegParts } from '../trials/hostile/formats/jpeg.ts';
import { u16be } from '../trials/hostile/numbers.ts';
import type { Part } from '../trials/hostile/parts.ts';
import { height, width } from './picture.ts';

export interface JpegComponent {
  /** Its number in the file; 1 to 3 for Y, Cb and Cr, or letters for RGB. */
  readonly id: number;
  /** Sampling factors. @default 1 */
  readonly horizontal?: number;
  readonly vertical?: number;
  readonly at: (x: number, y: number) => number;
}

export interface JpegImage {
  readonly components: readonly JpegComponent[];
  /** Blocks of the largest sampling between two restart markers. @default - no restart markers */
  readonly restartInterval?: number;
  /** Segments before the tables. */
  readonly segments?: readonly Part[];
  /** A scan for each component instead of one for all. @default false */
  readonly isSeparate?: boolean;
}

/** The order of coefficients in a block (ITU-T T.81, figure A.6). */
const zigzag = ((): readonly number[] => {
  const cells = Array.from({ length: 64 }, (_, cell) => ({ row: cell >> 3, column: cell & 7, cell }));
  return cells
    .toSorted((one, other) => {
      const [diagonal, otherDiagonal] = [one.row + one.column, other.row + other.column];
      if (diagonal !== otherDiagonal) return diagonal - otherDiagonal;
      return diagonal % 2 === 0 ? other.row - one.row : one.row - other.row;
    })
    .map(({ cell }) => cell);
})();

const cosine = Array.from({ length: 64 }, (_, index) => {
  const [frequency, place] = [index >> 3, index & 7];
  return Math.cos(((2 * place + 1) * frequency * Math.PI) / 16) * (frequency === 0 ? Math.SQRT1_2 : 1) * 0.5;
});

const quantiser = 3;

/** Quantised coefficients of 8 x 8 samples, in zigzag order. */
const transformed = (sampleAt: (x: number, y: number) => number): readonly number[] => {
  const rows: number[] = [];
  for (let y = 0; y < 8; y += 1) {
    for (let u = 0; u < 8; u += 1) {
      let sum = 0;
      for (let x = 0; x < 8; x += 1) sum += (sampleAt(x, y) - 128) * (cosine[8 * u + x] ?? 0);
      rows.push(sum);
    }
  }
  return zigzag.map((cell) => {
    const [v, u] = [cell >> 3, cell & 7];
    let sum = 0;
    for (let y = 0; y < 8; y += 1) sum += (rows[8 * y + u] ?? 0) * (cosine[8 * v + y] ?? 0);
    return Math.round(sum / quantiser);
  });
};

/*
 * All codes of a table have the same length, which Huffman coding allows: four bits for the sizes 0 to 11 of
 * a difference, and eight bits for the 162 symbols of the other coefficients.
 */
const differenceSymbols = Array.from({ length: 12 }, (_, size) => size);
const otherSymbols = [
  0x00,
  0xf0,
  ...Array.from({ length: 160 }, (_, index) => (Math.floor(index / 10) << 4) | ((index % 10) + 1)),
];

const tableOf = (tableClass: 0 | 1, codeBits: number, symbols: readonly number[]): Part => {
  const counts = Array.from({ length: 16 }, (_, index) => (index + 1 === codeBits ? symbols.length : 0));
  return { type: 'c4', content: Buffer.from([tableClass << 4, ...counts, ...symbols]) };
};

const bitWriter = () => {
  const bytes: number[] = [];
  let held = 0;
  let count = 0;
  const write = (value: number, bits: number): void => {
    for (let bit = bits - 1; bit >= 0; bit -= 1) {
      held = (held << 1) | ((value >> bit) & 1);
      count += 1;
      if (count < 8) continue;
      bytes.push(held);
      // A zero after 0xff says that it is no marker.
      if (held === 0xff) bytes.push(0);
      held = 0;
      count = 0;
    }
  };
  const flush = (): void => {
    while (count > 0) write(1, 1);
  };
  return { bytes, write, flush };
};

type BitWriter = ReturnType<typeof bitWriter>;

const sizeOf = (value: number): number => 32 - Math.clz32(Math.abs(value));
const writeValue = ({ write }: BitWriter, value: number): void => {
  const size = sizeOf(value);
  write(value < 0 ? value + 2 ** size - 1 : value, size);
};

const writeBlock = (bits: BitWriter, block: readonly number[], previous: number): void => {
  const difference = (block[0] ?? 0) - previous;
  bits.write(differenceSymbols.indexOf(sizeOf(difference)), 4);
  writeValue(bits, difference);
  let run = 0;
  const last = block.findLastIndex((value) => value !== 0);
  for (let index = 1; index <= last; index += 1) {
    const value = block[index] ?? 0;
    if (value === 0) {
      run += 1;
      continue;
    }
    for (; run > 15; run -= 16) bits.write(otherSymbols.indexOf(0xf0), 8);
    bits.write(otherSymbols.indexOf((run << 4) | sizeOf(value)), 8);
    writeValue(bits, value);
    run = 0;
  }
  if (last < 63) bits.write(otherSymbols.indexOf(0), 8);
};

/** Writes a baseline JPEG with any sampling factors, numbers of components and segments (ITU-T T.81). */
export const encodeJpeg = ({ components, restartInterval, segments = [], isSeparate }: JpegImage): Buffer => {
  const most = (factors: readonly number[]): number => Math.max(...factors);
  const maxHorizontal = most(components.map(({ horizontal = 1 }) => horizontal));
  const maxVertical = most(components.map(({ vertical = 1 }) => vertical));

  const blockOf = (component: JpegComponent, column: number, row: number): readonly number[] => {
    const [stepX, stepY] = [
      maxHorizontal / (component.horizontal ?? 1),
      maxVertical / (component.vertical ?? 1),
    ];
    return transformed((x, y) => {
      let sum = 0;
      for (let subY = 0; subY < stepY; subY += 1) {
        for (let subX = 0; subX < stepX; subX += 1) {
          const fromX = Math.min(width - 1, (8 * column + x) * stepX + subX);
          const fromY = Math.min(height - 1, (8 * row + y) * stepY + subY);
          sum += component.at(fromX, fromY);
        }
      }
      return sum / (stepX * stepY);
    });
  };

  const scanOf = (scanned: readonly JpegComponent[]): readonly Part[] => {
    const bits = bitWriter();
    const previous = new Map<JpegComponent, number>();
    const write = (component: JpegComponent, column: number, row: number): void => {
      const block = blockOf(component, column, row);
      writeBlock(bits, block, previous.get(component) ?? 0);
      previous.set(component, block[0] ?? 0);
    };
    // A scan of one component has no units of several blocks (A.2.2).
    const [only, second] = scanned;
    const isAlone = only !== undefined && second === undefined;
    const unitWidth = isAlone ? (8 * maxHorizontal) / (only.horizontal ?? 1) : 8 * maxHorizontal;
    const unitHeight = isAlone ? (8 * maxVertical) / (only.vertical ?? 1) : 8 * maxVertical;
    const [columns, rows] = [Math.ceil(width / unitWidth), Math.ceil(height / unitHeight)];
    for (let unit = 0; unit < columns * rows; unit += 1) {
      if (restartInterval !== undefined && unit > 0 && unit % restartInterval === 0) {
        bits.flush();
        bits.bytes.push(0xff, 0xd0 + ((unit / restartInterval - 1) % 8));
        previous.clear();
      }
      const [column, row] = [unit % columns, Math.floor(unit / columns)];
      for (const component of scanned) {
        const across = isAlone ? 1 : (component.horizontal ?? 1);
        const down = isAlone ? 1 : (component.vertical ?? 1);
        for (let y = 0; y < down; y += 1) {
          for (let x = 0; x < across; x += 1) write(component, column * across + x, row * down + y);
        }
      }
    }
    bits.flush();
    const header = [scanned.length, ...scanned.flatMap(({ id }) => [id, 0]), 0, 63, 0];
    return [
      { type: 'da', content: Buffer.from(header) },
      { type: 'scan', content: Buffer.from(bits.bytes) },
    ];
  };

  const frame = Buffer.concat([
    Buffer.from([8]),
    u16be(height),
    u16be(width),
    Buffer.from([components.length]),
    ...components.map(({ id, horizontal = 1, vertical = 1 }) =>
      Buffer.from([id, (horizontal << 4) | vertical, 0]),
    ),
  ]);
  const empty = Buffer.alloc(0);
  return jpegParts.join([
    { type: 'd8', content: empty },
    ...segments,
    { type: 'db', content: Buffer.from([0, ...Array.from({ length: 64 }, () => quantiser)]) },
    { type: 'c0', content: frame },
    tableOf(0, 4, differenceSymbols),
    tableOf(1, 8, otherSymbols),
    ...(restartInterval === undefined ? [] : [{ type: 'dd', content: u16be(restartInterval) }]),
    ...(isSeparate ? components.flatMap((component) => scanOf([component])) : scanOf(components)),
    { type: 'd9', content: empty },
  ]);
};
