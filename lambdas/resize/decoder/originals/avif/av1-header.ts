/*
 * "AV1 Bitstream & Decoding Process Specification", 5.3 to 5.5: what coded pictures say of themselves. A
 * container may say something else.
 */

/** What a decoder makes of the pictures, from the sequence header. */
export interface Av1Header {
  /** No picture is larger. */
  readonly width: number;
  readonly height: number;
  readonly bits: 8 | 10 | 12;
  /** Brightness only: grey, or alpha. */
  readonly isMonochrome: boolean;
  /** Numbers of ITU-T H.273. */
  readonly primaries: number;
  readonly transfer: number;
  readonly matrix: number;
  /** Whether black is 0 and white is the largest number; in a video, black is 16 and white 235, of 8 bits. */
  readonly isFullRange: boolean;
}

/** A header ends too early. */
class EndOfHeader extends Error {
  override readonly name = 'EndOfHeader';
}

/** 6.2.2. */
const unitTypes = { sequenceHeader: 1, temporalDelimiter: 2, frameHeader: 3, frame: 6 } as const;

/** No picture has as many. What comes after them is cut off. */
const maxUnits = 10_000;

interface Unit {
  readonly type: number;
  /** Its header, of one or two bytes. */
  readonly header: Buffer;
  readonly hasSize: boolean;
  readonly content: Buffer;
  /** Where it begins and ends. */
  readonly start: number;
  readonly end: number;
}

/** The units (OBUs) of coded pictures, as far as they make sense to a decoder. */
function* unitsIn(bytes: Buffer): Generator<Unit, void> {
  let start = 0;
  for (let count = 0; count < maxUnits && start < bytes.byteLength; count += 1) {
    const first = bytes[start] ?? 0;
    // The first bit is always 0.
    if (first >= 128) return;
    const headerBytes = (first & 4) !== 0 ? 2 : 1;
    const hasSize = (first & 2) !== 0;
    const sizeAt = start + headerBytes;
    // The last unit may have no size, and then reaches to the end.
    const size = hasSize ? readLeb128(bytes, sizeAt) : { value: bytes.byteLength - sizeAt, bytes: 0 };
    if (size === undefined || size.value < 0) return;
    const contentAt = sizeAt + size.bytes;
    const end = Math.min(contentAt + size.value, bytes.byteLength);
    yield {
      type: (first >> 3) & 15,
      header: bytes.subarray(start, sizeAt),
      hasSize,
      content: bytes.subarray(contentAt, end),
      start,
      end,
    };
    start = end;
  }
}

/** Coded pictures, as far as they are one picture. */
export interface Av1Picture {
  /**
   * One temporal unit, of which the decoder shows the best layer. If more follow, browsers show the first.
   */
  readonly bytes: Buffer;
  /** If there are several, the size is the largest of them. @default - there is none */
  readonly header: Av1Header | undefined;
  /** Whether there is anything to decode besides headers. */
  readonly hasFrame: boolean;
  /** The last unit has no size. The decoder of libheif refuses that, and browsers accept it. */
  readonly lacksSize: boolean;
}

/** Takes time linear in the bytes, and decodes nothing. */
export const readAv1 = (bytes: Buffer): Av1Picture => {
  let header: Av1Header | undefined;
  let hasFrame = false;
  let lacksSize = false;
  let end = 0;
  for (const unit of unitsIn(bytes)) {
    const { type, content } = unit;
    if (type === unitTypes.temporalDelimiter && hasFrame) break;
    end = unit.end;
    if (type === unitTypes.sequenceHeader) header = withLargerSize(header, readSequenceHeader(content));
    const isFrame = type === unitTypes.frame || type === unitTypes.frameHeader;
    hasFrame ||= isFrame && content.byteLength > 0;
    lacksSize = !unit.hasSize;
  }
  return { bytes: bytes.subarray(0, end), header, hasFrame, lacksSize };
};

const withLargerSize = (one: Av1Header | undefined, other: Av1Header | undefined): Av1Header | undefined => {
  if (one === undefined || other === undefined) return one ?? other;
  const { width, height } = one;
  return { ...one, width: Math.max(width, other.width), height: Math.max(height, other.height) };
};

/** A copy whose last unit has a size. */
export const withLastSize = (bytes: Buffer): Buffer => {
  for (const { hasSize, header, content, start } of unitsIn(bytes)) {
    if (hasSize) continue;
    const sized = Buffer.from(header);
    sized[0] = (sized[0] ?? 0) | 2;
    return Buffer.concat([bytes.subarray(0, start), sized, leb128Of(content.byteLength), content]);
  }
  return bytes;
};

