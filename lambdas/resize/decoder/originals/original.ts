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
  /** The size of what is decoded, which the limits apply to as well. @default - no more than what is shown */
  readonly coded?: Size;
  readonly frames: number;
  /** CPU time at most to decode the picture, shrunk to this size. */
  estimateMilliseconds(size: Size): number;
  /**
   * Decodes the picture once, shrunk to this size.
   *
   * @throws ImageError `image-corrupt`, `unsupported-type`
   */
  decode(size: Size): Promise<Decoded>;
}
