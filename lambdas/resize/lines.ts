import type { Readable } from 'node:stream';

export interface LineReader {
  readonly onLine: (line: string) => void;
  /** Longer lines are not kept. */
  readonly maxBytes: number;
  /** Called with the start of a line that is too long. */
  readonly onLongLine: (start: string) => void;
}

/** Reads lines from a process that is not trusted: no line takes more memory than `maxBytes`. */
export const readLines = (stream: Readable, { onLine, maxBytes, onLongLine }: LineReader): void => {
  let parts: Buffer[] = [];
  let bytes = 0;
  let isTooLong = false;

  const add = (part: Buffer): void => {
    if (isTooLong) return;
    parts.push(part.subarray(0, maxBytes - bytes));
    bytes += part.byteLength;
    if (bytes <= maxBytes) return;
    isTooLong = true;
    onLongLine(Buffer.concat(parts).toString());
    parts = [];
  };

  const end = (): void => {
    if (!isTooLong) onLine(Buffer.concat(parts).toString());
    parts = [];
    bytes = 0;
    isTooLong = false;
  };

  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let newline = chunk.indexOf(10); newline !== -1; newline = chunk.indexOf(10, start)) {
      add(chunk.subarray(start, newline));
      end();
      start = newline + 1;
    }
    if (start < chunk.byteLength) add(chunk.subarray(start));
  });
  // The end of the process says what a broken pipe would.
  stream.on('error', () => {});
};
