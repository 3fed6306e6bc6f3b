import { createHash } from 'node:crypto';
import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';

/** As many bytes as tell an image's type. */
const startBytes = 1024;

/** What is learnt of an original's bytes while they stream past: their hash and how they begin. */
export class ArrivedBytes {
  readonly #hash = createHash('sha256');
  #start = Buffer.alloc(0);

  async *from(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.#hash.update(chunk);
      if (this.#start.byteLength < startBytes) {
        this.#start = Buffer.concat([this.#start, chunk.subarray(0, startBytes - this.#start.byteLength)]);
      }
      yield chunk;
    }
  }

  get start(): Uint8Array {
    return this.#start;
  }

  /**
   * To be called once, when all bytes have arrived.
   *
   * @throws ImageError `checksum-mismatch`
   */
  requireId(id: ImageId): void {
    const hash = this.#hash.digest('hex');
    if (hash === id) return;
    throw new ImageError(
      'checksum-mismatch',
      `The stored bytes have the SHA-256 ${hash}, not the one that names them.`,
    );
  }
}
