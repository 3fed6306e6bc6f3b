import type { Size } from '../originals/original.ts';
import { pictureChunks, webpChunk, webpFile } from './webp.ts';

/** A frame of an animated thumbnail: a part of the canvas that replaces what was there. */
export interface WrittenFrame extends Size {
  /** Even numbers. */
  readonly left: number;
  readonly top: number;
  /** The part as a WebP of its own. */
  readonly still: Buffer;
  /** When it ends, from the start of the animation. */
  readonly endsAt: number;
}

const maxMilliseconds = 2 ** 24 - 1;
const maxPlays = 2 ** 16 - 1;

/** An animated WebP (RFC 9649, 2.7) of frames that neither shine through nor clear their area. */
export const writeAnimatedWebp = (
  { width, height }: Size,
  plays: number,
  frames: readonly WrittenFrame[],
): Buffer => {
  const parts = frames.map(({ still }) => pictureChunks(still));
  const extended = Buffer.alloc(10);
  extended.writeUInt8(animationFlag | (parts.flat().some(hasAlpha) ? alphaFlag : 0));
  extended.writeUIntLE(width - 1, 4, 3);
  extended.writeUIntLE(height - 1, 7, 3);
  const animation = Buffer.alloc(6);
  animation.writeUInt16LE(Math.min(plays, maxPlays), 4);
  let shownUntil = 0;
  const written = frames.map((frame, index) => {
    const header = Buffer.alloc(16);
    header.writeUIntLE(frame.left / 2, 0, 3);
    header.writeUIntLE(frame.top / 2, 3, 3);
    header.writeUIntLE(frame.width - 1, 6, 3);
    header.writeUIntLE(frame.height - 1, 9, 3);
    // Ends are rounded instead of lengths, so that the error does not grow.
    const milliseconds = Math.min(Math.round(frame.endsAt) - shownUntil, maxMilliseconds);
    shownUntil = Math.round(frame.endsAt);
    header.writeUIntLE(milliseconds, 12, 3);
    header.writeUInt8(replaceFlag, 15);
    const picture = (parts[index] ?? []).map(({ name, content }) => webpChunk(name, content));
    return webpChunk('ANMF', header, ...picture);
  });
  return webpFile(webpChunk('VP8X', extended), webpChunk('ANIM', animation), ...written);
};

const animationFlag = 0x02;
const alphaFlag = 0x10;
const replaceFlag = 0b10;

/** A lossless picture says in its header whether it has alpha (RFC 9649, 3.4). */
const hasAlpha = ({ name, content }: { readonly name: string; readonly content: Buffer }): boolean =>
  name === 'ALPH' || (name === 'VP8L' && ((content[4] ?? 0) & 0x10) !== 0);