const leb128Of = (value: number): Buffer => {
  const groups: number[] = [];
  for (let left = value; groups.length === 0 || left > 0; left = Math.floor(left / 128)) {
    groups.push((left % 128) + (left >= 128 ? 128 : 0));
  }
  return Buffer.from(groups);
};

/** 4.10.5: seven bits in each byte, the lowest first. */
const readLeb128 = (bytes: Buffer, at: number): { value: number; bytes: number } | undefined => {
  let value = 0;
  for (let count = 0; count < 8; count += 1) {
    const byte = bytes[at + count];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 2 ** (7 * count);
    if (byte < 128) return { value, bytes: count + 1 };
  }
  return undefined;
};

const readSequenceHeader = (content: Buffer): Av1Header | undefined => {
  try {
    return parseSequenceHeader(bitsOf(content));
  } catch (error) {
    if (error instanceof EndOfHeader) return undefined;
    throw error;
  }
};

/** Reads numbers of 1 to 32 bits, the highest bit first. */
type Bits = (count: number) => number;

const bitsOf = (content: Buffer): Bits => {
  let position = 0;
  return (count) => {
    let value = 0;
    for (let left = count; left > 0; left -= 1) {
      const byte = content[position >> 3];
      if (byte === undefined) throw new EndOfHeader();
      value = value * 2 + ((byte >> (7 - (position & 7))) & 1);
      position += 1;
    }
    return value;
  };
};

/** 4.10.3: as many zeros as the number has bits. */
const skipUvlc = (bits: Bits): void => {
  let zeros = 0;
  while (bits(1) === 0) zeros += 1;
  if (zeros < 32) bits(zeros);
};

/** 5.5.1. */
const parseSequenceHeader = (bits: Bits): Av1Header => {
  const profile = bits(3);
  // Whether it is a still picture.
  bits(1);
  const isReduced = bits(1) === 1;
  if (isReduced) bits(5);
  else skipOperatingPoints(bits);
  const widthBits = bits(4) + 1;
  const heightBits = bits(4) + 1;
  const size = { width: bits(widthBits) + 1, height: bits(heightBits) + 1 };
  if (!isReduced) skipFrameIds(bits);
  // Large blocks, and two filters.
  bits(3);
  if (!isReduced) skipInterTools(bits);
  // Three filters.
  bits(3);
  return { ...size, ...parseColour(bits, profile) };
};

const skipOperatingPoints = (bits: Bits): void => {
  let delayBits = 0;
  const hasTiming = bits(1) === 1;
  if (hasTiming) {
    bits(32);
    bits(32);
    if (bits(1) === 1) skipUvlc(bits);
    if (bits(1) === 1) {
      delayBits = bits(5) + 1;
      bits(32);
      bits(10);
    }
  }
  const hasDisplayDelay = bits(1) === 1;
  for (let left = bits(5) + 1; left > 0; left -= 1) {
    bits(12);
    const highestUntieredLevel = 7;
    if (bits(5) > highestUntieredLevel) bits(1);
    if (delayBits > 0 && bits(1) === 1) {
      bits(delayBits);
      bits(delayBits);
      bits(1);
    }
    if (hasDisplayDelay && bits(1) === 1) bits(4);
  }
};

const skipFrameIds = (bits: Bits): void => {
  if (bits(1) === 1) bits(7);
};

/** Tools that predict a picture from others. */
const skipInterTools = (bits: Bits): void => {
  bits(4);
  const hasOrderHint = bits(1) === 1;
  if (hasOrderHint) bits(2);
  const choosesTools = bits(1) === 1;
  const hasTools = choosesTools || bits(1) === 1;
  if (hasTools && bits(1) === 0) bits(1);
  if (hasOrderHint) bits(3);
};

/** 5.5.2. */
const parseColour = (bits: Bits, profile: number): Omit<Av1Header, 'width' | 'height'> => {
  const isHigh = bits(1) === 1;
  const isTwelve = profile === 2 && isHigh && bits(1) === 1;
  const isMonochrome = profile !== 1 && bits(1) === 1;
  const hasDescription = bits(1) === 1;
  const unspecified = 2;
  const [primaries, transfer, matrix] = hasDescription
    ? ([bits(8), bits(8), bits(8)] as const)
    : ([unspecified, unspecified, unspecified] as const);
  // These three numbers mean RGB, which has the full range.
  const isRgb = !isMonochrome && primaries === 1 && transfer === 13 && matrix === 0;
  return {
    bits: isTwelve ? 12 : isHigh ? 10 : 8,
    isMonochrome,
    primaries,
    transfer,
    matrix,
    isFullRange: isRgb || bits(1) === 1,
  };
};
