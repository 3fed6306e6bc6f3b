import type { Metadata, Sharp } from 'sharp';
import type { DamageKind } from '../../../image/damage.ts';
import type { Damage } from './damage.ts';
import type { Fill } from './missing.ts';
import type { Raster, Size } from './original.ts';

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

/** A file that libvips can read. */
export interface Prepared {
  readonly bytes: Buffer;
  /** What had to be repaired, if that may show. @default - nothing that may show */
  readonly damage?: Damage | undefined;
  /**
   * The same with other bytes where data is missing. Where two of them look different, nothing is known of
   * the picture: that and what follows becomes transparent. Some may not be decodable.
   *
   * @default - `bytes` has all the data
   */
  readonly alternatives?: readonly (() => Buffer)[];
  /** The page of `bytes` to show. @default 0 */
  readonly page?: number;
  /** @default - as many as libvips finds in `bytes` */
  readonly frames?: number;
}

/** What libvips made of an original, whose header has this size. */
export interface Seen extends Size {
  /** At the reduced size. @default - libvips refused the file */
  readonly raster?: Raster;
  /** Single lines, each once. */
  readonly warnings: readonly string[];
}

/** What was decoded without libvips. */
export interface Salvaged {
  readonly damage: Damage;
  /** At the original's size, upright. @default - there is nothing to show */
  readonly raster: Raster | undefined;
}

/** How files of one type are read where libvips alone would show them differently from a browser. */
export interface Format {
  /**
   * At which faults libvips gives up.
   *
   * @default 'none' it shows whatever it can
   */
  readonly failOn?: 'none' | 'warning';
  /**
   * Repairs or rewrites the file, so that libvips can read it. It must not decode pixels.
   *
   * @default - libvips gets the file as it is
   * @throws ImageError for a file that cannot be decoded here
   */
  readonly prepare?: (bytes: Buffer) => Buffer | Prepared;
  /**
   * Judges what libvips warned of while it read the header and decoded the picture. Most warnings are
   * harmless: name only those after which pixels may be wrong or missing.
   *
   * @param warnings in the library's words: single lines, each once
   * @param bytes the original, before `prepare`
   * @param ofHeader those that came before any pixel was decoded
   * @default - no warning is damage
   */
  readonly damageOf?: (
    warnings: readonly string[],
    bytes: Buffer,
    ofHeader: readonly string[],
  ) => DamageKind | undefined;
  /**
   * Recognizes what libvips puts where a damaged file has no data. It becomes transparent after the end of a
   * file that is incomplete, and a damaged file that has nothing else is corrupt.
   *
   * @default - pixels stay as libvips decoded them
   */
  readonly fill?: Fill;
  /**
   * What may be decoded of a file that libvips refuses after it has read its header: most of it first.
   *
   * @default - nothing
   */
  readonly repairs?: (bytes: Buffer) => readonly (() => Prepared)[];
  /**
   * Decodes what a damaged file has where libvips refuses it, or would show something else than a browser.
   * The limits have been checked. It is called for every file, so it must first find out cheaply whether it
   * is needed.
   *
   * @param bytes the original, before `prepare`
   * @returns undefined for what libvips made of the file
   */
  readonly salvage?: (bytes: Buffer, seen: Seen) => Salvaged | undefined;
  /**
   * Decodes what a damaged file has: one that libvips refused, or of which `damageOf` said something.
   *
   * @param bytes the original, before `prepare`
   * @returns a sound file that shows it, or undefined to keep what libvips made of the file
   * @throws ImageError `image-corrupt` if there is nothing
   */
  readonly recover?: (bytes: Buffer, warnings: readonly string[]) => Promise<Prepared | undefined>;
  /**
   * Names a sound file that libvips cannot decode, by the words in which it refused: "a JPEG with ...".
   *
   * @param bytes the original, before `prepare`
   * @default - what libvips refuses is corrupt
   */
  readonly unsupported?: (error: string, bytes: Buffer) => string | undefined;
  /** @default - libvips converts the colours */
  readonly conversionOf?: (bytes: Buffer, metadata: Metadata) => Conversion | undefined;
}
