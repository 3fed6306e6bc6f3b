import { constants, createInflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';

/** RFC 1950: the first two bytes name the method and the window. */
const zlibHeaderBytes = 2;

/**
 * The deflate stream without its frame. Its window is always as large as possible and its check is ignored,
 * as in Chromium: some encoders write a window that is too small, or a wrong check.
 *
 * @returns undefined if the frame is none
 */
const deflated = (data: Buffer): Buffer | undefined => {
  if (data.byteLength < zlibHeaderBytes) return undefined;
  const header = data.readUInt16BE(0);
  const isDeflate = (header & 0x0f00) === 0x0800 && header >> 12 <= 7;
  const hasDictionary = (header & 0x20) !== 0;
  return isDeflate && !hasDictionary && header % 31 === 0 ? data.subarray(zlibHeaderBytes) : undefined;
};

/** @returns undefined if the data is damaged or longer than expected. It may be cut off */
export const inflate = (data: Buffer, maxBytes: number): Buffer | undefined =>
  inflated(data, { maxOutputLength: maxBytes, finishFlush: constants.Z_SYNC_FLUSH });

/** Whether the stream has an end. */
export const isWhole = (data: Buffer, maxBytes: number): boolean =>
  inflated(data, { maxOutputLength: maxBytes }) !== undefined;

const inflated = (data: Buffer, options: ZlibOptions): Buffer | undefined => {
  const stream = deflated(data);
  try {
    return stream && inflateRawSync(stream, options);
  } catch {
    return undefined;
  }
};

/** Up to this length, the end of what is sound is sought byte by byte. */
const maxSoughtBytes = 131_072;

export interface Inflated {
  readonly bytes: Buffer;
  /** Whether the data is damaged after these bytes, and not only cut off. */
  readonly hasError: boolean;
}

/** Inflates until the first error, or the end of the data. */
export const inflateLeniently = async (data: Buffer, expectedBytes: number): Promise<Inflated> => {
  const stream = deflated(data);
  if (stream === undefined) return { bytes: Buffer.alloc(0), hasError: true };
  const { bytes, hasError } =
    stream.byteLength <= maxSoughtBytes
      ? longestSound(stream, expectedBytes)
      : await inflatedInSteps(stream, expectedBytes);
  return { bytes: bytes.subarray(0, expectedBytes), hasError };
};

/** What the longest beginning without an error makes. It may make a few bytes more than expected. */
const longestSound = (stream: Buffer, expectedBytes: number): Inflated => {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 * expectedBytes + 65_536 };
  const attempt = (length: number): Buffer | undefined => {
    try {
      return inflateRawSync(stream.subarray(0, length), options);
    } catch {
      return undefined;
    }
  };
  const all = attempt(stream.byteLength);
  if (all) return { bytes: all, hasError: false };
  let bytes: Buffer = Buffer.alloc(0);
  for (let low = 0, high = stream.byteLength - 1; low < high; ) {
    const length = Math.ceil((low + high) / 2);
    const made = attempt(length);
    if (made === undefined) high = length - 1;
    else {
      low = length;
      bytes = made;
    }
  }
  return { bytes, hasError: true };
};

/** In so many steps, the rest of the last one is lost at the first error. */
const steps = 4000;

const inflatedInSteps = (stream: Buffer, expectedBytes: number): Promise<Inflated> =>
  new Promise((resolve) => {
    const chunkSize = Math.max(constants.Z_MIN_CHUNK, Math.ceil(expectedBytes / steps));
    const inflater = createInflateRaw({ chunkSize, finishFlush: constants.Z_SYNC_FLUSH });
    const parts: Buffer[] = [];
    let length = 0;
    const finish = (hasError: boolean): void => {
      inflater.destroy();
      resolve({ bytes: Buffer.concat(parts), hasError });
    };
    // An iterator would drop what it has not read yet when an error comes.
    inflater.on('data', (part: Buffer) => {
      if (length >= expectedBytes) return;
      parts.push(part);
      length += part.byteLength;
      if (length >= expectedBytes) finish(false);
    });
    inflater.once('end', () => finish(false)).once('error', () => finish(true));
    inflater.end(stream);
  });
