/** A GIF89a written by hand, so that each part of it can be wrong. */

export interface GifFrame {
  readonly left?: number;
  readonly top?: number;
  readonly width: number;
  readonly height: number;
  readonly isInterlaced?: boolean;
  readonly transparent?: number;
  /** By pixel, row by row, as many as the frame gets. */
  readonly indices: readonly number[];
}

const red = [200, 30, 30] as const;
const green = [30, 160, 60] as const;
const blue = [30, 60, 200] as const;

/** Four colours; the last one is black. */
export const gifColours = [red, green, blue, [0, 0, 0]] as const;

const codeBits = 2;
const clear = 1 << codeBits;

/** LZW that clears its table before the codes get longer. */
const lzw = (indices: readonly number[]): Buffer => {
  const codes = indices.flatMap((index, at) => (at % 2 === 0 ? [clear, index] : [index]));
  const bits = [...codes, clear + 1].flatMap((code) =>
    Array.from({ length: codeBits + 1 }, (_, bit) => (code >> bit) & 1),
  );
  return Buffer.from(
    Array.from({ length: Math.ceil(bits.length / 8) }, (_, byte) =>
      bits.slice(byte * 8, byte * 8 + 8).reduce((sum, bit, at) => sum | (bit << at), 0),
    ),
  );
};

const words = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, at) => {
    bytes.writeUInt16LE(value, at * 2);
  });
  return bytes;
};

const blocks = (data: Buffer): Buffer => {
  const parts = [];
  for (let at = 0; at < data.byteLength; at += 255) {
    const part = data.subarray(at, at + 255);
    parts.push(Buffer.from([part.byteLength]), part);
  }
  return Buffer.concat([...parts, Buffer.from([0])]);
};

export const gifHeader = (width: number, height: number): Buffer =>
  Buffer.concat([
    Buffer.from('GIF89a'),
    words(width, height),
    Buffer.from([0x80 | (codeBits - 1), 0, 0]),
    Buffer.from(gifColours.flat()),
  ]);

export const gifFrame = ({
  left = 0,
  top = 0,
  width,
  height,
  isInterlaced = false,
  transparent,
  indices,
}: GifFrame): Buffer =>
  Buffer.concat([
    transparent === undefined ? Buffer.alloc(0) : Buffer.from([0x21, 0xf9, 4, 1, 0, 0, transparent, 0]),
    Buffer.from([0x2c]),
    words(left, top, width, height),
    Buffer.from([isInterlaced ? 0x40 : 0, codeBits]),
    blocks(lzw(indices)),
  ]);

export const gifTrailer = Buffer.from([0x3b]);

export const gifOf = (width: number, height: number, ...frames: readonly GifFrame[]): Buffer =>
  Buffer.concat([gifHeader(width, height), ...frames.map(gifFrame), gifTrailer]);
