import { type Chunk, chunksOf, isIntact, isTypeOfChunk } from './chunks.ts';
import type { Head, Header } from './head.ts';

/** The picture that browsers show first, maybe smaller than the canvas. */
export interface Frame {
  readonly header: Header;
  readonly left: number;
  readonly top: number;
  /** A zlib stream, maybe cut off. */
  readonly data: Buffer;
  /** Whether the file has an end after the frame. */
  readonly hasEnd: boolean;
  /** Whether something is wrong with the chunk after which the data ends, or another one interrupts it. */
  readonly isInterrupted: boolean;
}

/** Programs write chunks of 8 kB or more. What follows so many is ignored. */
const maxPieces = 100_000;

/** The default image: the first run of chunks IDAT (PNG specification, third edition, 11.2.3). */
export const defaultImage = (bytes: Buffer, { header, end }: Head): Frame => {
  const { pieces, ...run } = runOf(bytes, end, 'IDAT');
  return { ...run, header, left: 0, top: 0, data: Buffer.concat(pieces) };
};

/**
 * The first frame of an animation that the default image is no part of (4.9): the first fcTL chunk and its
 * run of chunks fdAT stand after the default image.
 */
export const separateFirstFrame = (bytes: Buffer, head: Head): Frame | undefined => {
  const animation = head.chunk('acTL');
  if (animation?.byteLength !== 8 || animation.readUInt32BE(0) === 0) return undefined;
  if (head.chunks.some(({ type }) => type === 'fcTL')) return undefined;
  for (const control of chunksOf(bytes, head.end)) {
    if (control.type === 'fdAT') return undefined;
    if (control.type !== 'fcTL') continue;
    const place = isIntact(bytes, control) ? placeOf(control, head.header) : undefined;
    if (place === undefined) return undefined;
    const { pieces, ...run } = runOf(bytes, control.end, 'fdAT');
    const data = Buffer.concat(pieces.map((piece) => piece.subarray(sequenceBytes)));
    return data.byteLength === 0 ? undefined : { ...run, ...place, data };
  }
  return undefined;
};

/** A number before the data of each fdAT chunk. */
const sequenceBytes = 4;

/** 11.3.6.2. */
const placeOf = ({ data }: Chunk, header: Header): Pick<Frame, 'header' | 'left' | 'top'> | undefined => {
  if (data.byteLength !== 26) return undefined;
  const [width, height, left, top] = [4, 8, 12, 16].map((at) => data.readUInt32BE(at));
  if (width === undefined || height === undefined || left === undefined || top === undefined)
    return undefined;
  const isInside = left + width <= header.width && top + height <= header.height;
  return isInside && width > 0 && height > 0
    ? { header: { ...header, width, height }, left, top }
    : undefined;
};

/** Collects the data of consecutive chunks of this type, until one is damaged. */
const runOf = (bytes: Buffer, from: number, type: string) => {
  const pieces: Buffer[] = [];
  let hasRunEnded = false;
  let isInterrupted = false;
  let hasEnd = false;
  for (const chunk of chunksOf(bytes, from)) {
    if (chunk.type === 'IEND') hasEnd = true;
    if (hasRunEnded) continue;
    if (chunk.type === type) {
      pieces.push(chunk.data);
      const isWhole = chunk.end <= bytes.byteLength;
      isInterrupted = isWhole && !isIntact(bytes, chunk);
      hasRunEnded = isInterrupted || pieces.length === maxPieces;
    } else if (pieces.length > 0) {
      hasRunEnded = true;
      isInterrupted = true;
    }
  }
  return { pieces, hasEnd, isInterrupted };
};

/** Whether chunks do not follow each other: a wrong length makes data of what is none. */
export const isOutOfStep = (bytes: Buffer, { end }: Head): boolean => {
  for (const { type } of chunksOf(bytes, end)) if (!isTypeOfChunk(type)) return true;
  return false;
};
