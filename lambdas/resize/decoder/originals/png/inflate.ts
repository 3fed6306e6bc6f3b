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

/** In so many steps, the rest of the last one is lost at the first error. */
const steps = 4000;
const minStepBytes = 64;

/** Inflates until the first error, or the end of the data. */
export const inflateLeniently = async (data: Buffer, expectedBytes: number): Promise<Buffer> => {
  const stream = deflated(data);
  if (stream === undefined) return Buffer.alloc(0);
  const chunkSize = Math.max(minStepBytes, Math.ceil(expectedBytes / steps));
  const inflater = createInflateRaw({ chunkSize, finishFlush: constants.Z_SYNC_FLUSH });
  const parts: Buffer[] = [];
  let length = 0;
  inflater.end(stream);
  try {
    for await (const part of inflater) {
      if (!Buffer.isBuffer(part)) continue;
      parts.push(part);
      length += part.byteLength;
      if (length >= expectedBytes) break;
    }
  } catch {
    // What was inflated before the error is all that there is.
  }
  inflater.destroy();
  return Buffer.concat(parts, Math.min(length, expectedBytes));
};
