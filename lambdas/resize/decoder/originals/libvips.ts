import sharp, { type Metadata, type Sharp } from 'sharp';
import { ImageError } from '../../../image/errors.ts';
import { estimateDecodeMilliseconds } from '../cost.ts';
import { orCorrupt } from './damage.ts';
import type { Conversion, Format } from './format.ts';
import type { Decoded, OpenOriginal, Raster, Size } from './original.ts';

// Only the loaders of the accepted types may ever see a byte: SVG, PDF, ImageMagick and the like read files
// and URLs.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadNsgif',
    'VipsForeignLoadHeif',
    'VipsForeignLoadTiff',
  ],
});
// No image is decoded twice, so libvips' cache of operations would only hold memory.
sharp.cache(false);

/** Reads an original's header with libvips. */
export const openWithLibvips = async (bytes: Buffer, format: Format): Promise<OpenOriginal> => {
  const prepared = format.prepare?.(bytes) ?? bytes;
  const metadata = await orCorrupt(() => open(prepared).metadata());
  // sharp decodes only AVIF in a HEIF container.
  if (metadata.format === 'heif' && metadata.compression !== 'av1') {
    throw new ImageError(
      'unsupported-type',
      `The image is ${metadata.compression ?? 'unknown'} in a HEIF container.`,
    );
  }
  const { width, height } = metadata.autoOrient;
  return {
    width,
    height,
    frames: framesOf(metadata),
    estimateMilliseconds: () => estimateDecodeMilliseconds(metadata, bytes),
    decode: async (size) => decode(prepared, size, format.conversionOf?.(bytes, metadata)),
  };
};

/** The pages of a HEIF container are other images than the one that is decoded. */
const framesOf = ({ format, pages = 1 }: Metadata): number => (format === 'heif' ? 1 : pages);

const open = (bytes: Buffer, ignoreIcc = false): Sharp =>
  sharp(bytes, {
    // For libjpeg, rubbish between valid markers is only a warning.
    failOn: 'warning',
    // The limits are checked elsewhere, with an error that names the limit.
    limitInputPixels: false,
    sequentialRead: true,
    ignoreIcc,
  });

const decode = async (bytes: Buffer, size: Size, conversion: Conversion | undefined): Promise<Decoded> => {
  const image = open(bytes, conversion !== undefined)
    .autoOrient()
    .resize({ width: size.width, height: size.height, fit: 'fill' });
  const { data, info } = await orCorrupt(() =>
    (conversion?.samples(image) ?? image.toColourspace('srgb').raw()).toBuffer({ resolveWithObject: true }),
  );
  const { width, height, channels } = info;
  if (conversion) return { raster: await conversion.toSrgb({ data, width, height, channels }) };
  if (isColourOrAlpha(channels)) return { raster: { data, width, height, channels } };
  return decode(await orCorrupt(() => withoutExtraChannels(bytes)), size, undefined);
};

/** Three colours and alpha. */
const isColourOrAlpha = (channels: number): channels is Raster['channels'] => channels <= 4;

/**
 * A TIFF may have channels that are no colour, such as masks. When libvips resizes, it treats the last one as
 * transparency, although that is the first one. A PNG keeps only the first.
 */
const withoutExtraChannels = (bytes: Buffer): Promise<Buffer> =>
  open(bytes).autoOrient().toColourspace('srgb').png({ compressionLevel: 0 }).toBuffer();
