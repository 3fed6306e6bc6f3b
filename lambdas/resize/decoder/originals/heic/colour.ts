import sharp, { type Metadata } from 'sharp';
import { conversionOfProfile } from '../colour/profile.ts';
import { signalledColour } from '../colour/signal.ts';
import type { Conversion } from '../format.ts';
import type { Box } from '../iso-boxes.ts';
import type { Raster, Size } from '../original.ts';
import type { DecodedHeic } from './job.ts';

type Decoded = Omit<DecodedHeic, 'samples'> & { readonly samples: Uint8Array | Uint16Array };

/** Makes sRGB of a decoded picture, at its final size. */
export const srgbRasterOf = async (
  decoded: Decoded,
  colours: readonly Box[],
  size: Size,
): Promise<Raster> => {
  const tiff = tiffOf(decoded, profileOf(colours));
  const open = (ignoreIcc: boolean) => sharp(tiff, { limitInputPixels: false, ignoreIcc });
  const conversion = await conversionOf(decoded, colours, () => open(false).metadata());
  const image = open(conversion !== undefined).resize({ ...size, fit: 'fill' });
  const samples = conversion?.samples(image) ?? image.toColourspace('srgb').raw();
  const { data, info } = await samples.toBuffer({ resolveWithObject: true });
  const { channels } = decoded;
  if (conversion) return conversion.toSrgb({ data, width: info.width, height: info.height, channels });
  return { data, width: info.width, height: info.height, channels };
};

/** A profile says more than numbers, where a picture has both. */
const conversionOf = async (
  { samples }: Decoded,
  colours: readonly Box[],
  metadata: () => Promise<Metadata>,
): Promise<Conversion | undefined> => {
  if (profileOf(colours)) return conversionOfProfile(await metadata());
  const signal = colours.find(
    ({ content }) => typeOf(content) === 'nclx' && content.byteLength >= 10,
  )?.content;
  if (signal === undefined) return undefined;
  const depth = samples.BYTES_PER_ELEMENT === 2 ? 'ushort' : 'uchar';
  return signalledColour({ primaries: signal.readUInt16BE(4), transfer: signal.readUInt16BE(6) }, depth);
};

/** ISO/IEC 14496-12, "Colour information". */
const typeOf = (content: Buffer): string => content.toString('latin1', 0, 4);

const profileOf = (colours: readonly Box[]): Buffer | undefined =>
  colours.find(({ content }) => ['prof', 'rICC'].includes(typeOf(content)))?.content.subarray(4);

const short = 3;
const long = 4;
const undefinedBytes = 7;

/** A TIFF (TIFF 6.0; the profile: ICC.1:2022, B.4), because raw samples cannot carry a profile. */
const tiffOf = ({ samples, width, height, channels }: Decoded, profile?: Buffer): Buffer => {
  const pixels = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const bits = 8 * samples.BYTES_PER_ELEMENT;
  const headerBytes = 8;
  const bitsAt = headerBytes;
  const pixelsAt = bitsAt + 8;
  const profileAt = pixelsAt + pixels.byteLength;
  const directoryAt = profileAt + (profile?.byteLength ?? 0);
  const entries: (readonly [tag: number, type: number, count: number, value: number])[] = [
    [256, long, 1, width],
    [257, long, 1, height],
    [258, short, channels, bitsAt],
    // No compression, RGB.
    [259, short, 1, 1],
    [262, short, 1, 2],
    [273, long, 1, pixelsAt],
    [277, short, 1, channels],
    [278, long, 1, height],
    [279, long, 1, pixels.byteLength],
    // Alpha, by which colours are not multiplied.
    ...(channels === 4 ? [[338, short, 1, 2] as const] : []),
    ...(profile ? [[34675, undefinedBytes, profile.byteLength, profileAt] as const] : []),
  ];
  const header = Buffer.alloc(pixelsAt);
  header.write('II*\0', 'latin1');
  header.writeUInt32LE(directoryAt, 4);
  for (let channel = 0; channel < channels; channel += 1) header.writeUInt16LE(bits, bitsAt + 2 * channel);
  const directory = Buffer.alloc(2 + 12 * entries.length + 4);
  directory.writeUInt16LE(entries.length);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = 2 + 12 * index;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(count, at + 4);
    // A short that fits is at the start of its four bytes, as a little-endian long is.
    directory.writeUInt32LE(value, at + 8);
  }
  return Buffer.concat([header, pixels, profile ?? Buffer.alloc(0), directory]);
};
