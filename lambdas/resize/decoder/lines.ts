import type { Readable } from 'node:stream';

export interface LineReader {
  readonly onLine: (line: string) => void;
  /** Longer lines are not kept. */
  readonly maxBytes: number;
  /** Called with the start of a line that is too long. */
  readonly onLongLine: (start: string) => void;
}

const newline = 10;

/** Reads lines from a process that is not trusted: they take no more memory than one buffer of `maxBytes`. */
export const readLines = (stream: Readable, { onLine, maxBytes, onLongLine }: LineReader): void => {
  // One buffer, not one for each piece: a line may come byte by byte.
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
  // The last words of a process that crashes may lack the end of their line.
  stream.on('end', () => {
    if (bytes > 0) end();
  });
  // The end of the process says what a broken pipe would.
  stream.on('error', () => {});
};
