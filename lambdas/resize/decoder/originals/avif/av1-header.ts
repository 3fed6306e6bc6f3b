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

interface Unit {
  readonly type: number;
  /** Where its header begins. */
  readonly start: number;
  readonly content: Buffer;
}

/** The units (OBUs) of coded pictures, as far as they make sense to a decoder. */
function* unitsIn(bytes: Buffer): Generator<Unit, void> {
  for (let start = 0; start < bytes.byteLength; ) {
    const first = bytes[start] ?? 0;
    const hasExtension = (first & 4) !== 0;
    const hasSize = (first & 2) !== 0;
    // The first bit is always 0.
    if (first >= 128 || !hasSize) return;
    const sizeAt = start + (hasExtension ? 2 : 1);
    const size = readLeb128(bytes, sizeAt);
    if (size === undefined) return;
    const contentAt = sizeAt + size.bytes;
    const end = contentAt + size.value;
    yield { type: (first >> 3) & 15, start, content: bytes.subarray(contentAt, end) };
    start = end;
  }
}

/** Whether there is anything to decode besides headers. */
export const hasFrame = (bytes: Buffer): boolean => {
  for (const { type, content } of unitsIn(bytes)) {
    const isFrame = type === unitTypes.frame || type === unitTypes.frameHeader;
    if (isFrame && content.byteLength > 0) return true;
  }
  return false;
};

/**
 * A picture is one temporal unit, of which the decoder shows the best layer. If more follow, browsers show
 * the first one.
 */
export const firstTemporalUnit = (bytes: Buffer): Buffer => {
  for (const { type, start } of unitsIn(bytes)) {
    if (type === unitTypes.temporalDelimiter && start > 0) return bytes.subarray(0, start);
  }
  return bytes;
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

/**
 * Reads the sequence header of coded pictures. If there are several, the size is the largest of them.
 *
 * @returns undefined if there is none
 */
export const readAv1Header = (bytes: Buffer): Av1Header | undefined => {
  let header: Av1Header | undefined;
  for (const { type, content } of unitsIn(bytes)) {
    const next = type === unitTypes.sequenceHeader ? readSequenceHeader(content) : undefined;
    if (next === undefined) continue;
    header = {
      ...(header ?? next),
      width: Math.max(header?.width ?? 0, next.width),
      height: Math.max(header?.height ?? 0, next.height),
    };
  }
  return header;
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
