import { constants, deflateRawSync } from 'node:zlib';
import { u32be } from './numbers.ts';

const blockBytes = 2 ** 20;
/** Ends at a byte and refers to nothing before it, so that it can be repeated. */
const block = deflateRawSync(Buffer.alloc(blockBytes), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
const lastBlock = Buffer.from([0x03, 0x00]);

/** A zlib stream of zero bytes, a thousandth of their length, made without deflating all of them. */
export const deflatedZeros = (length: number): Buffer => {
  const rest = length % blockBytes;
  const blocks = Array.from({ length: Math.floor(length / blockBytes) }, () => block);
  const restBlock = deflateRawSync(Buffer.alloc(rest), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  // Adler-32 of zeros: the first sum stays 1, which each byte adds to the second.
  const adler = ((length % 65_521) << 16) | 1;
  return Buffer.concat([Buffer.from([0x78, 0xda]), ...blocks, restBlock, lastBlock, u32be(adler)]);
};
