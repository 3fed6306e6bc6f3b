import type { Random } from '../../random.ts';
import type { Format } from '../input.ts';
import { edgeNumbers } from '../numbers.ts';
import { type Part, type PartsFormat, restructureParts, withFields } from '../parts.ts';

const colourTableBytes = (packed = 0): number => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);

/** The end of the sub-blocks that start at an offset (GIF89a, 15). */
const endOfBlocks = (bytes: Buffer, from: number): number => {
  let at = from;
  for (let length = bytes[at]; length !== undefined && length > 0; length = bytes[at]) at += length + 1;
  return Math.min(at + 1, bytes.length);
};

/** The header of a GIF with its colours, its extensions, frames and end. Lengths are part of the content. */
export const gifParts = {
  split(bytes) {
    const start = 13 + colourTableBytes(bytes[10]);
    const parts: Part[] = [{ type: 'header', content: bytes.subarray(0, start) }];
    for (let at = start; at < bytes.length; ) {
      const isFrame = bytes[at] === 0x2c;
      const isExtension = bytes[at] === 0x21;
      const end = isFrame
        ? endOfBlocks(bytes, at + 11 + colourTableBytes(bytes[at + 9]))
        : isExtension
          ? endOfBlocks(bytes, at + 2)
          : at + 1;
      parts.push({
        type: isFrame ? 'frame' : isExtension ? 'extension' : 'other',
        content: bytes.subarray(at, end),
      });
      at = end;
    }
    return parts;
  },
  join: (parts) => Buffer.concat(parts.map(statedOf)),
} as const satisfies PartsFormat;

/**
 * A stated length goes to the first sub-block: the third byte of an extension, the twelfth of a frame without
 * colours.
 */
const statedOf = ({ type, content, statedLength }: Part): Buffer => {
  const at = type === 'frame' ? 11 : 2;
  if (statedLength === undefined || type === 'header' || at >= content.length) return content;
  const lying = Buffer.from(content);
  lying.writeUInt8(statedLength & 0xff, at);
  return lying;
};

export const gif: Format = {
  restructure: (bytes, random) => restructureParts(gifParts, bytes, random),
  lie(bytes, random) {
    const [name, { types, write }] = random.pick(Object.entries(lies));
    return {
      kind: `header-lies-about-${name}`,
      bytes: withFields(gifParts, bytes, types, (content) => write(content, random)),
    };
  },
};

interface Lie {
  readonly types: readonly string[];
  write(content: Buffer, random: Random): void;
}

const lies: Readonly<Record<string, Lie>> = {
  screen: {
    types: ['header'],
    write: (header, random) => header.writeUInt16LE(random.pick(edgeNumbers(2)), random.pick([6, 8])),
  },
  colours: { types: ['header'], write: (header, random) => header.writeUInt8(random.whole(0, 255), 10) },
  background: { types: ['header'], write: (header, random) => header.writeUInt8(random.whole(0, 255), 11) },
  place: {
    types: ['frame'],
    write: (frame, random) => frame.writeUInt16LE(random.pick(edgeNumbers(2)), random.pick([1, 3])),
  },
  'frame-size': {
    types: ['frame'],
    write: (frame, random) => frame.writeUInt16LE(random.pick(edgeNumbers(2)), random.pick([5, 7])),
  },
  'frame-flags': { types: ['frame'], write: (frame, random) => frame.writeUInt8(random.whole(0, 255), 9) },
  'code-size': { types: ['frame'], write: (frame, random) => frame.writeUInt8(random.whole(0, 255), 10) },
  control: {
    types: ['extension'],
    write: (extension, random) =>
      extension.writeUInt8(random.whole(0, 255), Math.min(3, extension.length - 1)),
  },
};
