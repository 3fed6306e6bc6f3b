import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import { ImageError } from '../../../image/errors.ts';
import { estimateDecodeMilliseconds } from '../cost.ts';
import { conversionOfProfile } from './colour/profile.ts';
import { corrupt, type Damage, damaged, kindOf, refusalOf } from './damage.ts';
import type { Conversion, Format, Prepared, Salvaged } from './format.ts';
import { isOnlyFill, withoutMissing, withoutUnknown } from './missing.ts';
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
  const metadata = await orRefuse(
    () => ofHeader.of(open(prepared.bytes, format, { page: prepared.page })).metadata(),
    {
      format,
      bytes,
      warnings: ofHeader,
    },
  );
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
    frames: prepared.frames ?? framesOf(metadata),
    estimateMilliseconds: () => estimateDecodeMilliseconds(metadata, bytes),
    async decode(size) {
      const conversion = format.conversionOf?.(bytes, metadata) ?? conversionOfProfile(metadata);
      const warnings = new Warnings(ofHeader.lines);
      const reading = { format, bytes, page: prepared.page, warnings };
      const { alternatives, damage: missing } = prepared;
      if (alternatives && missing) {
        return decodeKnown([() => prepared.bytes, ...alternatives], missing, metadata, (candidate) =>
          decode(candidate, size, conversion, reading),
        );
      }
      const seen = await orError(decode(prepared.bytes, size, conversion, reading));
      const raster = seen instanceof ImageError ? undefined : seen;
      const salvaged = format.salvage?.(bytes, { raster, warnings: warnings.lines, width, height });
      if (salvaged) return shrunk(salvaged, size);
      const kind = format.damageOf?.(warnings.lines, bytes, ofHeader.lines);
      const recovered =
        kind || seen instanceof ImageError ? await format.recover?.(bytes, warnings.lines) : undefined;
      if (recovered) return decodeRecovered(recovered, reading, size);
      if (seen instanceof ImageError) {
        return decodeRepaired(seen, reading, metadata, (repaired) =>
          decode(repaired, size, conversion, reading),
        );
      }
      const damage = prepared.damage ?? (kind && damaged(kind, warnings.lines.join('; ')));
      return damage ? judged(seen, damage, format, metadata) : { raster: seen };
    },
  };
};

const preparedBy = ({ prepare }: Format, bytes: Buffer): Prepared => {
  const prepared = prepare?.(bytes) ?? bytes;
  return Buffer.isBuffer(prepared) ? { bytes: prepared } : prepared;
};

interface Reading {
  readonly format: Format;
  /** The original, before it was prepared. */
  readonly bytes: Buffer;
  /** The page to show of what it was prepared to. */
  readonly page?: number | undefined;
  readonly warnings: Warnings;
}

/** All bytes have arrived, so an error of libvips is the image's fault. */
const orRefuse = async <Result>(
  work: () => Promise<Result>,
  { format, bytes, warnings }: Reading,
): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    const text = [error instanceof Error ? error.message : String(error), ...warnings.lines].join('\n');
    throw refusalOf(text, format.unsupported?.(text, bytes));
  }
};

const decodeRecovered = async (
  { bytes: recovered, damage }: Prepared,
  { format, bytes }: Reading,
  size: Size,
): Promise<Decoded> => {
  const conversionOf = (_: Buffer, metadata: Metadata) => format.conversionOf?.(bytes, metadata);
  const original = await openWithLibvips(recovered, { conversionOf });
  return { ...(await original.decode(size)), damage };
};

/** Returns an error about the image, and throws all others. */
const orError = async <Result>(work: Promise<Result>): Promise<Result | ImageError> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
};

