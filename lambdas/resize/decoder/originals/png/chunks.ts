import { crc32 } from 'node:zlib';

/** PNG specification (third edition), 5.2. */
export const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** Length, type and check of a chunk. */
const frameBytes = 12;

export interface Chunk {
  readonly type: string;
  /** Where its length stands in the file. */
  readonly start: number;
  /** Where the next chunk begins, maybe after the end of the file. */
  readonly end: number;
  /** Ends with the file. */
  readonly data: Buffer;
}

/** Reads the chunks from this position on. The last one may be cut off. */
export function* chunksOf(bytes: Buffer, from = signature.byteLength): Generator<Chunk> {
  for (let start = from; start + 8 <= bytes.byteLength; ) {
    const end = start + frameBytes + bytes.readUInt32BE(start);
    const type = bytes.toString('latin1', start + 4, start + 8);
    yield { type, start, end, data: bytes.subarray(start + 8, end - 4) };
    if (type === 'IEND') return;
    start = end;
  }
}

/** Whether the chunk is whole and its check is right. */
export const isIntact = (bytes: Buffer, { start, end }: Chunk): boolean =>
  end <= bytes.byteLength && crc32(bytes.subarray(start + 4, end - 4)) === bytes.readUInt32BE(end - 4);

/** 5.3. */
export const isTypeOfChunk = (type: string): boolean => /^[A-Za-z]{4}$/.test(type);

/** Makes a chunk with the right check. */
export const chunkOf = (type: string, data: Buffer = Buffer.alloc(0)): Buffer => {
  const chunk = Buffer.alloc(frameBytes + data.byteLength);
  chunk.writeUInt32BE(data.byteLength, 0);
  chunk.write(type, 4, 'latin1');
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.byteLength - 4);
  return chunk;
};
