import { constants, createInflate } from 'node:zlib';

/*
 * The compressions of TIFF that are read here, because damaged or unusual pictures need the bytes of a strip
 * without libtiff. Each returns what it could read, of at most as many bytes as are expected.
 */

/** Expands one strip or tile. What it lacks is shorter than expected, never longer. */
export type Expand = (data: Buffer, expectedBytes: number, rowBytes: number) => Buffer | Promise<Buffer>;

/** TIFF 6.0, section 9. */
const expandPackBits: Expand = (data, expectedBytes) => {
  const bytes = Buffer.alloc(expectedBytes);
  let to = 0;
  for (let at = 0; at < data.byteLength && to < expectedBytes; ) {
    const head = data.readInt8(at);
    at += 1;
    if (head >= 0) {
      const end = Math.min(at + head + 1, data.byteLength, at + expectedBytes - to);
      to += data.copy(bytes, to, at, end);
      at += head + 1;
    } else if (head > -128 && at < data.byteLength) {
      const end = Math.min(to + 1 - head, expectedBytes);
      bytes.fill(data[at] ?? 0, to, end);
      to = end;
      at += 1;
    }
  }
  return bytes.subarray(0, to);
};

const clearCode = 256;
const endCode = 257;
const maxCodes = 4096;

/**
 * TIFF 6.0, section 13. Files of an old libtiff have their bits in reverse order, and change the length of a
 * code one code later (libtiff, tif_lzw.c: "Old-style LZW").
 */
const expandLzw: Expand = (data, expectedBytes) => {
  const isOld = data[0] === 0 && ((data[1] ?? 0) & 1) === 1;
  const bytes = Buffer.alloc(expectedBytes);
  /** Where the text of a code is in what has been written, and how long it is. */
  const starts = new Uint32Array(maxCodes);
  const lengths = new Uint32Array(maxCodes);
  const early = isOld ? 0 : 1;
  let to = 0;
  let next = endCode + 1;
  let width = 9;
  let previousStart = 0;
  let previousLength = 0;
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  while (to < expectedBytes) {
    while (bitCount < width && at < data.byteLength) {
      const value = data[at] ?? 0;
      bits = isOld ? bits | (value << bitCount) : ((bits << 8) | value) & 0xff_ff_ff;
      bitCount += 8;
      at += 1;
    }
    if (bitCount < width) break;
    const mask = (1 << width) - 1;
    const code = isOld ? bits & mask : (bits >>> (bitCount - width)) & mask;
    if (isOld) bits >>>= width;
    bitCount -= width;
    if (code === endCode) break;
    if (code === clearCode) {
      next = endCode + 1;
      width = 9;
      previousLength = 0;
      continue;
    }
    const start = to;
    if (code < clearCode) {
      bytes[to] = code;
      to += 1;
    } else if (code < next) {
      to += copyWithin(bytes, starts[code] ?? 0, lengths[code] ?? 0, to);
    } else if (code === next && previousLength > 0) {
      to += copyWithin(bytes, previousStart, previousLength + 1, to);
    } else break;
    if (previousLength > 0 && next < maxCodes) {
      starts[next] = previousStart;
      lengths[next] = previousLength + 1;
      next += 1;
      if (next + early >= 1 << width && width < 12) width += 1;
    }
    previousStart = start;
    previousLength = to - start;
  }
  return bytes.subarray(0, to);
};

/** Copies forwards, so that the source may overlap the target: the text of a new code begins with itself. */
const copyWithin = (bytes: Buffer, from: number, length: number, to: number): number => {
  const count = Math.min(length, bytes.byteLength - to);
  for (let index = 0; index < count; index += 1) bytes[to + index] = bytes[from + index] ?? 0;
  return count;
};

/** Adobe Photoshop TIFF technical notes, "ZIP". */
const expandDeflate: Expand = async (data, expectedBytes) => {
  const whole = await inflated(data, expectedBytes, inflateBytes);
  if (whole.byteLength === expectedBytes) return whole;
  // Node.js drops the part during which an error occurs, so smaller ones yield more of what precedes it.
  return inflated(data, expectedBytes, Math.max(minInflateBytes, Math.ceil(expectedBytes / maxParts)));
};