/** @throws ImageError `image-corrupt` if nothing was decoded */
const shrunk = async ({ raster, damage }: Salvaged, { width, height }: Size): Promise<Decoded> => {
  const { data: pixels, ...raw } = requireShown(raster, damage).raster;
  const { data, info } = await sharp(pixels, { raw, limitInputPixels: false })
    .resize({ width, height, fit: 'fill' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { channels } = info;
  if (!isColourOrAlpha(channels))
    throw new Error(`A raster of ${raw.channels} channels has ${channels} now.`);
  return { raster: { data, width, height, channels }, damage };
};

/**
 * Decodes what is known of a picture that is filled in different ways.
 *
 * @throws ImageError `image-corrupt` if that is nothing
 */
const decodeKnown = async (
  candidates: readonly (() => Buffer)[],
  damage: Damage,
  metadata: Metadata,
  decodeOne: (candidate: Buffer) => Promise<Raster>,
): Promise<Decoded> => {
  let first: Raster | undefined;
  for (const candidate of candidates) {
    const raster = await orError(decodeOne(candidate()));
    if (raster instanceof ImageError) continue;
    if (first === undefined) {
      first = raster;
      continue;
    }
    const known = withoutUnknown(first, raster, metadata);
    // What is missing shows nowhere.
    return known === first ? { raster: first } : requireShown(known, damage);
  }
  throw corrupt(damage);
};

/** @throws ImageError the error for the whole file if no repair helps */
const decodeRepaired = async (
  error: ImageError,
  { format, bytes }: Reading,
  metadata: Metadata,
  decodeOne: (repaired: Buffer) => Promise<Raster>,
): Promise<Decoded> => {
  const repairs = error.code === 'image-corrupt' ? format.repairs?.(bytes) : undefined;
  const reason = String(error.cause);
  const damage = damaged(kindOf(reason), reason);
  for (const repair of repairs ?? []) {
    const { bytes: repaired, alternatives } = repair();
    const decoded = await orError(
      alternatives
        ? decodeKnown([() => repaired, ...alternatives], damage, metadata, decodeOne)
        : decodeOne(repaired).then((raster) => judged(raster, damage, format, metadata)),
    );
    if (!(decoded instanceof ImageError)) return { damage, ...decoded };
  }
  throw error;
};

/** @throws ImageError `image-corrupt` if nothing was decoded */
const judged = (raster: Raster, damage: Damage, { fill }: Format, metadata: Metadata): Decoded => {
  if (fill === undefined) return { raster, damage };
  if (damage.kind === 'incomplete') return requireShown(withoutMissing(raster, metadata, fill), damage);
  // A browser shows the fill where a file is whole but damaged.
  return requireShown(isOnlyFill(raster, fill) ? undefined : raster, damage);
};

/** @throws ImageError `image-corrupt` if nothing was decoded */
const requireShown = (raster: Raster | undefined, damage: Damage): Decoded => {
  if (raster === undefined) throw corrupt(damage);
  return { raster, damage };
};

/** The pages of a HEIF container are other images than the one that is decoded. */
const framesOf = ({ format, pages = 1 }: Metadata): number => (format === 'heif' ? 1 : pages);

const open = (
  bytes: Buffer,
  { failOn = 'none' }: Format,
  options: Pick<SharpOptions, 'page' | 'ignoreIcc'> = {},
): Sharp =>
  sharp(bytes, {
    ...options,
    // Whatever can be shown is shown. Warnings tell what is wrong.
    failOn,
    // The limits are checked elsewhere, with an error that names the limit.
    limitInputPixels: false,
    sequentialRead: true,
  });

const decode = async (
  bytes: Buffer,
  size: Size,
  conversion: Conversion | undefined,
  reading: Reading,
): Promise<Raster> => {
  const image = reading.warnings
    .of(open(bytes, reading.format, { page: reading.page, ignoreIcc: conversion !== undefined }))
    .autoOrient()
    .resize({ width: size.width, height: size.height, fit: 'fill' });
  const samples = conversion?.samples(image) ?? image.toColourspace('srgb').raw();
  const { data, info } = await orRefuse(() => samples.toBuffer({ resolveWithObject: true }), reading);
  const { width, height, channels } = info;
  if (conversion) return conversion.toSrgb({ data, width, height, channels });
  if (isColourOrAlpha(channels)) return { data, width, height, channels };
  return decode(await orRefuse(() => withoutExtraChannels(bytes), reading), size, undefined, reading);
};

/** Three colours and alpha. */
const isColourOrAlpha = (channels: number): channels is Raster['channels'] => channels <= 4;

/**
 * A TIFF may have channels that are no colour, such as masks. When libvips resizes, it treats the last one as
 * transparency, although that is the first one. A PNG keeps only the first.
 */
const withoutExtraChannels = (bytes: Buffer): Promise<Buffer> =>
  open(bytes, {}).autoOrient().toColourspace('srgb').png({ compressionLevel: 0 }).toBuffer();
