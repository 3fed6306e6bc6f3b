import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

const red = [200, 30, 30] as const;
const green = [30, 160, 60] as const;
const blue = [30, 60, 200] as const;
const white = [250, 250, 250] as const;

/** The colours of the four quarters of an upright test picture, in reading order. */
export const quarters = { red, green, blue, white } as const;

/** An upright picture whose four quarters have different colours, which show every rotation and flip. */
export const quarteredPicture = (width: number, height: number): Sharp => {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const top = y < height / 2;
      const left = x < width / 2;
      const [r, g, b] = top ? (left ? red : green) : left ? blue : white;
      pixels.set([r, g, b], (y * width + x) * 3);
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
};

/** How to rotate and flip stored pixels of each EXIF orientation so that a viewer shows them upright. */
const storedFor: Readonly<Record<number, (upright: Sharp) => Sharp>> = {
  1: (upright) => upright,
  2: (upright) => upright.flop(),
  3: (upright) => upright.rotate(180),
  4: (upright) => upright.flip(),
  5: (upright) => upright.rotate(270).flop(),
  6: (upright) => upright.rotate(270),
  7: (upright) => upright.rotate(90).flop(),
  8: (upright) => upright.rotate(90),
};

/** Makes pictures that all differ, because each is higher by a pixel than the one before. */
export const differentPictures = (width: number, format: 'jpeg' | 'png'): (() => Promise<Buffer>) => {
  let count = 0;
  return () => {
    count += 1;
    return quarteredPicture(width, 40 + count)
      .toFormat(format)
      .toBuffer();
  };
};

/** The quartered picture as a rotated camera stores it: rotated pixels, and the matching EXIF orientation. */
export const cameraPicture = async (width: number, height: number, orientation: number): Promise<Sharp> => {
  const turn = storedFor[orientation];
  if (turn === undefined) throw new RangeError(`EXIF orientation must be 1 to 8 (given ${orientation})`);
  const { data, info } = await turn(quarteredPicture(width, height))
    .raw()
    .toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })
    .withExif({
      IFD0: { Make: 'Example', Copyright: 'someone' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' },
    })
    .withMetadata({ orientation });
};

/** The colours in the middle of the four quarters, in reading order. */
export const quarterColours = async (image: Buffer): Promise<readonly (readonly number[])[]> => {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): readonly number[] => {
    const offset = (Math.floor(info.height * y) * info.width + Math.floor(info.width * x)) * info.channels;
    return [...data.subarray(offset, offset + 3)];
  };
  return [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)];
};

/** A JPEG header followed by random bytes. */
export const corruptJpeg = (): Buffer =>
  Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), Buffer.alloc(2000, 0xa5)]);

export const svg = (): Buffer =>
  Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');

const pngChunk = (type: string, data: Buffer): Buffer => {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(8 + typed.byteLength);
  chunk.writeUInt32BE(data.byteLength);
  typed.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(typed), 4 + typed.byteLength);
  return chunk;
};

/** A PNG of a few hundred bytes whose header declares so many pixels, but which has only one row. */
export const hostilePng = (width: number, height: number): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(1 + width * 3), { level: 9 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
};

/** The entries of a directory of a little-endian TIFF (TIFF 6.0, section 2), each with one value. */
const tiffDirectory = (
  entries: readonly (readonly [tag: number, type: 3 | 4, count: number, value: number])[],
) => {
  const bytes = Buffer.alloc(2 + 12 * entries.length);
  bytes.writeUInt16LE(entries.length);
  entries.forEach(([tag, type, count, value], index) => {
    const at = 2 + 12 * index;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(count, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  });
  return bytes;
};

const uint32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
};

/** A TIFF header with the offset of the first directory. */
const tiffHeader = (directoryAt: number): Buffer =>
  Buffer.concat([Buffer.from('II*\0'), uint32(directoryAt)]);

/**
 * A TIFF of L*a*b* whose strips all share the same bytes: half a megabyte with 99 megapixels, which take
 * seconds. From 4 megapixels it goes to the slow lane.
 */
export const slowTiff = (tag = '', { width, height } = { width: 16_000, height: 6200 }): Buffer => {
  const rows = 8;
  const strip = Buffer.alloc(width * rows * 3, Buffer.from('slow colours'));
  const count = Math.ceil(height / rows);
  const offsets = uint32(...Array.from({ length: count }, () => 8));
  const counts = uint32(...Array.from({ length: count }, () => strip.byteLength));
  const offsetsAt = 8 + strip.byteLength;
  const countsAt = offsetsAt + offsets.byteLength;
  const bitsAt = countsAt + counts.byteLength;
  const bits = Buffer.from([8, 0, 8, 0, 8, 0]);
  const directory = tiffDirectory([
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, 3, bitsAt],
    [259, 3, 1, 1],
    [262, 3, 1, 8],
    [273, 4, count, offsetsAt],
    [277, 3, 1, 3],
    [278, 4, 1, rows],
    [279, 4, count, countsAt],
    [284, 3, 1, 1],
  ]);
  const parts = [tiffHeader(bitsAt + bits.byteLength), strip, offsets, counts, bits, directory, uint32(0)];
  return Buffer.concat([...parts, Buffer.from(tag)]);
};
