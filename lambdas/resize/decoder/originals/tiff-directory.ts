/*
 * The first directory of a TIFF (TIFF 6.0, section 2) or BigTIFF, and a writer of small ones.
 */

/** The tags that say how a picture is stored. All others are left alone. */
export const tiffTags = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planes: 284,
  group3Options: 292,
  group4Options: 293,
  predictor: 317,
  colourMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  inkSet: 332,
  extraSamples: 338,
  sampleFormat: 339,
  jpegTables: 347,
  oldJpegOffset: 513,
  oldJpegLength: 514,
  oldJpegRestartInterval: 515,
  oldJpegQuantisationTables: 519,
  oldJpegDcTables: 520,
  oldJpegAcTables: 521,
  ycbcrCoefficients: 529,
  ycbcrSubsampling: 530,
  referenceBlackWhite: 532,
  profile: 34_675,
} as const;

export type TiffTag = (typeof tiffTags)[keyof typeof tiffTags];

const knownTags: ReadonlySet<number> = new Set(Object.values(tiffTags));

const isTiffTag = (tag: number): tag is TiffTag => knownTags.has(tag);

/** libtiff rejects larger directories as well. */
const maxEntries = 65_535;

interface Field {
  readonly type: number;
  readonly count: number;
  /** Where its first value is. */
  readonly at: number;
}

/** The first directory of a file. Whatever lies outside the file is missing. */
export interface TiffDirectory {
  readonly isLittleEndian: boolean;
  has(tag: TiffTag): boolean;
  /** The values of a field, in whatever type they are stored: whole numbers, unless the tag has fractions. */
  numbers(tag: TiffTag, maxCount: number): readonly number[];
  number(tag: TiffTag): number | undefined;
  bytes(tag: TiffTag): Buffer | undefined;
}

/** Reads one number at an offset. The caller has checked that it lies within the file. */
type ReadNumber = (data: Buffer, at: number) => number;

interface FieldType {
  readonly bytes: number;
  readonly little: ReadNumber;
  readonly big: ReadNumber;
}

const ratio = (numerator: number, denominator: number): number =>
  denominator === 0 ? 0 : numerator / denominator;

const byte: FieldType = { bytes: 1, little: (data, at) => data[at] ?? 0, big: (data, at) => data[at] ?? 0 };
const uint32: FieldType = {
  bytes: 4,
  little: (data, at) => data.readUInt32LE(at),
  big: (data, at) => data.readUInt32BE(at),
};
const uint64: FieldType = {
  bytes: 8,
  little: (data, at) => Number(data.readBigUInt64LE(at)),
  big: (data, at) => Number(data.readBigUInt64BE(at)),
};

/** TIFF 6.0, section 2, "Types"; 13 is an IFD (Adobe PageMaker 6.0 notes), 16 to 18 are BigTIFF's. */
const fieldTypes: ReadonlyMap<number, FieldType> = new Map([
  [1, byte],
  [2, byte],
  [3, { bytes: 2, little: (data, at) => data.readUInt16LE(at), big: (data, at) => data.readUInt16BE(at) }],
  [4, uint32],
  [
    5,
    {
      bytes: 8,
      little: (data, at) => ratio(data.readUInt32LE(at), data.readUInt32LE(at + 4)),
      big: (data, at) => ratio(data.readUInt32BE(at), data.readUInt32BE(at + 4)),
    },
  ],
  [6, { bytes: 1, little: (data, at) => data.readInt8(at), big: (data, at) => data.readInt8(at) }],
  [7, byte],
  [8, { bytes: 2, little: (data, at) => data.readInt16LE(at), big: (data, at) => data.readInt16BE(at) }],
  [9, { bytes: 4, little: (data, at) => data.readInt32LE(at), big: (data, at) => data.readInt32BE(at) }],
  [
    10,
    {
      bytes: 8,
      little: (data, at) => ratio(data.readInt32LE(at), data.readInt32LE(at + 4)),
      big: (data, at) => ratio(data.readInt32BE(at), data.readInt32BE(at + 4)),
    },
  ],
  [11, { bytes: 4, little: (data, at) => data.readFloatLE(at), big: (data, at) => data.readFloatBE(at) }],
  [12, { bytes: 8, little: (data, at) => data.readDoubleLE(at), big: (data, at) => data.readDoubleBE(at) }],
  [13, uint32],
  [16, uint64],
  [17, uint64],
  [18, uint64],
]);

