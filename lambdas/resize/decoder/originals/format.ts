import type { Metadata, Sharp } from 'sharp';
import type { Raster } from './original.ts';

/** Samples as libvips decoded them, at the reduced size: upright, but not sRGB. */
export interface Samples {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Makes sRGB of samples whose colours libvips would get wrong. It runs on the reduced size. */
export interface Conversion {
  /** Sets the space and the depth of the samples, for example 16-bit RGB without colour management. */
  readonly samples: (image: Sharp) => Sharp;
  readonly toSrgb: (samples: Samples) => Raster | Promise<Raster>;
}

/** How files of one type are read where libvips alone would show them differently from a browser. */
export interface Format {
  /**
   * Repairs or rewrites the file, so that libvips can read it. It must not decode pixels.
   *
   * @default - libvips gets the file as it is
   * @throws ImageError for a file that cannot be decoded here
   */
  readonly prepare?: (bytes: Buffer) => Buffer;
  /** @default - libvips converts the colours */
  readonly conversionOf?: (bytes: Buffer, metadata: Metadata) => Conversion | undefined;
}
