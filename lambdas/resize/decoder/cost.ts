import type { Metadata } from 'sharp';
import type { Variant } from '../../image/variant.ts';

/*
 * What an image will cost, estimated before it is decoded: its header, its pixels, and its thumbnails.
 */

/** Compressed text of a PNG. Zlib inflates it a thousandfold at most, so to 16 MB. */
const maxCompressedTextBytes = 16_384;
const maxPlainTextBytes = 1_000_000;
const maxPngChunks = 100_000;

/**
 * Whether reading the header alone may take more than a tenth of a second of CPU time, because of text that
 * inflates a thousandfold. Walks the container in time linear in its bytes, and decodes nothing.
 */
export const isCostlyHeader = (bytes: Uint8Array): boolean => {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return data.toString('latin1', 0, 4) === '\x89PNG' && isCostlyPng(data);
};

/** PNG specification (third edition), "Chunk layout" and "Textual information". */
const isCostlyPng = (data: Buffer): boolean => {
  let compressedBytes = 0;
  let plainBytes = 0;
  let chunks = 0;
  for (let at = 8; at + 8 <= data.byteLength; chunks += 1) {
    const length = data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    const content = data.subarray(at + 8, at + 8 + length);
    if (type === 'zTXt' || (type === 'iTXt' && content[content.indexOf(0) + 1] !== 0)) {
      compressedBytes += length;
    } else if (type === 'tEXt' || type === 'iTXt') plainBytes += length;
    if (compressedBytes > maxCompressedTextBytes || plainBytes > maxPlainTextBytes) return true;
    if (chunks > maxPngChunks) return true;
    at += length + 12;
  }
  return false;
};

/** CPU time to decode one megapixel of noise with sharp 0.35.5. */
const decodeMillisecondsPerMegapixel: Readonly<Record<string, number>> = {
  jpeg: 5,
  png: 10,
  webp: 40,
  gif: 8,
  heif: 110,
  tiff: 12,
};

/** An interlaced PNG is decoded as a whole before its first row is complete. */
const interlacedFactor = 2;

/** What each scan of a progressive JPEG adds. */
const scanMillisecondsPerMegapixel = 1.2;

/** Colour management happens before the image is shrunk. */
const colourMillisecondsPerMegapixel = 33;

/**
 * CPU time to encode one megapixel of noise, the worst case, at the settings of encode.ts. Graphics are
 * encoded as WebP twice.
 */
const encodeMillisecondsPerMegapixel = { webp: 350, jpeg: 40, avif: 700, png: 80 } as const;

const megapixels = ({ width, height }: { readonly width: number; readonly height: number }): number =>
  (width * height) / 1e6;

/** The CPU time of a decode at most. Most photos take less. */
export const estimateDecodeMilliseconds = (metadata: Metadata, bytes: Uint8Array): number => {
  const { format, depth, channels = 3, isProgressive, hasProfile, space } = metadata;
  const isJpeg = format === 'jpeg';
  const decode = decodeMillisecondsPerMegapixel[format] ?? Number.POSITIVE_INFINITY;
  const sampleFactor = isJpeg ? 1 : Math.max(1, channels / 3) * (depth === 'uchar' ? 1 : 2.5);
  // A JPEG is shrunk to an eighth of its sides while it is decoded, so its profile is applied to few pixels.
  const isManaged = !isJpeg && (hasProfile || (space !== 'srgb' && space !== 'b-w'));
  const interlaced = isProgressive && !isJpeg ? interlacedFactor : 1;
  const scans = isProgressive && isJpeg ? scanMillisecondsPerMegapixel * jpegScans(bytes) : 0;
  const colour = isManaged ? colourMillisecondsPerMegapixel : 0;
  return megapixels(metadata) * (decode * sampleFactor * interlaced + scans + colour);
};

/** CPU time for a million samples of a TIFF that are read without libtiff, and to expand their bytes. */
const unpackMillisecondsPerMegasample = 30;
const expandMillisecondsPerMegabyte = 20;

/** What each strip or tile adds that is a JPEG of its own. */
const jpegMilliseconds = 2;

/** The CPU time at most to read the samples of a TIFF without libtiff. */
export const estimateUnpackMilliseconds = (samples: number, expandedBytes: number, jpegs: number): number =>
  (samples * unpackMillisecondsPerMegasample + expandedBytes * expandMillisecondsPerMegabyte) / 1e6 +
  jpegs * jpegMilliseconds;

/** The CPU time at most to encode thumbnails of all these variants. */
export const estimateEncodeMilliseconds = (variants: readonly Variant[]): number =>
  variants
    .map((variant) => megapixels(variant) * encodeMillisecondsPerMegapixel[variant.format])
    .reduce((sum, milliseconds) => sum + milliseconds, 0);

/** CPU time to blend a megapixel of a frame into a canvas, and to shrink a canvas for a variant. */
const drawMillisecondsPerMegapixel = 15;
const shrinkMillisecondsPerMegapixel = 25;

/** What each frame takes at least, and each thumbnail of it. */
const frameMilliseconds = 2;
const frameOfVariantMilliseconds = 3;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The CPU time at most of the parts of an animation. */
export interface AnimationCosts {
  /** Of decoding and drawing a frame. */
  readonly ofFrame: (frame: Size) => number;
  /** Of shrinking the canvas for a variant, and encoding the part that changed. */
  readonly ofThumbnail: (encodedPixels: number) => number;
}

/** @param stillMilliseconds what decoding the whole canvas once takes at most */
export const animationCostsOf = (canvas: Size, stillMilliseconds: number): AnimationCosts => {
  const canvasMegapixels = megapixels(canvas);
  const drawMilliseconds = stillMilliseconds / canvasMegapixels + drawMillisecondsPerMegapixel;
  return {
    ofFrame: (frame) => frameMilliseconds + megapixels(frame) * drawMilliseconds,
    ofThumbnail: (encodedPixels) =>
      frameOfVariantMilliseconds +
      canvasMegapixels * shrinkMillisecondsPerMegapixel +
      (encodedPixels / 1e6) * encodeMillisecondsPerMegapixel.webp,
  };
};

/** The CPU time of an animation at most: if each frame changes the whole canvas. */
export const estimateAnimationMilliseconds = (
  { width, height, frames }: Size & { readonly frames: readonly Size[] },
  { ofFrame, ofThumbnail }: AnimationCosts,
  variants: readonly Variant[],
): number => {
  const frameMilliseconds = frames.reduce((sum, frame) => sum + ofFrame(frame), 0);
  const thumbnailMilliseconds = variants
    .map((variant) => {
      const boxPixels = variant.width * variant.height;
      return ofThumbnail(variant.fit === 'contain' ? boxPixels : Math.min(width * height, boxPixels));
    })
    .reduce((sum, milliseconds) => sum + milliseconds, 0);
  return frameMilliseconds + frames.length * thumbnailMilliseconds;
};

const startOfScan = Buffer.from([0xff, 0xda]);

/** How many times a progressive JPEG passes over the whole picture (ITU-T T.81, marker SOS). */
export const jpegScans = (bytes: Uint8Array): number => {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let scans = 0;
  for (let at = data.indexOf(startOfScan); at !== -1; at = data.indexOf(startOfScan, at + 2)) scans += 1;
  return scans;
};
