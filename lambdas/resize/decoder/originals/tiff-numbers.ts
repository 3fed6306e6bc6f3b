import type { TiffHeader } from './tiff-header.ts';

/** Reads one sample of a row as it is stored. */
export type ReadSample = (bytes: Buffer, rowAt: number, index: number) => number;

/** IEEE 754, binary16. */
const halfToNumber = (bits: number): number => {
  const sign = bits & 0x80_00 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3_ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

/** Adobe Photoshop TIFF technical note 3: 1 bit of sign, 7 of exponent, 16 of fraction. */
const float24ToNumber = (bits: number): number => {
  const sign = bits & 0x80_00_00 ? -1 : 1;
  const exponent = (bits >> 16) & 0x7f;
  const fraction = bits & 0xff_ff;
  if (exponent === 0) return sign * fraction * 2 ** -78;
  if (exponent === 127) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 65_536) * 2 ** (exponent - 63);
};

let halves: Float32Array | undefined;

/** A table is much faster than the arithmetic. */
const halfTable = (): Float32Array => {
  halves ??= Float32Array.from({ length: 65_536 }, (_, bits) => halfToNumber(bits));
  return halves;
};

const wholeNumberReader = (bits: number, isLittle: boolean): ReadSample => {
  switch (bits) {
    case 8:
      return (bytes, rowAt, index) => bytes[rowAt + index] ?? 0;
    case 16: {
      const [low, high] = isLittle ? [0, 1] : [1, 0];
      return (bytes, rowAt, index) => {
        const at = rowAt + 2 * index;
        return (bytes[at + low] ?? 0) | ((bytes[at + high] ?? 0) << 8);
      };
    }
    case 24:
      return isLittle
        ? (bytes, rowAt, index) => bytes.readUIntLE(rowAt + 3 * index, 3)
        : (bytes, rowAt, index) => bytes.readUIntBE(rowAt + 3 * index, 3);
    case 32:
      return isLittle
        ? (bytes, rowAt, index) => bytes.readUInt32LE(rowAt + 4 * index)
        : (bytes, rowAt, index) => bytes.readUInt32BE(rowAt + 4 * index);
    case 64:
      // The upper half says all that 8 bits of a thumbnail can show.
      return isLittle
        ? (bytes, rowAt, index) => bytes.readUInt32LE(rowAt + 8 * index + 4)
        : (bytes, rowAt, index) => bytes.readUInt32BE(rowAt + 8 * index);
    default:
      return packedReader(bits);
  }
};

/** Samples that do not fill bytes begin with their highest bit, in files of either byte order. */
const packedReader =
  (bits: number): ReadSample =>
  (bytes, rowAt, index) => {
    let bit = index * bits;
    let value = 0;
    for (let left = bits; left > 0; ) {
      const offset = bit & 7;
      const taken = Math.min(8 - offset, left);
      const part = ((bytes[rowAt + (bit >>> 3)] ?? 0) >> (8 - offset - taken)) & ((1 << taken) - 1);
      value = value * (1 << taken) + part;
      bit += taken;
      left -= taken;
    }
    return value;
  };

const floatReader = (bits: number, isLittle: boolean): ReadSample => {
  if (bits === 32) {
    return isLittle
      ? (bytes, rowAt, index) => bytes.readFloatLE(rowAt + 4 * index)
      : (bytes, rowAt, index) => bytes.readFloatBE(rowAt + 4 * index);
  }
  if (bits === 64) {
    return isLittle
      ? (bytes, rowAt, index) => bytes.readDoubleLE(rowAt + 8 * index)
      : (bytes, rowAt, index) => bytes.readDoubleBE(rowAt + 8 * index);
  }
  const read = wholeNumberReader(bits, isLittle);
  if (bits === 24) return (bytes, rowAt, index) => float24ToNumber(read(bytes, rowAt, index));
  const table = halfTable();
  return (bytes, rowAt, index) => table[read(bytes, rowAt, index)] ?? 0;
};

/** Samples as they are stored, before any range is applied to them. */
export const rawReader = ({ number, bits, directory }: TiffHeader): ReadSample =>
  number === 'float'
    ? floatReader(bits, directory.isLittleEndian)
    : wholeNumberReader(bits, directory.isLittleEndian);

