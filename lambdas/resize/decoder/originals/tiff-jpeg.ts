import type { Damage } from './damage.ts';
import { jpeg as jpegFormat } from './jpeg.ts';
import { openWithLibvips } from './libvips.ts';
import { tiffTags } from './tiff-directory.ts';
import { jpeg, oldJpeg, type TiffHeader } from './tiff-header.ts';

/*
 * Strips and tiles that are JPEGs, decoded one by one: for pictures that libtiff gives up, or does not read.
 */

export interface DecodedJpeg {
  /** Samples of a strip or tile, 8 bits each. */
  readonly data: Buffer;
  readonly damage: Damage | undefined;
}

const startOfImage = Buffer.from([0xff, 0xd8]);
const startOfScan = Buffer.from([0xff, 0xda]);

/** Adobe technical note 5116: an APP14 marker, whose last byte says whether colours are YCbCr. */
const colourMarker = (transform: 0 | 1): Buffer =>
  Buffer.from([0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform]);

/**
 * What the samples are after their JPEGs have been decoded one by one.
 *
 * @returns undefined if that is impossible
 */
export const asDecodedJpeg = (header: TiffHeader): TiffHeader | undefined => {
  if (header.compression !== jpeg || header.bits !== 8 || header.number === 'float') return undefined;
  if (header.isPlanar) return header.colour === 'ycbcr' ? undefined : header;
  switch (header.colour) {
    case 'rgb':
    case 'ycbcr':
    case 'cmyk':
      return { ...header, colour: 'rgb', colours: 3, samples: 3, subsampling: [1, 1] };
    case 'grey':
      return header.samples === 1 ? header : undefined;
    default:
      return undefined;
  }
};

interface Wanted {
  readonly width: number;
  readonly rows: number;
  readonly samples: number;
}

/** A JPEG may claim to be larger than its strip or tile, but not much. */
const maxTimesLarger = 2;

/**
 * Decodes one strip or tile.
 *
 * @returns undefined if nothing of it can be decoded
 */
export const decodeJpegChunk = async (
  stored: Buffer,
  header: TiffHeader,
  { width, rows, samples }: Wanted,
): Promise<DecodedJpeg | undefined> => {
  try {
    const image = await openWithLibvips(jpegFileOf(stored, header), { ...jpegFormat, fill: undefined });
    if (image.width * image.height > maxTimesLarger * header.chunks.width * header.chunks.height) {
      return undefined;
    }
    const { raster, damage } = await image.decode({ width: image.width, height: image.height });
    const data = Buffer.alloc(width * rows * samples);
    for (let y = 0; y < Math.min(rows, raster.height); y += 1) {
      for (let x = 0; x < Math.min(width, raster.width); x += 1) {
        const from = (y * raster.width + x) * raster.channels;
        const to = (y * width + x) * samples;
        for (let sample = 0; sample < samples; sample += 1) {
          data[to + sample] = raster.data[from + Math.min(sample, raster.channels - 1)] ?? 0;
        }
      }
    }
    return { data, damage };
  } catch {
    return undefined;
  }
};

/** TIFF technical note 2: tables that all strips share are in the directory, as a JPEG without a picture. */
const jpegFileOf = (stored: Buffer, { directory, colour, isPlanar }: TiffHeader): Buffer => {
  const tables = directory.bytes(tiffTags.jpegTables);
  const hasColours = !isPlanar && (colour === 'rgb' || colour === 'ycbcr');
  const parts: Buffer[] = [startOfImage];
  if (hasColours) parts.push(colourMarker(colour === 'rgb' ? 0 : 1));
  if (tables) parts.push(tables.subarray(2, tables.byteLength - 2));
  return Buffer.concat([...parts, stored.subarray(2)]);
};

const isJpegAt = (data: Buffer, at: number): boolean => data.subarray(at, at + 2).equals(startOfImage);

/**
 * TIFF 6.0, section 22, which technical note 2 replaced: programs put a whole JPEG into the file, or into
 * each strip.
 *
 * @returns undefined if the JPEG is in pieces
 */
export const withOldJpeg = (data: Buffer, header: TiffHeader): TiffHeader | undefined => {
  if (header.compression !== oldJpeg) return header;
  const { directory, chunks, width, height } = header;
  const start = directory.number(tiffTags.oldJpegOffset) ?? data.byteLength;
  const length = directory.number(tiffTags.oldJpegLength) ?? 0;
  const end = chunks.offsets.reduce(
    (last, offset, index) => Math.max(last, offset + (chunks.byteCounts[index] ?? 0)),
    start + length,
  );
  if (isJpegAt(data, start) && data.subarray(start, end).includes(startOfScan)) {
    const whole = { isTiled: false, width, height, columns: 1, rows: 1 };
    return {
      ...header,
      compression: jpeg,
      chunks: { ...whole, offsets: [start], byteCounts: [end - start] },
    };
  }
  return isJpegAt(data, chunks.offsets[0] ?? data.byteLength) ? { ...header, compression: jpeg } : undefined;
};
