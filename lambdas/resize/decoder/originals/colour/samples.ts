import type { Metadata, Sharp } from 'sharp';
import type { Samples } from '../format.ts';

/** How libvips has decoded an image: as bytes, or as numbers of 16 bits. */
export type Depth = Metadata['depth'];

/** Reads red, green, blue and alpha as they are stored: grey becomes three equal numbers. */
export const storedRgb = (image: Sharp, depth: Depth): Sharp =>
  depth === 'ushort'
    ? image.toColourspace('rgb16').raw({ depth: 'ushort' })
    : image.toColourspace('srgb').raw();

/** The numbers of such samples, and the largest possible one. */
export const numbersOf = (
  { data }: Samples,
  depth: Depth,
): { readonly given: Uint8Array | Uint16Array; readonly max: 255 | 65_535 } =>
  depth === 'ushort'
    ? { given: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), max: 65_535 }
    : { given: data, max: 255 };
