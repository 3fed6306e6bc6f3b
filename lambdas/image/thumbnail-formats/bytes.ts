/** The bytes are not a thumbnail as our encoders write it. The message names the first problem. */
export class InvalidThumbnail extends Error {
  override readonly name = 'InvalidThumbnail';
}

export const requireThat: (condition: boolean, problem: string) => asserts condition = (
  condition,
  problem,
) => {
  if (!condition) throw new InvalidThumbnail(problem);
};

/** Reads bytes from start to end, and refuses to read beyond the end, whatever lengths a file declares. */
export class ByteReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.byteLength - this.#position;
  }

  take(length: number): Buffer {
    requireThat(length <= this.remaining, 'it ends too early');
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }

  /** A number whose most significant byte comes first. */
  uint(byteCount: 1 | 2 | 3 | 4): number {
    return this.take(byteCount).readUIntBE(0, byteCount);
  }

  uintLittleEndian(byteCount: 1 | 2 | 3 | 4): number {
    return this.take(byteCount).readUIntLE(0, byteCount);
  }

  /** The four characters that name a chunk or box, with unprintable ones escaped for the log. */
  name(): string {
    return this.take(4)
      .toString('latin1')
      .replaceAll(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  }

  /** The number of bytes before the next one of this value. */
  countBefore(value: number): number {
    const next = this.#bytes.indexOf(value, this.#position);
    requireThat(next !== -1, 'it ends too early');
    return next - this.#position;
  }

  /** The byte at a distance from the next one, without reading past it. */
  peek(distance: number): number {
    requireThat(distance < this.remaining, 'it ends too early');
    return this.#bytes.readUInt8(this.#position + distance);
  }

  expect(expected: string | readonly number[], problem: string): void {
    const wanted = typeof expected === 'string' ? Buffer.from(expected, 'latin1') : Buffer.from(expected);
    requireThat(wanted.byteLength <= this.remaining && this.take(wanted.byteLength).equals(wanted), problem);
  }

  expectEnd(what: string): void {
    requireThat(this.remaining === 0, `${this.remaining} bytes follow ${what}`);
  }
}

export interface Size {
  readonly width: number;
  readonly height: number;
}