/** @returns undefined if the file ends before its first directory */
export const readTiffDirectory = (data: Buffer): TiffDirectory | undefined => {
  const isLittleEndian = data[0] === 0x49;
  const read = (type: number, at: number): number => {
    const found = fieldTypes.get(type);
    if (found === undefined || at + found.bytes > data.byteLength) return 0;
    return isLittleEndian ? found.little(data, at) : found.big(data, at);
  };
  const isBig = read(3, 2) === 43;
  const [offsetType, offsetBytes, entryBytes] = isBig ? [16, 8, 20] : [4, 4, 12];
  const start = read(offsetType, isBig ? 8 : 4);
  const entriesAt = start + (isBig ? 8 : 2);
  if (start < 8 || entriesAt + entryBytes > data.byteLength) return undefined;
  const entries = Math.min(read(isBig ? 16 : 3, start), maxEntries);
  const fields = new Map<TiffTag, Field>();
  for (let entry = 0; entry < entries; entry += 1) {
    const at = entriesAt + entry * entryBytes;
    if (at + entryBytes > data.byteLength) break;
    const tag = read(3, at);
    const type = read(3, at + 2);
    const valueBytes = fieldTypes.get(type)?.bytes;
    // As in libtiff, the first of several fields with the same tag counts.
    if (!isTiffTag(tag) || valueBytes === undefined || fields.has(tag)) continue;
    const count = read(offsetType, at + 4);
    const valueAt = at + 4 + offsetBytes;
    const isInline = count * valueBytes <= offsetBytes;
    fields.set(tag, { type, count, at: isInline ? valueAt : read(offsetType, valueAt) });
  }
  const numbers = (tag: TiffTag, maxCount: number): readonly number[] => {
    const { type, count, at } = fields.get(tag) ?? { type: 1, count: 0, at: 0 };
    const { bytes } = fieldTypes.get(type) ?? byte;
    const present = Math.max(0, Math.floor((data.byteLength - at) / bytes));
    const length = Math.min(count, maxCount, present);
    const isFraction = rationalTags.has(tag);
    return Array.from({ length }, (_, index) => {
      const value = read(type, at + index * bytes);
      if (!Number.isFinite(value)) return 0;
      return isFraction ? value : Math.max(0, Math.trunc(value));
    });
  };
  return {
    isLittleEndian,
    has: (tag) => fields.has(tag),
    numbers,
    number: (tag) => numbers(tag, 1)[0],
    bytes(tag) {
      const { type, count, at } = fields.get(tag) ?? { type: 1, count: 0, at: 0 };
      const length = count * (fieldTypes.get(type)?.bytes ?? 1);
      return length > 0 && at + length <= data.byteLength ? data.subarray(at, at + length) : undefined;
    },
  };
};

/** What is written of a picture. Bytes are stored as they are, as the type UNDEFINED. */
export type TiffFields = ReadonlyMap<TiffTag, readonly number[] | Buffer>;

/** Tags with fractions. */
const rationalTags: ReadonlySet<TiffTag> = new Set([
  tiffTags.ycbcrCoefficients,
  tiffTags.referenceBlackWhite,
]);

/** Tags with numbers of 32 bits. All others have 16 bits. */
const longTags: ReadonlySet<TiffTag> = new Set([
  tiffTags.width,
  tiffTags.height,
  tiffTags.stripOffsets,
  tiffTags.rowsPerStrip,
  tiffTags.stripByteCounts,
  tiffTags.group3Options,
  tiffTags.group4Options,
  tiffTags.tileWidth,
  tiffTags.tileHeight,
  tiffTags.tileOffsets,
  tiffTags.tileByteCounts,
]);

const rationalDenominator = 1_000_000;

/**
 * Makes a classic TIFF with one directory. Data that the offsets in its fields point to keeps its place.
 *
 * @param data what comes first. Its first 8 bytes become the header
 */
export const writeTiff = (data: Buffer, fields: TiffFields, isLittleEndian: boolean): Buffer => {
  const sorted = [...fields].toSorted(([a], [b]) => a - b);
  const encoded = sorted.map(([tag, value]) => {
    if (Buffer.isBuffer(value)) return { tag, type: 7, count: value.byteLength, bytes: value };
    if (rationalTags.has(tag)) {
      const parts = value.flatMap((each) => [Math.round(each * rationalDenominator), rationalDenominator]);
      return { tag, type: 5, count: value.length, bytes: packed(parts, 4, isLittleEndian) };
    }
    const [type, size] = longTags.has(tag) ? ([4, 4] as const) : ([3, 2] as const);
    return { tag, type, count: value.length, bytes: packed(value, size, isLittleEndian) };
  });
  const directoryAt = data.byteLength + (data.byteLength % 2);
  const directory = Buffer.alloc(2 + 12 * encoded.length + 4);
  const u16 = (value: number, at: number) =>
    isLittleEndian ? directory.writeUInt16LE(value, at) : directory.writeUInt16BE(value, at);
  const u32 = (value: number, at: number) =>
    isLittleEndian ? directory.writeUInt32LE(value, at) : directory.writeUInt32BE(value, at);
  u16(encoded.length, 0);
  const values: Buffer[] = [];
  let valuesAt = directoryAt + directory.byteLength;
  for (const [index, { tag, type, count, bytes }] of encoded.entries()) {
    const at = 2 + 12 * index;
    u16(tag, at);
    u16(type, at + 2);
    u32(count, at + 4);
    if (bytes.byteLength <= 4) bytes.copy(directory, at + 8);
    else {
      u32(valuesAt, at + 8);
      const padded = bytes.byteLength % 2 === 0 ? [bytes] : [bytes, Buffer.alloc(1)];
      values.push(...padded);
      valuesAt += padded.reduce((sum, { byteLength }) => sum + byteLength, 0);
    }
  }
  const file = Buffer.concat([data, Buffer.alloc(data.byteLength % 2), directory, ...values]);
  file.write(isLittleEndian ? 'II*\0' : 'MM\0*', 'latin1');
  packed([directoryAt], 4, isLittleEndian).copy(file, 4);
  return file;
};

const packed = (values: readonly number[], size: 2 | 4, isLittleEndian: boolean): Buffer => {
  const bytes = Buffer.alloc(values.length * size);
  for (const [index, value] of values.entries()) {
    const whole = size === 2 ? value & 0xff_ff : value >>> 0;
    if (isLittleEndian) bytes.writeUIntLE(whole, index * size, size);
    else bytes.writeUIntBE(whole, index * size, size);
  }
  return bytes;
};