const inflateBytes = 65_536;
const minInflateBytes = 256;
const maxParts = 4096;

/** A stream is used, because it yields what precedes damage. */
const inflated = (data: Buffer, expectedBytes: number, chunkSize: number): Promise<Buffer> =>
  new Promise((resolve) => {
    const parts: Buffer[] = [];
    let length = 0;
    const inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize });
    const finish = (): void => {
      resolve(Buffer.concat(parts, length).subarray(0, expectedBytes));
      inflate.destroy();
    };
    inflate.on('data', (part: Buffer) => {
      parts.push(part);
      length += part.byteLength;
      if (length >= expectedBytes) finish();
    });
    inflate.once('end', finish);
    inflate.once('error', finish);
    inflate.end(data);
  });

/** By the value of the tag Compression. */
export const expanders: ReadonlyMap<number, Expand> = new Map<number, Expand>([
  [1, (data, expectedBytes) => data.subarray(0, expectedBytes)],
  [5, expandLzw],
  [8, expandDeflate],
  [32_773, expandPackBits],
  [32_946, expandDeflate],
]);

const reversedBits = Uint8Array.from({ length: 256 }, (_, value) => {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit += 1) reversed |= ((value >> bit) & 1) << (7 - bit);
  return reversed;
});

/** For FillOrder 2: the first pixel is in the lowest bit. */
export const withReversedBits = (data: Buffer): Buffer =>
  Buffer.from(data.map((value) => reversedBits[value] ?? 0));

/** How the rows of a strip or tile are stored. */
export interface RowLayout {
  readonly rowBytes: number;
  readonly bits: number;
  /** Samples of one pixel that are stored together. */
  readonly samples: number;
  readonly isLittleEndian: boolean;
}

/** Undoes the tag Predictor in place: TIFF 6.0, section 14, and Adobe's technical note 3 for fractions. */
export const undoPredictor = (data: Buffer, predictor: number, layout: RowLayout): void => {
  const undo = predictor === 3 ? undoFloatPredictor : undoDifferences;
  for (let at = 0; at < data.byteLength; at += layout.rowBytes) {
    undo(data.subarray(at, at + layout.rowBytes), layout);
  }
};

const undoDifferences = (row: Buffer, { bits, samples, isLittleEndian }: RowLayout): void => {
  if (bits === 8) {
    for (let at = samples; at < row.byteLength; at += 1) {
      row[at] = ((row[at] ?? 0) + (row[at - samples] ?? 0)) & 0xff;
    }
    return;
  }
  // From the lowest byte to the highest, each sum carries into the next.
  const size = bits / 8;
  const step = samples * size;
  for (let at = step; at + size <= row.byteLength; at += size) {
    let carry = 0;
    for (let index = 0; index < size; index += 1) {
      const byte = at + (isLittleEndian ? index : size - 1 - index);
      carry += (row[byte] ?? 0) + (row[byte - step] ?? 0);
      row[byte] = carry & 0xff;
      carry >>= 8;
    }
  }
};

/** The highest bytes of all numbers come first, then the next ones, as differences of bytes. */
const undoFloatPredictor = (row: Buffer, { bits, samples, isLittleEndian }: RowLayout): void => {
  for (let at = samples; at < row.byteLength; at += 1) {
    row[at] = ((row[at] ?? 0) + (row[at - samples] ?? 0)) & 0xff;
  }
  const size = bits / 8;
  const count = Math.floor(row.byteLength / size);
  const planes = Buffer.from(row);
  for (let number = 0; number < count; number += 1) {
    for (let index = 0; index < size; index += 1) {
      const byte = isLittleEndian ? size - 1 - index : index;
      row[number * size + byte] = planes[index * count + number] ?? 0;
    }
  }
};
