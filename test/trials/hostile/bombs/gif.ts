import { latin1, u16le } from '../numbers.ts';
import { repeated } from '../repeated.ts';
import type { Bombs } from './bomb.ts';

interface Frames {
  readonly screen: readonly [number, number];
  readonly frame: readonly [number, number];
  readonly count: number;
  /** LZW codes of a frame, valid or not. @default - codes for its pixels */
  readonly codes?: Buffer;
  readonly others?: Buffer;
}

/** Sub-blocks of at most 255 bytes, and an empty one at the end (GIF89a, 15). */
const subBlocks = (content: Buffer): Buffer => {
  const blocks: Buffer[] = [];
  for (let at = 0; at < content.length; at += 255) {
    const block = content.subarray(at, at + 255);
    blocks.push(Buffer.from([block.length]), block);
  }
  return Buffer.concat([...blocks, Buffer.from([0])]);
};

const codeSize = 2;
const clear = 4;
const end = 5;

/**
 * LZW codes of pixels of colour 0. Each code is a run one pixel longer than the one before, up to 4,095
 * codes; then the table is cleared.
 */
export const flatCodes = (pixels: number): Buffer => {
  const bytes: number[] = [];
  let held = 0;
  let heldBits = 0;
  let width = codeSize + 1;
  const write = (code: number): void => {
    held |= code << heldBits;
    heldBits += width;
    for (; heldBits >= 8; heldBits -= 8, held >>>= 8) bytes.push(held & 0xff);
  };
  for (let left = pixels; left > 0; ) {
    width = codeSize + 1;
    write(clear);
    let next = end + 1;
    for (let run = 1; left > 0 && next < 4095; run = Math.min(run + 1, left)) {
      const isFirst = run === 1 && next === end + 1;
      const length = Math.min(run, left);
      write(length === 1 ? 0 : end + length - 1);
      left -= length;
      if (!isFirst) next += 1;
      if (next === 2 ** width && width < 12) width += 1;
      if (length < run) break;
    }
  }
  write(end);
  bytes.push(held & 0xff);
  return Buffer.from(bytes);
};

const gifOf = ({
  screen,
  frame,
  count,
  codes = flatCodes(frame[0] * frame[1]),
  others = Buffer.alloc(0),
}: Frames) => {
  const header = Buffer.concat([
    latin1('GIF89a'),
    ...screen.map(u16le),
    Buffer.from([0xf1, 0, 0, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]),
  ]);
  const control = Buffer.from([0x21, 0xf9, 4, 4, 1, 0, 0, 0]);
  const one = Buffer.concat([
    control,
    Buffer.from([0x2c]),
    u16le(0),
    u16le(0),
    ...frame.map(u16le),
    Buffer.from([0, codeSize]),
    subBlocks(codes),
  ]);
  return Buffer.concat([header, others, repeated(count, one), Buffer.from([0x3b])]);
};

const comment = (content: Buffer): Buffer => Buffer.concat([Buffer.from([0x21, 0xfe]), subBlocks(content)]);

export const gifBombs: Bombs = {
  'gif-just-as-large': {
    must: 'ready',
    make: () => gifOf({ screen: [16_384, 6103], frame: [16_384, 6103], count: 1 }),
    claims: [16_384, 6103],
  },
  'gif-a-row-too-large': {
    must: 'image-too-large',
    make: () => gifOf({ screen: [16_384, 6104], frame: [16_384, 6104], count: 1, codes: flatCodes(9) }),
    claims: [16_384, 6104],
  },
  'gif-largest-stated-size': {
    must: 'refused',
    make: () =>
      gifOf({ screen: [65_535, 65_535], frame: [65_535, 65_535], count: 1, codes: Buffer.from([0x44, 1]) }),
  },
  'gif-small-frame-on-a-large-screen': {
    make: () => gifOf({ screen: [16_384, 6103], frame: [1, 1], count: 1 }),
  },
  'gif-of-large-frames': {
    must: 'image-too-large',
    make: () => gifOf({ screen: [16_384, 6103], frame: [16_384, 6103], count: 1000, codes: flatCodes(9) }),
    claims: [16_384, 6103],
  },
  'gif-of-many-frames': {
    make: () => gifOf({ screen: [16, 16], frame: [16, 16], count: 100_000 }),
    claims: [16, 16],
  },
  'gif-of-very-many-frames': {
    make: () => gifOf({ screen: [2, 2], frame: [1, 1], count: 1_000_000 }),
    claims: [2, 2],
  },
  'gif-that-only-clears': {
    make: () =>
      gifOf({ screen: [640, 480], frame: [640, 480], count: 1, codes: Buffer.alloc(4_000_000, 0b100100) }),
  },
  'gif-with-huge-comment': {
    make: () =>
      gifOf({ screen: [16, 16], frame: [16, 16], count: 1, others: comment(Buffer.alloc(20_000_000, 97)) }),
  },
  'gif-of-many-comments': {
    make: () =>
      gifOf({
        screen: [16, 16],
        frame: [16, 16],
        count: 1,
        others: repeated(500_000, comment(latin1('a'))),
      }),
  },
};
