import { crc32 } from 'node:zlib';
import { type Animation, areWithin, type Frame, maxParts, shownMilliseconds } from './frames.ts';

/** The chunks about colours are copied into each frame. */
const maxCopiedBytes = 50_000_000;

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** The chunks before the picture that decide about its colours. */
const colourChunks = ['PLTE', 'tRNS', 'cICP', 'iCCP', 'sRGB', 'gAMA', 'cHRM', 'sBIT'];

interface Chunk {
  readonly name: string;
  readonly content: Buffer;
}

const chunkOf = (name: string, content: Buffer): Buffer => {
  const checked = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const bytes = Buffer.alloc(12 + content.byteLength);
  bytes.writeUInt32BE(content.byteLength);
  checked.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(checked), 8 + content.byteLength);
  return bytes;
};

/** The chunks of a file, up to the first that is cut off. */
const chunksOf = (data: Buffer): readonly Chunk[] => {
  const chunks: Chunk[] = [];
  for (let at = signature.byteLength; at + 12 <= data.byteLength && chunks.length < maxParts; ) {
    const end = at + 8 + data.readUInt32BE(at);
    if (end > data.byteLength) break;
    chunks.push({ name: data.toString('latin1', at + 4, at + 8), content: data.subarray(at + 8, end) });
    at = end + 4;
  }
  return chunks;
};

const disposals: readonly Frame['disposal'][] = ['keep', 'clear', 'restore'];

/**
 * The frames of an animated PNG: PNG specification (third edition), "Animation information". Its first
 * picture belongs to the animation only if a frame's header precedes it.
 */
export const readPng = (data: Buffer): Animation | undefined => {
  let header: Buffer | undefined;
  let plays: number | undefined;
  const preamble: Buffer[] = [];
  const controls: { readonly control: Buffer; readonly parts: Buffer[] }[] = [];
  let exif: Buffer | undefined;
  let hasPicture = false;
  for (const { name, content } of chunksOf(data)) {
    if (name === 'IHDR' && content.byteLength === 13) header ??= content;
    else if (name === 'acTL' && content.byteLength === 8) plays ??= content.readUInt32BE(4);
    else if (name === 'fcTL' && content.byteLength === 26) controls.push({ control: content, parts: [] });
    else if (name === 'eXIf') exif ??= content;
    else if (name === 'IDAT') {
      hasPicture = true;
      controls.at(-1)?.parts.push(content);
    } else if (name === 'fdAT' && content.byteLength > 4) controls.at(-1)?.parts.push(content.subarray(4));
    else if (colourChunks.includes(name) && !hasPicture) preamble.push(chunkOf(name, content));
  }
  if (header === undefined || plays === undefined) return undefined;
  const [start, before] = [header, Buffer.concat(preamble)];
  if (before.byteLength * controls.length > maxCopiedBytes) return undefined;
  const canvas = { width: start.readUInt32BE(0), height: start.readUInt32BE(4) };
  const frames = controls.map(({ control, parts }) =>
    frameOf(control, () => stillOf(start, before, control, parts)),
  );
  return areWithin(canvas, frames) ? { ...canvas, plays, exif, frames } : undefined;
};

const frameOf = (control: Buffer, still: () => Buffer): Frame => {
  const [numerator, denominator] = [control.readUInt16BE(20), control.readUInt16BE(22)];
  return {
    width: control.readUInt32BE(4),
    height: control.readUInt32BE(8),
    left: control.readUInt32BE(12),
    top: control.readUInt32BE(16),
    milliseconds: shownMilliseconds((1000 * numerator) / (denominator || 100)),
    disposal: disposals[control.readUInt8(24)] ?? 'keep',
    isBlended: control.readUInt8(25) === 1,
    still,
  };
};

const stillOf = (header: Buffer, preamble: Buffer, control: Buffer, parts: readonly Buffer[]): Buffer => {
  const size = control.subarray(4, 12);
  return Buffer.concat([
    signature,
    chunkOf('IHDR', Buffer.concat([size, header.subarray(8)])),
    preamble,
    chunkOf('IDAT', Buffer.concat(parts)),
    chunkOf('IEND', Buffer.alloc(0)),
  ]);
};
