import { crc32 } from 'node:zlib';
import type { Random } from '../../random.ts';
import type { Format } from '../input.ts';
import { edgeNumbers, latin1, u32be } from '../numbers.ts';
import { type Part, type PartsFormat, restructureParts, withFields } from '../parts.ts';

const signature = latin1('\x89PNG\r\n\x1a\n');

/** The chunks of a PNG (W3C PNG, 5.3), each with a checksum. */
export const pngParts = {
  split(bytes) {
    const parts: Part[] = [];
    for (let at = signature.length; at + 12 <= bytes.length; ) {
      const length = bytes.readUInt32BE(at);
      const content = bytes.subarray(at + 8, at + 8 + length);
      parts.push({ type: bytes.toString('latin1', at + 4, at + 8), content });
      at += 12 + content.length;
    }
    return parts;
  },
  join: (parts) => Buffer.concat([signature, ...parts.flatMap(pngChunk)]),
} as const satisfies PartsFormat;

const pngChunk = ({ type, content, statedLength = content.length, isChecksumWrong = false }: Part) => {
  const typed = Buffer.concat([latin1(type), content]);
  return [u32be(statedLength), typed, u32be(crc32(typed) + (isChecksumWrong ? 1 : 0))];
};

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly colourType: 0 | 2 | 3 | 4 | 6;
  readonly isInterlaced?: boolean;
}

export const pngHeader = ({
  width,
  height,
  bitDepth,
  colourType,
  isInterlaced = false,
}: PngHeader): Part => ({
  type: 'IHDR',
  content: Buffer.concat([
    u32be(width),
    u32be(height),
    Buffer.from([bitDepth, colourType, 0, 0, isInterlaced ? 1 : 0]),
  ]),
});

export const png: Format = {
  restructure: (bytes, random) => restructureParts(pngParts, bytes, random),
  lie(bytes, random) {
    const [name, write] = random.pick(Object.entries(lies));
    return {
      kind: `header-lies-about-${name}`,
      bytes: withFields(pngParts, bytes, ['IHDR'], (header) => write(header, random)),
    };
  },
};

const lies: Readonly<Record<string, (header: Buffer, random: Random) => void>> = {
  width: (header, random) => header.writeUInt32BE(random.pick(edgeNumbers(4)), 0),
  height: (header, random) => header.writeUInt32BE(random.pick(edgeNumbers(4)), 4),
  'both-sides': (header, random) => {
    header.writeUInt32BE(random.pick(edgeNumbers(2)), 0);
    header.writeUInt32BE(random.pick(edgeNumbers(2)), 4);
  },
  'bit-depth': (header, random) => header.writeUInt8(random.pick([0, 1, 2, 3, 4, 8, 16, 32, 255]), 8),
  colour: (header, random) => header.writeUInt8(random.pick([0, 1, 2, 3, 4, 5, 6, 7, 255]), 9),
  compression: (header, random) => header.writeUInt8(random.whole(1, 255), 10),
  filter: (header, random) => header.writeUInt8(random.whole(1, 255), 11),
  interlacing: (header, random) => header.writeUInt8(random.pick([0, 1, 2, 255]), 12),
};
