import { constants, deflateRawSync } from 'node:zlib';
import { u32be } from './numbers.ts';

const blockBytes = 2 ** 20;
/** Ends on a byte and refers to nothing before it, so that any number of it can stand in a row. */
const block = deflateRawSync(Buffer.alloc(blockBytes), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
const lastBlock = Buffer.from([0x03, 0x00]);

/** A zlib stream of so many zero bytes, a thousandth as long, and built without deflating them. */
export const deflatedZeros = (length: number): Buffer => {
  const rest = length % blockBytes;
  const blocks = Array.from({ length: Math.floor(length / blockBytes) }, () => block);
  const restBlock = deflateRawSync(Buffer.alloc(rest), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  // Adler-32 of zeros: nothing is added to the first sum, and the first sum, 1, to the second for each.
  const adler = ((length % 65_521) << 16) | 1;
  return Buffer.concat([Buffer.from([0x78, 0xda]), ...blocks, restBlock, lastBlock, u32be(adler)]);
};
