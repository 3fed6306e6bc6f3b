import type { Random } from '../../random.ts';
import type { Format } from '../input.ts';
import { edgeNumbers, latin1, u24le, u32le } from '../numbers.ts';
import { type Part, type PartsFormat, restructureParts, withFields } from '../parts.ts';

/** Chunks of a RIFF file after its header (Google, "WebP Container Specification"). */
export const riffChunks = {
  split(bytes) {
    const parts: Part[] = [];
    for (let at = 0; at + 8 <= bytes.length; ) {
      const length = bytes.readUInt32LE(at + 4);
      const content = bytes.subarray(at + 8, at + 8 + length);
      parts.push({ type: bytes.toString('latin1', at, at + 4), content });
      at += 8 + content.length + (content.length % 2);
    }
    return parts;
  },
  join: (parts) =>
    Buffer.concat(
      parts.flatMap(({ type, content, statedLength = content.length }) => [
        latin1(type),
        u32le(statedLength),
        content,
        Buffer.alloc(content.length % 2),
      ]),
    ),
  // The chunks of a frame follow its position, size and duration.
  nestedAt: ({ type }) => (type === 'ANMF' ? 16 : undefined),
} as const satisfies PartsFormat;

const headerLength = 12;

/** The chunks of a WebP file; the length of the file is always correct. */
export const webpParts = {
  ...riffChunks,
  split: (bytes) => riffChunks.split(bytes.subarray(headerLength)),
  join: (parts) => {
    const chunks = riffChunks.join(parts);
    return Buffer.concat([latin1('RIFF'), u32le(chunks.length + 4), latin1('WEBP'), chunks]);
  },
} as const satisfies PartsFormat;

/** An image of one colour needs no bits for its pixels, so any stated size costs nothing. */
export const vp8lOfSize = (content: Buffer, width: number, height: number): Buffer => {
  const sized = Buffer.from(content);
  const rest = sized.readUInt32LE(1) >>> 28;
  sized.writeUInt32LE(((rest << 28) | ((height - 1) << 14) | (width - 1)) >>> 0, 1);
  return sized;
};

export const webp: Format = {
  restructure(bytes, random) {
    const made = restructureParts(
      { ...webpParts, split: webpParts.split, join: webpParts.join },
      bytes,
      random,
    );
    if (random.next() > 0.15) return made;
    const lying = Buffer.from(made.bytes);
    lying.writeUInt32LE(random.pick(edgeNumbers(4)), 4);
    return { kind: `${made.kind}-in-a-file-of-another-length`, bytes: lying };
  },
  lie(bytes, random) {
    const [name, { types, write }] = random.pick(Object.entries(lies));
    return {
      kind: `header-lies-about-${name}`,
      bytes: withFields(webpParts, bytes, types, (content) => write(content, random)),
    };
  },
};

interface Lie {
  readonly types: readonly string[];
  write(content: Buffer, random: Random): void;
}

const sides = [1, 2, 16, 255, 256, 16_383, 16_384];

const lies: Readonly<Record<string, Lie>> = {
  canvas: {
    types: ['VP8X', 'VP8 ', 'VP8L'],
    write: (content, random) => {
      if (content.length === 10) u24le(random.pick(edgeNumbers(4)) - 1).copy(content, random.pick([4, 7]));
      else if (content[0] === 0x2f) vp8lOfSize(content, random.pick(sides), random.pick(sides)).copy(content);
      else content.writeUInt16LE(random.pick(sides) & 0x3fff, random.pick([6, 8]));
    },
  },
  size: {
    types: ['VP8 ', 'VP8L'],
    write: (content, random) => {
      if (content[0] === 0x2f) vp8lOfSize(content, random.pick(sides), random.pick(sides)).copy(content);
      else content.writeUInt16LE(random.pick(edgeNumbers(2)), random.pick([6, 8]));
    },
  },
  features: { types: ['VP8X'], write: (content, random) => content.writeUInt8(random.whole(0, 255), 0) },
  frame: {
    types: ['ANMF'],
    write: (content, random) => u24le(random.pick(edgeNumbers(4))).copy(content, 3 * random.whole(0, 4)),
  },
  loops: {
    types: ['ANIM'],
    write: (content, random) => content.writeUInt16LE(random.pick(edgeNumbers(2)), 4),
  },
  partitions: {
    types: ['VP8 '],
    write: (content, random) => u24le(random.pick(edgeNumbers(4))).copy(content, 0),
  },
  'alpha-coding': {
    types: ['ALPH'],
    write: (content, random) => content.writeUInt8(random.whole(0, 255), 0),
  },
};
