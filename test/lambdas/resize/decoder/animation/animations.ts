import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/*
 * Makes animations chunk by chunk, because encoders write only some of what their formats allow.
 */

export type Colour = readonly [red: number, green: number, blue: number, alpha: number];

export const red: Colour = [255, 0, 0, 255];
export const green: Colour = [0, 255, 0, 255];
export const blue: Colour = [0, 0, 255, 255];
export const clear: Colour = [0, 0, 0, 0];

/** The colours of each GIF made here; the last is its transparent one. */
const palette = [red, green, blue, [255, 255, 255, 255]] as const;

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface GifFrame extends Box {
  readonly colour: Colour;
  /** In hundredths of a second. */
  readonly delay?: number;
  /** 1: keep, 2: clear, 3: restore. */
  readonly disposal?: number;
}

const uint16 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, 2 * index);
  return bytes;
};

/** Codes of three bits. A code that empties the table follows each pixel, so that they stay this short. */
const lzw = (pixels: readonly number[]): Buffer => {
  const [empty, end] = [4, 5];
  const codes = [...pixels.flatMap((pixel) => [empty, pixel]), end];
  const bits = codes.flatMap((code) => [code & 1, (code >> 1) & 1, (code >> 2) & 1]);
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [at, bit] of bits.entries()) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (bit << (at & 7));
  const blocks = [];
  for (let at = 0; at < bytes.byteLength; at += 255) {
    const block = bytes.subarray(at, at + 255);
    blocks.push(Buffer.from([block.byteLength]), block);
  }
  return Buffer.concat([Buffer.from([2]), ...blocks, Buffer.from([0])]);
};

/** @param repeats how often it is repeated; undefined for a GIF that does not say */
export const gif = (
  { width, height }: { readonly width: number; readonly height: number },
  frames: readonly GifFrame[],
  repeats?: number,
): Buffer =>
  Buffer.concat([
    Buffer.from('GIF89a'),
    uint16(width, height),
    Buffer.from([0x81, 0, 0]),
    Buffer.from(palette.flatMap((colour) => colour.slice(0, 3))),
    repeats === undefined
      ? Buffer.alloc(0)
      : Buffer.concat([
          Buffer.from('\x21\xff\x0bNETSCAPE2.0\x03\x01', 'latin1'),
          uint16(repeats),
          Buffer.from([0]),
        ]),
    ...frames.flatMap(({ colour, delay = 10, disposal = 1, ...box }) => [
      Buffer.from([0x21, 0xf9, 4, (disposal << 2) | 1]),
      uint16(delay),
      Buffer.from([3, 0, 0x2c]),
      uint16(box.left, box.top, box.width, box.height),
      Buffer.from([0]),
      lzw(Array.from({ length: box.width * box.height }, () => Math.max(0, palette.indexOf(colour)))),
    ]),
    Buffer.from([0x3b]),
  ]);

const pngChunk = (name: string, ...content: readonly Buffer[]): Buffer => {
  const named = Buffer.concat([Buffer.from(name), ...content]);
  const bytes = Buffer.alloc(8 + named.byteLength);
  bytes.writeUInt32BE(named.byteLength - 4);
  named.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(named), 4 + named.byteLength);
  return bytes;
};

const uint32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};

export interface PngFrame extends Box {
  readonly colour: Colour;
  /** In seconds. */
  readonly delay?: readonly [numerator: number, denominator: number];
  /** 0: keep, 1: clear, 2: restore. */
  readonly disposal?: number;
  readonly isBlended?: boolean;
}

const pngRows = (width: number, height: number, colour: Colour): Buffer =>
  deflateSync(
    Buffer.concat(
      Array.from({ length: height }, () =>
        Buffer.from([0, ...Array.from({ length: width }, () => colour).flat()]),
      ),
    ),
  );

/** @param still a picture that is no part of the animation. @default - the first frame */
export const apng = (
  { width, height }: { readonly width: number; readonly height: number },
  frames: readonly PngFrame[],
  { plays = 0, still }: { readonly plays?: number; readonly still?: Colour } = {},
): Buffer => {
  let sequence = 0;
  const number = (): Buffer => {
    sequence += 1;
    return uint32(sequence - 1);
  };
  const control = ({ delay = [1, 10], disposal = 0, isBlended = false, ...box }: PngFrame): Buffer => {
    const times = Buffer.alloc(4);
    times.writeUInt16BE(delay[0]);
    times.writeUInt16BE(delay[1], 2);
    const sizes = uint32(box.width, box.height, box.left, box.top);
    return pngChunk('fcTL', number(), sizes, times, Buffer.from([disposal, isBlended ? 1 : 0]));
  };
  const pictures = frames.map((frame, index) => {
    const header = control(frame);
    const rows = pngRows(frame.width, frame.height, frame.colour);
    const isFirst = index === 0 && still === undefined;
    return Buffer.concat([header, isFirst ? pngChunk('IDAT', rows) : pngChunk('fdAT', number(), rows)]);
  });
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', uint32(width, height), Buffer.from([8, 6, 0, 0, 0])),
    pngChunk('acTL', uint32(frames.length, plays)),
    still ? pngChunk('IDAT', pngRows(width, height, still)) : Buffer.alloc(0),
    ...pictures,
    pngChunk('IEND'),
  ]);
};

export const riffChunk = (name: string, ...content: readonly Buffer[]): Buffer => {
  const bytes = Buffer.concat(content);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.byteLength);
  return Buffer.concat([Buffer.from(name), length, bytes, Buffer.alloc(bytes.byteLength % 2)]);
};

const uint24 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(3 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUIntLE(value, 3 * index, 3);
  return bytes;
};

export interface WebpFrame extends Box {
  readonly colour: Colour;
  readonly milliseconds?: number;
  readonly isCleared?: boolean;
  readonly isBlended?: boolean;
  /** @default true */
  readonly isLossless?: boolean;
}

export const webp = async (
  { width, height }: { readonly width: number; readonly height: number },
  frames: readonly WebpFrame[],
  plays = 0,
): Promise<Buffer> => {
  const pictures = await Promise.all(
    frames.map(async ({ colour, isLossless = true, ...frame }) => {
      const pixels = Buffer.alloc(frame.width * frame.height * 4, Buffer.from(colour));
      const still = await sharp(pixels, { raw: { width: frame.width, height: frame.height, channels: 4 } })
        .webp({ lossless: isLossless })
        .toBuffer();
      // A lossy picture with alpha follows a header of its own.
      const start = still.toString('latin1', 12, 16) === 'VP8X' ? 30 : 12;
      return riffChunk(
        'ANMF',
        uint24(frame.left / 2, frame.top / 2, frame.width - 1, frame.height - 1, frame.milliseconds ?? 100),
        Buffer.from([(frame.isBlended ? 0 : 2) | (frame.isCleared ? 1 : 0)]),
        still.subarray(start),
      );
    }),
  );
  return riffChunk(
    'RIFF',
    Buffer.from('WEBP'),
    riffChunk('VP8X', Buffer.from([0x12, 0, 0, 0]), uint24(width - 1, height - 1)),
    riffChunk('ANIM', Buffer.alloc(4), uint16(plays)),
    ...pictures,
  );
};
