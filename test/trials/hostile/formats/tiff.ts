import type { Random } from '../../random.ts';
import type { Format, Made } from '../input.ts';
import { edgeNumbers, u16le, u32le } from '../numbers.ts';

/** The used tags (TIFF 6.0, part 1; tiles: part 2). */
export const tags = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planes: 284,
  predictor: 317,
  colourMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  subDirectories: 330,
  extraSamples: 338,
  sampleFormat: 339,
  xmp: 700,
  iptc: 33_723,
  exif: 34_665,
  profile: 34_675,
  gps: 34_853,
} as const;

export interface TiffPage {
  /** 32-bit numbers, or bytes for a buffer. */
  readonly fields: Readonly<Partial<Record<keyof typeof tags, number | readonly number[] | Buffer>>>;
}

export const compressions = { none: 1, lzw: 5, deflate: 8, packBits: 32_773 } as const;

/**
 * A little-endian TIFF. Data that the pages share comes first, at byte 8, so that its offsets are known. The
 * last page points to the page `next`, if that is given.
 */
export const tiffFile = (pages: readonly TiffPage[], data: Buffer, next?: number): Buffer => {
  const start = [Buffer.from('II*\0', 'latin1'), u32le(0), data, Buffer.alloc(data.length % 2)];
  let at = start.reduce((sum, { length }) => sum + length, 0);
  const offsets: number[] = [];
  const directories = pages.map(({ fields }, page) => {
    const entries = Object.entries(tags).flatMap(([name, tag]) => {
      const value = fieldNamed(fields, name);
      return value === undefined ? [] : [{ tag, value }];
    });
    offsets.push(at);
    const directoryLength = 2 + 12 * entries.length + 4;
    const beyond: Buffer[] = [];
    let beyondAt = at + directoryLength;
    const rows = entries.map(({ tag, value }) => {
      const isBytes = Buffer.isBuffer(value);
      const values = typeof value === 'number' ? [value] : value;
      const bytes = isBytes ? value : Buffer.concat([...values].map(u32le));
      const row = [u16le(tag), u16le(isBytes ? 7 : 4), u32le(values.length)];
      if (bytes.length <= 4) return Buffer.concat([...row, bytes, Buffer.alloc(4 - bytes.length)]);
      const padded = Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]);
      beyond.push(padded);
      beyondAt += padded.length;
      return Buffer.concat([...row, u32le(beyondAt - padded.length)]);
    });
    at = beyondAt;
    const following = page < pages.length - 1 ? at : next === undefined ? 0 : (offsets[next] ?? 0);
    return Buffer.concat([u16le(entries.length), ...rows, u32le(following), ...beyond]);
  });
  const file = Buffer.concat([...start, ...directories]);
  file.writeUInt32LE(offsets[0] ?? 0, 4);
  return file;
};

const fieldNamed = (fields: TiffPage['fields'], name: string) =>
  new Map<string, number | readonly number[] | Buffer | undefined>(Object.entries(fields)).get(name);

/** The directories of a file and their entries. */
interface Layout {
  readonly isBigEndian: boolean;
  readonly isBig: boolean;
  /** Offsets of the entries, each 12 bytes long; 20 in a BigTIFF. */
  readonly entries: readonly number[];
  /** Offsets of the pointers to the next directory. */
  readonly links: readonly number[];
  readonly directories: readonly number[];
}

const maxDirectories = 100;

const layoutOf = (bytes: Buffer): Layout => {
  const isBigEndian = bytes[0] === 0x4d;
  const isBig = bytes.includes(0x2b, 2) && (bytes[2] === 0x2b || bytes[3] === 0x2b);
  const u16 = (at: number) => (isBigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at));
  const offset = (at: number) => {
    if (!isBig) return isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
    return Number(isBigEndian ? bytes.readBigUInt64BE(at) : bytes.readBigUInt64LE(at));
  };
  const pointerBytes = isBig ? 8 : 4;
  const countBytes = isBig ? 8 : 2;
  const entryBytes = isBig ? 20 : 12;
  const entries: number[] = [];
  const directories: number[] = [];
  const links = [isBig ? 8 : 4];
  while (directories.length < maxDirectories) {
    const link = links.at(-1) ?? 0;
    if (link + pointerBytes > bytes.length) break;
    const directory = offset(link);
    if (directory === 0 || directory + countBytes > bytes.length || directories.includes(directory)) break;
    const count = isBig ? offset(directory) : u16(directory);
    const end = directory + countBytes + count * entryBytes;
    if (end + pointerBytes > bytes.length) break;
    directories.push(directory);
    for (let index = 0; index < count; index += 1) entries.push(directory + countBytes + index * entryBytes);
    links.push(end);
  }
  return { isBigEndian, isBig, entries, links, directories };
};

