import type { Random } from '../../random.ts';
import type { Format } from '../input.ts';
import { edgeNumbers, u16be } from '../numbers.ts';
import { type Part, type PartsFormat, restructureParts, withFields } from '../parts.ts';

/** Markers without a segment: TEM, RST0 to RST7, SOI and EOI (ITU-T T.81, table B.1). */
const isBare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9);
const startOfScan = 0xda;

const typeOf = (marker: number): string => marker.toString(16).padStart(2, '0');
const markerOf = (type: string): number => Number.parseInt(type, 16) & 0xff || 0xff;

/**
 * The segments of a JPEG by their marker in hexadecimal; coded data is a part `scan` after the header of the
 * scan.
 */
export const jpegParts = {
  split(bytes) {
    const parts: Part[] = [];
    let at = 0;
    while (at + 2 <= bytes.length && bytes[at] === 0xff) {
      const marker = bytes[at + 1] ?? 0;
      at += 2;
      if (isBare(marker) || at + 2 > bytes.length) {
        parts.push({ type: typeOf(marker), content: Buffer.alloc(0) });
        continue;
      }
      const end = at + Math.max(2, bytes.readUInt16BE(at));
      parts.push({ type: typeOf(marker), content: bytes.subarray(at + 2, end) });
      at = end;
      if (marker !== startOfScan) continue;
      const next = nextMarker(bytes, at);
      parts.push({ type: 'scan', content: bytes.subarray(at, next) });
      at = next;
    }
    return at < bytes.length ? [...parts, { type: 'scan', content: bytes.subarray(at) }] : parts;
  },
  join: (parts) => Buffer.concat(parts.flatMap(jpegSegment)),
} as const satisfies PartsFormat;

const nextMarker = (bytes: Buffer, from: number): number => {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const following = bytes[at + 1] ?? 0;
    if (following !== 0 && following !== 0xff && !(following >= 0xd0 && following <= 0xd7)) return at;
  }
  return bytes.length;
};

const jpegSegment = ({ type, content, statedLength }: Part): readonly Buffer[] => {
  if (type === 'scan') return [content];
  const marker = Buffer.from([0xff, markerOf(type)]);
  if (isBare(markerOf(type))) return [marker, content];
  return [marker, u16be(statedLength ?? content.length + 2), content];
};

const frameHeaders = ['c0', 'c1', 'c2'];

export const jpeg: Format = {
  restructure: (bytes, random) => restructureParts(jpegParts, bytes, random),
  lie(bytes, random) {
    const [name, { types, write }] = random.pick(Object.entries(lies));
    return {
      kind: `header-lies-about-${name}`,
      bytes: withFields(jpegParts, bytes, types, (content) => write(content, random)),
    };
  },
};

interface Lie {
  readonly types: readonly string[];
  write(content: Buffer, random: Random): void;
}

const put = (content: Buffer, at: number, value: number): void => {
  if (at < content.length) content.writeUInt8(value, at);
};

const lies: Readonly<Record<string, Lie>> = {
  precision: {
    types: frameHeaders,
    write: (frame, random) => put(frame, 0, random.pick([0, 1, 2, 12, 16, 255])),
  },
  height: {
    types: frameHeaders,
    write: (frame, random) => frame.writeUInt16BE(random.pick(edgeNumbers(2)), 1),
  },
  width: {
    types: frameHeaders,
    write: (frame, random) => frame.writeUInt16BE(random.pick(edgeNumbers(2)), 3),
  },
  components: {
    types: frameHeaders,
    write: (frame, random) => put(frame, 5, random.pick([0, 1, 2, 3, 4, 5, 255])),
  },
  sampling: { types: frameHeaders, write: (frame, random) => put(frame, 7, random.whole(0, 255)) },
  'quantisation-table': {
    types: frameHeaders,
    write: (frame, random) => put(frame, 8, random.whole(0, 255)),
  },
  'scan-components': {
    types: ['da'],
    write: (scan, random) => put(scan, 0, random.pick([0, 1, 2, 3, 4, 5, 255])),
  },
  'scan-tables': { types: ['da'], write: (scan, random) => put(scan, 2, random.whole(0, 255)) },
  'spectral-selection': {
    types: ['da'],
    write: (scan, random) => put(scan, scan.length - random.whole(1, 3), random.whole(0, 255)),
  },
  'huffman-lengths': {
    types: ['c4'],
    write: (table, random) => put(table, random.whole(0, 16), random.whole(0, 255)),
  },
  'quantisation-values': {
    types: ['db'],
    write: (table, random) => put(table, random.whole(0, 64), random.pick([0, 255])),
  },
};
