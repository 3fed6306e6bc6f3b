import { type Animation, areWithin, type Frame, maxParts, shownMilliseconds } from './frames.ts';

/** The flags of the chunk "VP8X". */
const flags = { alpha: 0x10, animation: 0x02 } as const;

interface Chunk {
  readonly name: string;
  readonly content: Buffer;
}

/** The chunks of a file or a frame, up to the first that is cut off. */
const chunksOf = (data: Buffer): readonly Chunk[] => {
  const chunks: Chunk[] = [];
  for (let at = 0; at + 8 <= data.byteLength && chunks.length < maxParts; ) {
    const length = data.readUInt32LE(at + 4);
    const end = at + 8 + length;
    if (end > data.byteLength) break;
    chunks.push({ name: data.toString('latin1', at, at + 4), content: data.subarray(at + 8, end) });
    at = end + (length % 2);
  }
  return chunks;
};

/** The chunk of these bytes, padded to an even length. */
export const webpChunk = (name: string, ...content: readonly Buffer[]): Buffer => {
  const length = content.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(length, 4);
  return Buffer.concat([head, ...content, Buffer.alloc(length % 2)]);
};

export const webpFile = (...chunks: readonly Buffer[]): Buffer =>
  webpChunk('RIFF', Buffer.from('WEBP'), ...chunks);

/** The chunks that hold the picture of a WebP without animation. */
export const pictureChunks = (file: Buffer): readonly Chunk[] =>
  chunksOf(file.subarray(12)).filter(({ name }) => pictureNames.includes(name));

const pictureNames = ['ALPH', 'VP8 ', 'VP8L'];

/**
 * The frames of an animated WebP: RFC 9649, 2.7, "Extended File Format". As in Chromium, its background is
 * not shown, and its colour profile is ignored.
 */
export const readWebp = (data: Buffer): Animation | undefined => {
  const chunks = chunksOf(data.subarray(12));
  const find = (wanted: string): Buffer | undefined => chunks.find(({ name }) => name === wanted)?.content;
  const [extended, animation] = ['VP8X', 'ANIM'].map(find);
  if (!(extended && animation) || extended.byteLength < 10 || animation.byteLength < 6) return undefined;
  if (((extended[0] ?? 0) & flags.animation) === 0) return undefined;
  const canvas = { width: extended.readUIntLE(4, 3) + 1, height: extended.readUIntLE(7, 3) + 1 };
  const frames = chunks
    .filter(({ name, content }) => name === 'ANMF' && content.byteLength >= 16)
    .map(({ content }) => frameOf(content));
  if (!areWithin(canvas, frames)) return undefined;
  return { ...canvas, plays: animation.readUInt16LE(4), exif: find('EXIF'), frames };
};

const frameOf = (content: Buffer): Frame => {
  const options = content.readUInt8(15);
  const size = { width: content.readUIntLE(6, 3) + 1, height: content.readUIntLE(9, 3) + 1 };
  return {
    ...size,
    left: content.readUIntLE(0, 3) * 2,
    top: content.readUIntLE(3, 3) * 2,
    milliseconds: shownMilliseconds(content.readUIntLE(12, 3)),
    isBlended: (options & 0b10) === 0,
    disposal: (options & 0b01) === 0 ? 'keep' : 'clear',
    still: () => {
      const picture = chunksOf(content.subarray(16)).filter(({ name }) => pictureNames.includes(name));
      const header = Buffer.alloc(10);
      header.writeUInt8(flags.alpha);
      header.writeUIntLE(size.width - 1, 4, 3);
      header.writeUIntLE(size.height - 1, 7, 3);
      return webpFile(
        webpChunk('VP8X', header),
        ...picture.map(({ name, content: bytes }) => webpChunk(name, bytes)),
      );
    },
  };
};