/** The largest whole number that is stored. */
export const largestOf = (bits: number): number => 2 ** Math.min(bits, 32) - 1;

/** Numbers of more than 24 bits, and fractions, often use only a part of what can be stored. */
export const needsRange = ({ number, bits, colour }: TiffHeader): boolean =>
  colour !== 'palette' && colour !== 'log-luv' && (number === 'float' || bits >= 32);

/** What counts as white, if the numbers are not known to reach the largest one. */
const whites = [255, 65_535] as const;

/**
 * The number that is white. ImageMagick takes fractions from 0 to 1, and all of what whole numbers can store.
 * Pillow takes both from 0 to 255. A picture of which one of them shows only white or black is read as the
 * other one does, or up to 65,535, which both would show as white or black.
 */
export const whiteOf = ({ number, bits }: TiffHeader, values: readonly number[]): number => {
  if (number === 'float') {
    const positive = values.filter((value) => value > 0 && Number.isFinite(value));
    return (
      [1, ...whites].find(
        (white) => 2 * positive.filter((value) => value > white).length <= positive.length,
      ) ?? 65_535
    );
  }
  const largest = values.reduce((max, value) => Math.max(max, asSigned(value, number === 'signed')), 0);
  return whites.find((white) => largest <= white) ?? largestOf(bits);
};

const asSigned = (value: number, isSigned: boolean): number => (isSigned ? value | 0 : value);

/** Turns samples as they are stored into values from 0 to 1. Those of a palette stay numbers. */
export const sampleReader = (header: TiffHeader, channel: number, white: number): ReadSample => {
  const { colour, number, bits, isMinWhite } = header;
  const raw = rawReader(header);
  const isChroma = channel > 0 && channel < header.colours;
  if (colour === 'palette' && channel < header.colours) return raw;
  if (colour === 'cie-lab' || colour === 'icc-lab') {
    if (channel < header.colours) return labReader(header, raw, isChroma);
  }
  if (number === 'float') {
    return (bytes, rowAt, index) => {
      const value = raw(bytes, rowAt, index) / white;
      // Also false for what is no number.
      return value > 0 ? Math.min(value, 1) : 0;
    };
  }
  if (number === 'signed') {
    // As ImageMagick: only grey of 16 bits is moved up, so that zero is in the middle.
    if (bits === 16 && colour === 'grey' && !isMinWhite) {
      return (bytes, rowAt, index) => (raw(bytes, rowAt, index) ^ 0x80_00) / 65_535;
    }
    if (bits >= 32 && white < largestOf(bits)) {
      return (bytes, rowAt, index) => Math.min(1, Math.max(0, raw(bytes, rowAt, index) | 0) / white);
    }
  }
  return (bytes, rowAt, index) => Math.min(1, raw(bytes, rowAt, index) / white);
};

/**
 * TIFF 6.0, section 23, and ICC L*a*b* of Adobe's PageMaker 6.0 notes: L* from 0 to 1, a* and b* in units of
 * 128.
 */
const labReader = ({ colour, bits, number }: TiffHeader, raw: ReadSample, isChroma: boolean): ReadSample => {
  if (number === 'float') {
    const unit = isChroma ? 128 : 100;
    return (bytes, rowAt, index) => {
      const value = raw(bytes, rowAt, index) / unit;
      return Number.isNaN(value) ? 0 : Math.min(1, Math.max(-1, value));
    };
  }
  const half = 2 ** (bits - 1);
  if (!isChroma) {
    // The white of ICC L*a*b* with 16 bits is 0xff00.
    const white = colour === 'icc-lab' && bits === 16 ? 65_280 : largestOf(bits);
    return (bytes, rowAt, index) => raw(bytes, rowAt, index) / white;
  }
  return colour === 'icc-lab'
    ? (bytes, rowAt, index) => (raw(bytes, rowAt, index) - half) / half
    : (bytes, rowAt, index) => {
        const value = raw(bytes, rowAt, index);
        return (value >= half ? value - 2 * half : value) / half;
      };
};
