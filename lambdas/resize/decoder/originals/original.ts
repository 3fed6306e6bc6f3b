import type { Damage } from './damage.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Decoded pixels: upright, 8-bit sRGB or grey, with or without alpha. Colours are not multiplied by alpha.
 */
export interface Raster extends Size {
  /** Row by row, without padding. */
  readonly data: Buffer;
  readonly channels: 1 | 2 | 3 | 4;
}

export interface Decoded {
  readonly raster: Raster;
  /** @default - everything could be read */
  readonly damage?: Damage | undefined;
}

/** An original whose header has been read, and none of its pixels. Its size is upright. */
export interface OpenOriginal extends Size {
  readonly frames: number;
  /** CPU time to decode it, at most. */
  readonly estimatedMilliseconds: number;
  /**
   * Decodes the picture once, shrunk to this size.
   *
   * @throws ImageError `image-corrupt`, `unsupported-type`
   */
  decode(size: Size): Promise<Decoded>;
}
