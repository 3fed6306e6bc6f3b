/** The same bytes so many times in a row. */
export const repeated = (count: number, bytes: Buffer): Buffer => Buffer.alloc(count * bytes.length, bytes);

/** A file with the same bytes so many times in a row at that place. */
export const withRepeated = (file: Buffer, at: number, count: number, bytes: Buffer): Buffer =>
  Buffer.concat([file.subarray(0, at), repeated(count, bytes), file.subarray(at)]);
