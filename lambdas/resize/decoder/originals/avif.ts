import { ImageError } from '../../../image/errors.ts';
import { type AvifPicture, readAvifPicture } from './avif/picture.ts';
import { withUndone } from './avif/samples.ts';
import { isoBox, isoFullBox, type Layer, type Property, writeStillPicture } from './avif/still-picture.ts';
import { conversionOfProfile } from './colour/profile.ts';
import { signalledColour } from './colour/signal.ts';
import { corrupt, damaged } from './damage.ts';
import type { Format } from './format.ts';
import { readIsoFile } from './iso-boxes.ts';
import { openWithLibvips } from './libvips.ts';
import type { OpenOriginal, Size } from './original.ts';

/** @throws ImageError `image-corrupt` */
const pictureIn = (bytes: Buffer): AvifPicture => {
  const file = readIsoFile(bytes);
  const picture = file && readAvifPicture(file);
  if (picture === undefined) throw corrupt(damaged('damaged', 'the container has no picture'));
  return picture;
};

/** Pixels of all tiles and of alpha, in multiples of the picture, and at least. */
const maxCoverage = 2;
const minCoveredPixels = 4_000_000;

const pixelsOf = ({ width, height }: Size): number => width * height;

/**
 * The limits apply to the size of the picture, so that must be what decoding it costs.
 *
 * @throws ImageError `image-corrupt`, `image-too-large`
 */
const requireSound = ({ colour, alpha }: AvifPicture): void => {
  const layers = alpha ? [colour, alpha] : [colour];
  for (const { tiles, layout } of layers) {
    const [first] = tiles;
    if (tiles.some((tile) => tile.isCut)) throw corrupt(damaged('incomplete', 'the file ends too early'));
    // libheif would fill such a tile with a colour.
    if (!tiles.every((tile) => tile.hasFrame && !tile.lacksSize))
      throw corrupt(damaged('damaged', 'a part has no picture'));
    const isSmooth = tiles.every((tile) => tile.width === first?.width && tile.height === first.height);
    if (layout?.type === 'grid' && !isSmooth) {
      throw corrupt(damaged('damaged', 'the tiles have several sizes'));
    }
  }
  const all = layers.flatMap(({ tiles }) => tiles).reduce((sum, tile) => sum + pixelsOf(tile), 0);
  if (all > Math.max(minCoveredPixels, maxCoverage * layers.length * pixelsOf(colour))) {
    throw new ImageError(
      'image-too-large',
      `The parts of the image have ${all} pixels, many more than its ${pixelsOf(colour)}.`,
    );
  }
};

/**
 * libheif gets nothing but the picture that a browser would show, in a container that it understands. What is
 * unusual, damaged or hostile in the rest of the file cannot matter.
 */
const avif: Format = {
  prepare(bytes) {
    const picture = pictureIn(bytes);
    requireSound(picture);
    return write(picture);
  },

  conversionOf(bytes, metadata) {
    const picture = pictureIn(bytes);
    const { signal, peak, profile, colour, alpha } = picture;
    const isGrey = colour.tiles[0]?.header?.isMonochrome === true;
    const conversion = profile
      ? conversionOfProfile(isGrey ? { ...metadata, space: 'grey16' } : metadata)
      : signalledColour({ ...signal, peak }, metadata.depth);
    const undone = {
      multipliedBy: multiplies(picture) ? writeAlpha(picture) : undefined,
      isGreyLimited: isGrey && !signal.isFullRange,
      isAlphaLimited: alpha?.tiles[0]?.header?.isFullRange === false,
    };
    return withUndone(undone, metadata, conversion);
  },
};

/**
 * Reads the header of an AVIF.
 *
 * @throws ImageError `image-corrupt`, `image-too-large`
 */
export const openAvif = async (bytes: Buffer): Promise<OpenOriginal> => {
  const image = await openWithLibvips(bytes, avif);
  const { stretched, transforms } = pictureIn(bytes);
  if (stretched === undefined) return image;
  const turns = transforms.find((box) => box.toString('latin1', 4, 8) === 'irot')?.[8] ?? 0;
  const { width, height } = stretched;
  return {
    ...image,
    ...(turns % 2 === 0 ? stretched : { width: height, height: width }),
    coded: { width: image.width, height: image.height },
  };
};

const essential = (box: Buffer): Property => ({ box, isEssential: true });
const optional = (box: Buffer): Property => ({ box, isEssential: false });

const uint32s = (...numbers: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => {
    bytes.writeUInt32BE(number, 4 * index);
  });
  return bytes;
};

/** The size before the picture is turned. */
const sizeProperty = (width: number, height: number): Property =>
  optional(isoFullBox('ispe', 0, uint32s(width, height)));

const alphaProperty = essential(
  isoFullBox('auxC', 0, Buffer.from('urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0', 'latin1')),
);

/** Whether colours are multiplied by alpha. */
const multiplies = ({ alpha, isPremultiplied }: AvifPicture): boolean =>
  alpha !== undefined && isPremultiplied;

/** Alpha alone, as a grey picture. */
const writeAlpha = (picture: AvifPicture): Buffer => {
  const { alpha = picture.colour } = picture;
  const signal = { primaries: 1, transfer: 13, matrix: 6, isFullRange: true };
  return write({ ...picture, colour: alpha, alpha: undefined, signal, profile: undefined });
};

const write = (picture: AvifPicture): Buffer => {
  const { colour, signal, profile, transforms } = picture;
  const alpha = multiplies(picture) ? undefined : picture.alpha;
  const nclx = Buffer.alloc(11);
  nclx.write('nclx', 'latin1');
  nclx.writeUInt16BE(signal.primaries, 4);
  nclx.writeUInt16BE(signal.transfer, 6);
  nclx.writeUInt16BE(signal.matrix, 8);
  nclx.writeUInt8(signal.isFullRange ? 128 : 0, 10);
  const colours = [isoBox('colr', nclx), ...(profile ? [isoBox('colr', profile)] : [])].map(optional);
  // libheif turns the alpha only if the alpha says so itself, and never turns a tile of a turned picture.
  const turns = transforms.map(essential);
  return writeStillPicture({
    brand: 'avif',
    colour: layerOf(colour, colours, turns),
    alpha: alpha && layerOf(alpha, [], [alphaProperty, ...turns]),
  });
};

const layerOf = (
  { width, height, layout, tiles }: AvifPicture['colour'],
  colours: readonly Property[],
  more: readonly Property[],
): Layer => {
  const coded = tiles.map((tile) => ({
    type: 'av01',
    bytes: tile.bytes,
    properties: [
      sizeProperty(tile.width, tile.height),
      ...(tile.configuration ? [essential(tile.configuration)] : []),
      ...colours,
    ],
  }));
  const [only] = coded;
  if (layout || only === undefined) {
    const properties = [sizeProperty(width, height), ...colours, ...more];
    return { type: layout?.type ?? '', bytes: layout?.bytes ?? Buffer.alloc(0), properties, tiles: coded };
  }
  return { ...only, properties: [...only.properties, ...more], tiles: [] };
};
