import type { Readable } from 'node:stream';

export interface LineReader {
  readonly onLine: (line: string) => void;
  readonly maxBytes: number;
  /** Called with the start of a longer line; the rest is dropped. */
  readonly onLongLine: (start: string) => void;
}

const newline = 10;

/** Reads lines from a process that is not trusted, with one buffer of `maxBytes`. */
export const readLines = (stream: Readable, { onLine, maxBytes, onLongLine }: LineReader): void => {
  // One buffer, not one for each chunk: a line may arrive byte by byte.
  let line: Buffer | undefined;
  let bytes = 0;
  let isTooLong = false;

  const add = (part: Buffer): void => {
    if (isTooLong) return;
    line ??= Buffer.allocUnsafe(maxBytes);
    bytes += part.copy(line, bytes);
    isTooLong = part.byteLength > 0 && bytes === maxBytes;
    if (isTooLong) onLongLine(line.toString('utf8', 0, bytes));
  };

  const end = (): void => {
    if (!isTooLong) onLine(line === undefined ? '' : line.toString('utf8', 0, bytes));
    bytes = 0;
    isTooLong = false;
  };

  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, start)) {
      add(chunk.subarray(start, at));
      end();
      start = at + 1;
    }
    if (start < chunk.byteLength) add(chunk.subarray(start));
  });
  // The last line of a process that crashes may lack its end.
  stream.on('end', () => {
    if (bytes > 0) end();
  });
  // A broken pipe means that the process ended, which is handled where it is started.
  stream.on('error', () => {});
};
