/** The same bytes, repeated. */
export const repeated = (count: number, bytes: Buffer): Buffer => Buffer.alloc(count * bytes.length, bytes);

/** A file with repeated bytes inserted at an offset. */
export const withRepeated = (file: Buffer, at: number, count: number, bytes: Buffer): Buffer =>
  Buffer.concat([file.subarray(0, at), repeated(count, bytes), file.subarray(at)]);
