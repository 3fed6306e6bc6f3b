import { webpParts } from '../trials/hostile/formats/webp.ts';
import { u24le } from '../trials/hostile/numbers.ts';
import type { Part } from '../trials/hostile/parts.ts';
import { height, width } from './picture.ts';

const flags = { animation: 0x02, xmp: 0x04, exif: 0x08, alpha: 0x10, icc: 0x20 } as const;

export interface WebpCanvas {
  readonly has: readonly (keyof typeof flags)[];
  readonly width?: number;
  readonly height?: number;
}

/** The header of a WebP with more than an image (Google, "WebP Container Specification"). */
export const canvasChunk = ({ has, ...canvas }: WebpCanvas): Part => ({
  type: 'VP8X',
  content: Buffer.concat([
    Buffer.from([has.reduce((sum, name) => sum | flags[name], 0), 0, 0, 0]),
    u24le((canvas.width ?? width) - 1),
    u24le((canvas.height ?? height) - 1),
  ]),
});

export const webpOf = (...parts: readonly Part[]): Buffer => webpParts.join(parts);

/** The chunks with pixels of a WebP. */
export const imageChunks = (bytes: Buffer): readonly Part[] =>
  webpParts.split(bytes).filter(({ type }) => type === 'VP8 ' || type === 'VP8L' || type === 'ALPH');

export const animationChunk = (background: readonly number[] = [0, 0, 0, 0]): Part => ({
  type: 'ANIM',
  content: Buffer.from([...background, 0, 0]),
});

export interface WebpFrame {
  readonly image: Buffer;
  readonly width: number;
  readonly height: number;
  /** Even numbers. */
  readonly x?: number;
  readonly y?: number;
  /** 1: the canvas is cleared after the frame. */
  readonly dispose?: 0 | 1;
  /** 1: the frame replaces what is below instead of being blended with it. */
  readonly blend?: 0 | 1;
}

export const frameChunk = (frame: WebpFrame): Part => ({
  type: 'ANMF',
  content: Buffer.concat([
    u24le((frame.x ?? 0) / 2),
    u24le((frame.y ?? 0) / 2),
    u24le(frame.width - 1),
    u24le(frame.height - 1),
    u24le(100),
    Buffer.from([((frame.blend ?? 0) << 1) | (frame.dispose ?? 0)]),
    // The chunks of a frame have no header of a file before them.
    webpParts.join(imageChunks(frame.image)).subarray(12),
  ]),
});
