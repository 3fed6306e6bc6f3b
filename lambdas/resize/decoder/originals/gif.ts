import { damaged } from './damage.ts';
import type { Format, Salvaged, Seen } from './format.ts';
import { decodeLzw, lzwPixels } from './lzw.ts';
import type { Raster, Size } from './original.ts';

/*
 * GIF89a. libvips shows black where no frame is, unless some frame has transparency, and refuses a frame with
 * a wrong code. Browsers show nothing there, and the pixels before a wrong code. Only the first frame is
 * shown, so only it is judged.
 */

interface Table {
  readonly start: number;
  readonly colours: number;
}

interface Frame extends Size {
  readonly left: number;
  readonly top: number;
  /** Where its blocks begin, with its control extension if it has one. */
  readonly start: number;
  /** After its data. */
  readonly end: number;
  readonly isInterlaced: boolean;
  readonly table: Table | undefined;
  readonly transparent: number | undefined;
  readonly codeBits: number;
  /** Where its data begins. */
  readonly data: number;
  /** Its data has an end. */
  readonly isWhole: boolean;
}

interface Gif {
  /** The first frame may be larger than the canvas, which then grows. */
  readonly canvas: Size;
  /** Where the blocks begin. */
  readonly start: number;
  readonly frame: Frame;
}

const headerBytes = 13;
const maxSide = 65_535;
const descriptorBytes = 10;
const extension = 0x21;
const graphicControl = 0xf9;
const imageDescriptor = 0x2c;

/** @param packed the flags of the screen or of a frame */
const tableOf = (packed: number, start: number): Table | undefined =>
  (packed & 0x80) === 0 ? undefined : { start, colours: 2 << (packed & 7) };

const endOf = (table: Table | undefined, start: number): number => start + 3 * (table?.colours ?? 0);

/** @returns the position after the data's end, or undefined if the file ends before */
const endOfData = (bytes: Buffer, start: number): number | undefined => {
  for (let at = start; at < bytes.byteLength; at += 1 + (bytes[at] ?? 0)) {
    if (bytes[at] === 0) return at + 1;
  }
  return undefined;
};

/** Finds the first frame, in time linear in the bytes before its end. */
const read = (bytes: Buffer): Gif | undefined => {
  if (bytes.byteLength < headerBytes) return undefined;
  const screen = tableOf(bytes[10] ?? 0, headerBytes);
  const start = endOf(screen, headerBytes);
  let frameStart: number | undefined;
  let transparent: number | undefined;
  for (let at = start; at < bytes.byteLength; ) {
    if (bytes[at] === extension) {
      if (bytes[at + 1] === graphicControl && bytes[at + 2] === 4 && at + 7 < bytes.byteLength) {
        frameStart = at;
        transparent = ((bytes[at + 3] ?? 0) & 1) === 1 ? bytes[at + 6] : undefined;
      }
      const end = endOfData(bytes, at + 2);
      if (end === undefined) return undefined;
      at = end;
      continue;
    }
    if (bytes[at] !== imageDescriptor || at + descriptorBytes >= bytes.byteLength) return undefined;
    const [left, top] = [bytes.readUInt16LE(at + 1), bytes.readUInt16LE(at + 3)];
    const [width, height] = [bytes.readUInt16LE(at + 5), bytes.readUInt16LE(at + 7)];
    const packed = bytes[at + 9] ?? 0;
    const local = tableOf(packed, at + descriptorBytes);
    const code = endOf(local, at + descriptorBytes);
    if (code >= bytes.byteLength) return undefined;
    const end = endOfData(bytes, code + 1);
    return {
      canvas: {
        width: Math.max(bytes.readUInt16LE(6), left + width),
        height: Math.max(bytes.readUInt16LE(8), top + height),
      },
      start,
      frame: {
        left,
        top,
        width,
        height,
        start: frameStart ?? at,
        end: end ?? bytes.byteLength,
        isInterlaced: (packed & 0x40) !== 0,
        table: local ?? screen,
        transparent,
        codeBits: bytes[code] ?? 0,
        data: code + 1,
        isWhole: end !== undefined,
      },
    };
  }
  return undefined;
};

const isCovered = ({ canvas, frame }: Gif): boolean =>
  frame.width === canvas.width && frame.height === canvas.height;

/**
 * A transparent frame of one pixel, in the lower right corner. libvips gives all frames an alpha channel if
 * one has transparency. It ignores a canvas of over 2048 pixels a side, unless the first frame needs it.
 */
const transparentFrame = ({ width, height }: Size): Buffer => {
  const frame = Buffer.from([
    ...[extension, graphicControl, 4, 1, 0, 0, 0, 0],
    ...[imageDescriptor, 0, 0, 0, 0, 1, 0, 1, 0, 0],
    ...[2, 2, 0x44, 0x01, 0],
  ]);
  frame.writeUInt16LE(Math.min(width, maxSide) - 1, 9);
  frame.writeUInt16LE(Math.min(height, maxSide) - 1, 11);
  return frame;
};
const trailer = Buffer.from([0x3b]);

