import type { Size } from '../original.ts';

/** How an HEVC picture is coded. */
export interface HevcConfiguration {
  /** Bits of a sample. */
  readonly depth: number;
  /** The size of the coded picture. @default - the file does not say it before its pictures */
  readonly coded: Size | undefined;
}

const sequenceParameterSet = 33;
const maxParameterSets = 64;

/** Reads the box `hvcC` (ISO/IEC 14496-15, "HEVC decoder configuration record"). */
export const readHevcConfiguration = (content: Buffer): HevcConfiguration | undefined => {
  if (content.byteLength < 23) return undefined;
  const depth = Math.max(content.readUInt8(17) & 7, content.readUInt8(18) & 7) + 8;
  let coded: Size | undefined;
  let at = 23;
  let setsLeft = maxParameterSets;
  for (let arrays = content.readUInt8(22); arrays > 0 && at + 3 <= content.byteLength; arrays -= 1) {
    const type = content.readUInt8(at) & 63;
    const units = content.readUInt16BE(at + 1);
    at += 3;
    for (let unit = 0; unit < units && at + 2 <= content.byteLength && setsLeft > 0; unit += 1) {
      const length = content.readUInt16BE(at);
      const bytes = content.subarray(at + 2, at + 2 + length);
      at += 2 + length;
      setsLeft -= 1;
      if (type === sequenceParameterSet) coded = larger(coded, readCodedSize(bytes));
    }
  }
  return { depth, coded };
};

const larger = (one: Size | undefined, other: Size | undefined): Size | undefined => {
  if (one === undefined || other === undefined) return one ?? other;
  return one.width * one.height >= other.width * other.height ? one : other;
};

class EndOfBits extends Error {
  override readonly name = 'EndOfBits';
}

/** ITU-T H.265, 7.3.2.2 "Sequence parameter set", as far as the size. */
const readCodedSize = (unit: Buffer): Size | undefined => {
  const bits = bitsOf(withoutEmulationPrevention(unit));
  try {
    // The unit's header, and the id of the video parameter set.
    bits.skip(16 + 4);
    const subLayers = bits.read(3);
    bits.skip(1);
    skipProfileTierLevel(bits, subLayers);
    bits.exponentialGolomb();
    const chromaFormat = bits.exponentialGolomb();
    if (chromaFormat === 3) bits.skip(1);
    return { width: bits.exponentialGolomb(), height: bits.exponentialGolomb() };
  } catch (error) {
    if (error instanceof EndOfBits) return undefined;
    throw error;
  }
};

/** H.265, 7.3.3. */
const skipProfileTierLevel = (bits: Bits, subLayers: number): void => {
  const profileBits = 88;
  const levelBits = 8;
  bits.skip(profileBits + levelBits);
  const present: number[] = [];
  for (let layer = 0; layer < subLayers; layer += 1) present.push(bits.read(2));
  if (subLayers > 0) bits.skip(2 * (8 - subLayers));
  for (const flags of present) {
    bits.skip((flags & 2 ? profileBits : 0) + (flags & 1 ? levelBits : 0));
  }
};

/** H.265, 7.3.1.1: a 3 after two zeros is no data. */
const withoutEmulationPrevention = (unit: Buffer): Buffer =>
  Buffer.from(
    unit.filter((byte, at) => !(byte === 3 && at >= 2 && unit[at - 1] === 0 && unit[at - 2] === 0)),
  );

interface Bits {
  read(count: number): number;
  skip(count: number): void;
  /** H.265, 9.2. */
  exponentialGolomb(): number;
}

const bitsOf = (bytes: Buffer): Bits => {
  let position = 0;
  const skip = (count: number): void => {
    position += count;
    if (position > bytes.byteLength * 8) throw new EndOfBits();
  };
  const read = (count: number): number => {
    let value = 0;
    for (let left = count; left > 0; left -= 1) {
      skip(1);
      const bit = position - 1;
      value = value * 2 + (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    }
    return value;
  };
  const exponentialGolomb = (): number => {
    let zeros = 0;
    while (read(1) === 0) {
      zeros += 1;
      if (zeros > 32) throw new EndOfBits();
    }
    return 2 ** zeros - 1 + read(zeros);
  };
  return { read, skip, exponentialGolomb };
};