type Change = (bytes: Buffer, layout: Layout, random: Random) => void;

const write16 = (bytes: Buffer, at: number, value: number, { isBigEndian }: Layout): void => {
  if (isBigEndian) bytes.writeUInt16BE(value, at);
  else bytes.writeUInt16LE(value, at);
};

const writePointer = (bytes: Buffer, at: number, value: number, { isBigEndian, isBig }: Layout): void => {
  if (isBig && isBigEndian) bytes.writeBigUInt64BE(BigInt(value), at);
  else if (isBig) bytes.writeBigUInt64LE(BigInt(value), at);
  else if (isBigEndian) bytes.writeUInt32BE(value, at);
  else bytes.writeUInt32LE(value, at);
};

const structureChanges: Readonly<Record<string, Change>> = {
  'entry-doubled': (bytes, { entries, isBig }, random) => {
    const length = isBig ? 20 : 12;
    const from = random.pick(entries);
    bytes.copy(bytes, random.pick(entries), from, from + length);
  },
  'entries-swapped': (bytes, { entries, isBig }, random) => {
    const length = isBig ? 20 : 12;
    const [one, other] = [random.pick(entries), random.pick(entries)];
    const kept = Buffer.from(bytes.subarray(one, one + length));
    bytes.copy(bytes, one, other, other + length);
    kept.copy(bytes, other);
  },
  'entry-removed': (bytes, layout, random) => write16(bytes, random.pick(layout.entries), 65_000, layout),
  'entry-of-another-tag': (bytes, layout, random) =>
    write16(bytes, random.pick(layout.entries), random.pick(Object.values(tags)), layout),
  'entry-of-another-type': (bytes, layout, random) =>
    write16(
      bytes,
      random.pick(layout.entries) + 2,
      random.pick([0, 1, 2, 3, 5, 7, 9, 11, 12, 13, 16, 18, 255]),
      layout,
    ),
  'directory-loop': (bytes, layout, random) =>
    writePointer(bytes, random.pick(layout.links.slice(1)), random.pick(layout.directories), layout),
  'directory-link-astray': (bytes, layout, random) =>
    writePointer(
      bytes,
      random.pick(layout.links),
      random.pick([1, 2, 8, 9, bytes.length - 1, bytes.length, 0x7fffffff, 0xffffffff]),
      layout,
    ),
  'another-number-of-entries': (bytes, layout, random) =>
    write16(bytes, random.pick(layout.directories), random.pick([0, 1, 2, 254, 4097, 65_535]), layout),
};

/** Entries whose value is a size or an offset. */
const lieChange: Change = (bytes, layout, random) => {
  const entry = random.pick(layout.entries);
  const isCount = random.next() < 0.25;
  const at = isCount ? entry + 4 : entry + (layout.isBig ? 12 : 8);
  const isShort =
    !isCount && (layout.isBigEndian ? bytes.readUInt16BE(entry + 2) : bytes.readUInt16LE(entry + 2)) === 3;
  if (isShort) write16(bytes, at, random.pick(edgeNumbers(2)), layout);
  else writePointer(bytes, at, random.pick([...edgeNumbers(4), bytes.length - 1, bytes.length]), layout);
};

const changed = (kind: string, change: Change, original: Buffer, random: Random): Made => {
  const bytes = Buffer.from(original);
  const layout = layoutOf(bytes);
  if (layout.entries.length > 0) change(bytes, layout, random);
  return { kind, bytes };
};

export const tiff: Format = {
  restructure(bytes, random) {
    const [name, change] = random.pick(Object.entries(structureChanges));
    return changed(name, change, bytes, random);
  },
  lie: (bytes, random) => changed('header-lies-about-an-entry', lieChange, bytes, random),
};
