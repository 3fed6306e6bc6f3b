import sharp, { type Metadata, type Sharp } from 'sharp';
import { ImageError } from '../../../image/errors.ts';
import { estimateDecodeMilliseconds } from '../cost.ts';
import { conversionOfProfile } from './colour/profile.ts';
import { corrupt, type Damage, damaged, refusalOf } from './damage.ts';
import type { Conversion, Format, Prepared } from './format.ts';
import { type Fill, withoutMissing } from './missing.ts';
import type { Decoded, OpenOriginal, Raster, Size } from './original.ts';
import { Warnings } from './warnings.ts';

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
  const prepared = preparedBy(format, bytes);
  const ofHeader = new Warnings();
  const metadata = await orRefuse(format, () => ofHeader.of(open(prepared.bytes)).metadata());
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
    async decode(size) {
      const conversion = format.conversionOf?.(bytes, metadata) ?? conversionOfProfile(metadata);
      const warnings = new Warnings(ofHeader.lines);
      const raster = await orRefuse(format, () => decode(prepared.bytes, size, conversion, warnings));
      const kind = format.damageOf?.(warnings.lines, bytes, ofHeader.lines);
      const damage = prepared.damage ?? (kind && damaged(kind, warnings.lines.join('; ')));
      return damage && format.fill ? requireShown(raster, damage, format.fill, metadata) : { raster, damage };
    },
  };
};

const preparedBy = ({ prepare }: Format, bytes: Buffer): Prepared => {
  const prepared = prepare?.(bytes) ?? bytes;
  return Buffer.isBuffer(prepared) ? { bytes: prepared } : prepared;
};

/** All bytes have arrived, so an error of libvips is the image's fault. */
const orRefuse = async <Result>({ unsupported }: Format, decode: () => Promise<Result>): Promise<Result> => {
  try {
    return await decode();
  } catch (error) {
    throw error instanceof ImageError ? error : refusalOf(error, unsupported);
  }
};

/** @throws ImageError `image-corrupt` if nothing was decoded */
const requireShown = (
  raster: Raster,
  damage: Damage,
  fill: Fill,
  { orientation = 1, height }: Metadata,
): Decoded => {
  const shown = withoutMissing(raster, { orientation, rows: height }, fill);
  if (shown === undefined) throw corrupt(damage);
  // A browser shows the fill where a file is whole but damaged.
  return { raster: damage.kind === 'incomplete' ? shown : raster, damage };
};

/** The pages of a HEIF container are other images than the one that is decoded. */
const framesOf = ({ format, pages = 1 }: Metadata): number => (format === 'heif' ? 1 : pages);

const open = (bytes: Buffer, ignoreIcc = false): Sharp =>
  sharp(bytes, {
    // Whatever can be shown is shown. Warnings tell what is wrong.
    failOn: 'none',
    // The limits are checked elsewhere, with an error that names the limit.
    limitInputPixels: false,
    sequentialRead: true,
    ignoreIcc,
  });

const decode = async (
  bytes: Buffer,
  size: Size,
  conversion: Conversion | undefined,
  warnings: Warnings,
): Promise<Raster> => {
  const image = warnings
    .of(open(bytes, conversion !== undefined))
    .autoOrient()
    .resize({ width: size.width, height: size.height, fit: 'fill' });
  const samples = conversion?.samples(image) ?? image.toColourspace('srgb').raw();
  const { data, info } = await samples.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (conversion) return conversion.toSrgb({ data, width, height, channels });
  if (isColourOrAlpha(channels)) return { data, width, height, channels };
  return decode(await withoutExtraChannels(bytes), size, undefined, warnings);
};

/** Three colours and alpha. */
const isColourOrAlpha = (channels: number): channels is Raster['channels'] => channels <= 4;

/**
 * A TIFF may have channels that are no colour, such as masks. When libvips resizes, it treats the last one as
 * transparency, although that is the first one. A PNG keeps only the first.
 */
const withoutExtraChannels = (bytes: Buffer): Promise<Buffer> =>
  open(bytes).autoOrient().toColourspace('srgb').png({ compressionLevel: 0 }).toBuffer();