/** Only the first frame, after one that makes the rest of the canvas transparent. */
const withAlpha = (bytes: Buffer, { canvas, start, frame }: Gif): Buffer =>
  Buffer.concat([
    bytes.subarray(0, start),
    transparentFrame(canvas),
    bytes.subarray(frame.start, frame.end),
    trailer,
  ]);

/** The frames of the whole file, which are limited even if only one is shown. */
const framesOf = (bytes: Buffer, { start }: Gif): number => {
  let frames = 0;
  for (let at: number | undefined = start; at !== undefined && at < bytes.byteLength; ) {
    if (bytes[at] === extension) {
      at = endOfData(bytes, at + 2);
    } else if (bytes[at] === imageDescriptor && at + descriptorBytes < bytes.byteLength) {
      frames += 1;
      const local = tableOf(bytes[at + 9] ?? 0, at + descriptorBytes);
      at = endOfData(bytes, endOf(local, at + descriptorBytes) + 1);
    } else break;
  }
  return frames;
};

/** Whether the last row is as libvips leaves rows for which there was no data. */
const endsEmpty = ({ data, width, channels }: Raster): boolean =>
  data.subarray(-width * channels).every((sample) => sample === 0);

/** The data of a frame, without the lengths of its blocks. */
const dataOf = (bytes: Buffer, { data }: Frame): Buffer => {
  const parts = [];
  for (let at = data; at < bytes.byteLength && bytes[at] !== 0; at += 1 + (bytes[at] ?? 0)) {
    parts.push(bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0)));
  }
  return Buffer.concat(parts);
};

/** Checks a frame of which pixels may be missing, and decodes it here if they are. */
const salvage = (bytes: Buffer, { raster, warnings, width, height }: Seen): Salvaged | undefined => {
  const gif = read(bytes);
  if (gif === undefined) return undefined;
  const { canvas, frame } = gif;
  // The limits were checked with the size that libvips read. This is another one.
  if (canvas.width > width || canvas.height > height) return undefined;
  const isSuspect = raster === undefined || warnings.length > 0 || frame.isInterlaced || endsEmpty(raster);
  if (!isSuspect) return undefined;
  const codes = dataOf(bytes, frame);
  const pixels = frame.width * frame.height;
  const found = lzwPixels(codes, frame.codeBits, pixels);
  if (found === pixels && raster !== undefined) return undefined;
  const reason = [`${found} of ${pixels} pixels`, ...warnings].join('; ');
  return {
    damage: damaged(frame.isWhole ? 'damaged' : 'incomplete', reason),
    raster: found === 0 ? undefined : drawn(bytes, canvas, frame, decodeLzw(codes, frame.codeBits, found)),
  };
};

/** GIF89a, appendix E. Until a pass is decoded, browsers repeat the rows of the one before. */
const passes = [
  { first: 0, step: 8, repeated: 8 },
  { first: 4, step: 8, repeated: 4 },
  { first: 2, step: 4, repeated: 2 },
  { first: 1, step: 2, repeated: 1 },
] as const;
const onePass = [{ first: 0, step: 1, repeated: 1 }] as const;

/** Draws the pixels that a frame has. */
const drawn = (bytes: Buffer, canvas: Size, frame: Frame, indices: Uint8Array): Raster => {
  const data = Buffer.alloc(canvas.width * canvas.height * 4);
  const row = (from: number, y: number): void => {
    const end = Math.min(frame.width, indices.byteLength - from);
    let to = ((frame.top + y) * canvas.width + frame.left) * 4;
    for (let x = 0; x < end; x += 1, to += 4) {
      const index = indices[from + x] ?? 0;
      if (index === frame.transparent) continue;
      const colour = colourAt(bytes, frame.table, index);
      data[to] = bytes[colour] ?? 0;
      data[to + 1] = bytes[colour + 1] ?? 0;
      data[to + 2] = bytes[colour + 2] ?? 0;
      data[to + 3] = 255;
    }
  };
  let from = 0;
  for (const { first, step, repeated } of frame.isInterlaced ? passes : onePass) {
    for (let y = first; y < frame.height && from < indices.byteLength; y += step, from += frame.width) {
      const isWholeRow = from + frame.width <= indices.byteLength;
      const bottom = Math.min(frame.height, y + (isWholeRow ? repeated : 1));
      for (let copy = y; copy < bottom; copy += 1) row(from, copy);
    }
  }
  return { data, width: canvas.width, height: canvas.height, channels: 4 };
};

/** @returns the position of a colour, or one where there is nothing: black */
const colourAt = (bytes: Buffer, table: Table | undefined, index: number): number =>
  table !== undefined && index < table.colours ? table.start + 3 * index : bytes.byteLength;

export const gif: Format = {
  prepare(bytes) {
    const found = read(bytes);
    if (found === undefined || isCovered(found)) return bytes;
    return { bytes: withAlpha(bytes, found), page: 1, frames: framesOf(bytes, found) };
  },
  salvage,
};
