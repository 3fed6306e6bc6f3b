import { createHash } from 'node:crypto';
import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import { type OriginalType, originalTypeOf, requireAcceptedType } from '../image/original-type.ts';

/** Bytes from the start of a file that are enough to tell its type. */
const startBytes = 1024;

/** Verifies an original while its bytes stream to the decoder. Use it once. */
export class ArrivedBytes {
  readonly #id: ImageId;
  readonly #expectedBytes: number;
  readonly #acceptsHeic: boolean;
  readonly #hash = createHash('sha256');
  #start = Buffer.alloc(0);

  constructor(id: ImageId, expectedBytes: number, acceptsHeic: boolean) {
    this.#acceptsHeic = acceptsHeic;
    this.#id = id;
    this.#expectedBytes = expectedBytes;
  }

  /** The type that the bytes declare, as far as they have arrived. */
  get contentType(): OriginalType | undefined {
    return originalTypeOf(this.#start);
  }

  /** @throws ImageError `checksum-mismatch`, `unsupported-type`, once all bytes have arrived */
  async *checked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of source) {
      this.#hash.update(chunk);
      bytes += chunk.byteLength;
      if (this.#start.byteLength < startBytes) {
        this.#start = Buffer.concat([this.#start, chunk.subarray(0, startBytes - this.#start.byteLength)]);
      }
      yield chunk;
    }
    if (bytes !== this.#expectedBytes) {
      throw new Error(`Expected ${this.#expectedBytes} bytes but received ${bytes}`);
    }
    const hash = this.#hash.digest('hex');
    if (hash !== this.#id) {
      throw new ImageError(
        'checksum-mismatch',
        `The stored bytes have SHA-256 ${hash}, which does not match the image's id.`,
      );
    }
    requireAcceptedType(this.#start, this.#acceptsHeic);
  }
}
