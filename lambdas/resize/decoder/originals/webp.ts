import { corrupt, damaged } from './damage.ts';
import type { Format, Prepared } from './format.ts';

/*
 * WebP (RFC 9649). libvips refuses a file that ends before its container says. A browser shows the rows that
 * have arrived.
 */

interface Chunk {
  readonly type: string;
  readonly start: number;
  /** Without the byte that pads an odd length. */
  readonly end: number;
}

const headerBytes = 12;
const chunkHeaderBytes = 8;
const pictures = ['VP8 ', 'VP8L', 'ANMF'];

const chunksOf = (bytes: Buffer, end: number, start = headerBytes): readonly Chunk[] => {
  const chunks: Chunk[] = [];
  for (let at = start; at + chunkHeaderBytes <= end; ) {
    const length = bytes.readUInt32LE(at + 4);
    const chunk = {
      type: bytes.toString('latin1', at, at + 4),
      start: at,
      end: at + chunkHeaderBytes + length,
    };
    chunks.push(chunk);
    at = chunk.end + (length & 1);
  }
  return chunks;
};

/** Other bytes may follow. */
const isSound = (bytes: Buffer): boolean => {
  const end = 8 + bytes.readUInt32LE(4);
  if (end > bytes.byteLength) return false;
  const last = chunksOf(bytes, end).at(-1);
  return last !== undefined && last.end <= end;
};

/** A decoder may read more of a picture than it has if the rest is not what it was. */
const minFillerBytes = 65_536;
const maxFillerBytes = 2 ** 24;

/** With some of them a lossless picture copies pixels from outside of it, which libvips refuses. */
const fillers = [0xa5, 0xff, 0x55, 0x92, 0x6d, 0x11, 0xee];

/** A container around parts of a file. */
const container = (parts: readonly Buffer[]): Buffer => {
  const chunks = Buffer.concat(parts);
  const body = Buffer.concat([chunks, Buffer.alloc(chunks.byteLength & 1)]);
  const header = Buffer.alloc(headerBytes);
  header.write('RIFF');
  header.writeUInt32LE(body.byteLength + 4, 4);
  header.write('WEBP', 8);
  return Buffer.concat([header, body]);
};

/** Gives a picture that breaks off as many bytes as it should have. */
const filled = (bytes: Buffer, picture: Chunk, filler: number): Buffer => {
  const missing = picture.end - bytes.byteLength;
  const length = Math.min(maxFillerBytes, Math.max(minFillerBytes, missing)) & ~1;
  const available = bytes.subarray(picture.start + chunkHeaderBytes);
  const header = Buffer.from(bytes.subarray(picture.start, picture.start + chunkHeaderBytes));
  const evenBytes = available.byteLength + (available.byteLength & 1) + length;
  header.writeUInt32LE(evenBytes, 4);
  const rest = Buffer.alloc(evenBytes - available.byteLength, filler);
  return container([bytes.subarray(headerBytes, picture.start), header, available, rest]);
};

/** Where the flags of a file with a canvas are, and two of them (RFC 9649, 2.7.1). */
const flagsAt = 20;
const isAnimated = 0x02;
const hasProfile = 0x20;

/** Chromium shows an animation as if it had no profile. */
const withoutUnusedProfile = (bytes: Buffer): Buffer => {
  const flags = bytes[flagsAt] ?? 0;
  if (bytes.toString('latin1', headerBytes, headerBytes + 4) !== 'VP8X') return bytes;
  if ((flags & isAnimated) === 0 || (flags & hasProfile) === 0) return bytes;
  const copy = Buffer.from(bytes);
  copy.writeUInt8(flags & ~hasProfile, flagsAt);
  const profile = chunksOf(bytes, bytes.byteLength).find(({ type }) => type === 'ICCP');
  // Readers skip chunks that they do not know.
  if (profile) copy.write('none', profile.start, 'latin1');
  return copy;
};

const prepare = (bytes: Buffer): Buffer | Prepared => readable(withoutUnusedProfile(bytes));

const readable = (bytes: Buffer): Buffer | Prepared => {
  if (bytes.byteLength < headerBytes + chunkHeaderBytes || isSound(bytes)) return bytes;
  const chunks = chunksOf(bytes, bytes.byteLength);
  const picture = chunks.find(({ type }) => pictures.includes(type));
  if (picture === undefined) throw corrupt(damaged('incomplete', 'the file has no picture'));
  if (picture.end <= bytes.byteLength) {
    // What is missing is not shown: later frames, or metadata.
    const whole = chunks.filter(({ end }) => end <= bytes.byteLength);
    return container([bytes.subarray(headerBytes, whole.at(-1)?.end)]);
  }
  const damage = damaged('incomplete', `${picture.end - bytes.byteLength} bytes of the picture are missing`);
  // Browsers show nothing of a frame that breaks off.
  if (picture.type === 'ANMF') throw corrupt(damage);
  return {
    bytes: filled(bytes, picture, 0),
    alternatives: fillers.map((filler) => () => filled(bytes, picture, filler)),
    damage,
  };
};

const frameHeaderBytes = 16;
const compressed = ['ALPH', 'VP8 ', 'VP8L'];

/** Where the data of the first picture is, and that of its transparency. */
const dataOf = (bytes: Buffer): readonly Chunk[] => {
  const chunks = chunksOf(bytes, bytes.byteLength);
  const frame = chunks.find(({ type }) => type === 'ANMF');
  const parts = frame
    ? chunksOf(bytes, frame.end, frame.start + chunkHeaderBytes + frameHeaderBytes)
    : chunks;
  return parts.filter(({ type, end }) => compressed.includes(type) && end <= bytes.byteLength);
};

/** Replaces the end of each part. */
const withTails = (bytes: Buffer, parts: readonly Chunk[], share: number, filler: number): Buffer => {
  const copy = Buffer.from(bytes);
  for (const { start, end } of parts) {
    const data = start + chunkHeaderBytes;
    copy.fill(filler, data + Math.ceil((end - data) * share), end);
  }
  return copy;
};

/** How much of the data is kept. */
const keptShares = [15 / 16, 3 / 4, 1 / 2, 1 / 4];
const maxRepairedBytes = 2_000_000;

/**
 * Wrong data makes libvips refuse the picture, often only at its end, where pixels are copied beyond it. Each
 * try decodes the picture again, so a large one gets one try.
 */
const repairs = (bytes: Buffer): readonly (() => Prepared)[] => {
  const parts = dataOf(bytes);
  return keptShares.slice(0, bytes.byteLength > maxRepairedBytes ? 1 : undefined).map((share) => () => ({
    bytes: withTails(bytes, parts, share, 0),
    alternatives: fillers.map((filler) => () => withTails(bytes, parts, share, filler)),
  }));
};

export const webp: Format = { prepare, repairs };
