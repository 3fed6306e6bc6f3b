import { ImageError } from '../../../image/errors.ts';
import { type Damage, damaged } from './damage.ts';
import { srgbRasterOf } from './heic/colour.ts';
import { decodeInThread } from './heic/decoder.ts';
import type { DecodedHeic, PictureJob } from './heic/job.ts';
import { type HeicFile, type Picture, readHeic } from './heic/picture.ts';
import { turnedSize } from './heic/placement.ts';
import { readIsoFile } from './iso-boxes.ts';
import type { Decoded, OpenOriginal, Size } from './original.ts';

/** CPU time to decode one megapixel of noise with libheif-js 1.23.2. */
const decodeMillisecondsPerMegapixel = 110;

/**
 * The largest picture in one piece: libheif holds all of it three times over. HEVC's level 6.2 ends at 35
 * million pixels (ITU-T H.265, A.4).
 */
const maxPartPixels = 8192 * 8192;

/** What all tiles have together, in multiples of the picture, and at least. */
const maxCoverage = 2;
const minCoveredPixels = 4_000_000;

/**
 * Reads the header of a HEIC.
 *
 * @throws ImageError `image-corrupt`, `unsupported-type`, `image-too-large`
 */
export const openHeic = (bytes: Buffer): OpenOriginal => {
  const container = readIsoFile(bytes);
  if (container === undefined) throw new ImageError('image-corrupt', 'The image is not an ISO media file.');
  const file = readHeic(container);
  const { picture } = file;
  requireSensibleParts(picture);
  const { upright } = picture.placement;
  return {
    ...upright,
    coded: picture.coded,
    frames: 1,
    estimateMilliseconds: (size) => estimate(file, size),
    decode: async (size) => decode(bytes, file, size),
  };
};

const pixelsOf = ({ width, height }: Size): number => width * height;

const pixelsOfParts = ({ parts }: Picture): number => parts.reduce((sum, part) => sum + pixelsOf(part), 0);

/** @throws ImageError if the parts have many more pixels than the picture, whose size is limited elsewhere */
const requireSensibleParts = (picture: Picture): void => {
  const largest = Math.max(...picture.parts.map(pixelsOf));
  if (largest > maxPartPixels) {
    throw new ImageError(
      'image-too-large',
      `The image has ${largest} pixels in one piece. At most ${maxPartPixels} are accepted.`,
    );
  }
  const layers = picture.hasAlpha ? 2 : 1;
  const limit = Math.max(minCoveredPixels, maxCoverage * layers * pixelsOf(picture.coded));
  const all = pixelsOfParts(picture);
  if (all > limit) {
    throw new ImageError(
      'image-too-large',
      `The tiles of the image have ${all} pixels, many more than its ${pixelsOf(picture.coded)}.`,
    );
  }
};

const estimate = (file: HeicFile, size: Size): number => {
  const { picture } = file;
  const thumbnail = thumbnailFor(file, size);
  // To compare the thumbnail, one tile of the picture is decoded.
  const compared = picture.parts.length > 1 ? Math.max(...picture.parts.map(pixelsOf)) : 0;
  const pixels = thumbnail ? pixelsOfParts(thumbnail) + compared : pixelsOfParts(picture);
  return (pixels / 1e6) * decodeMillisecondsPerMegapixel;
};

/** The smallest embedded thumbnail that is large enough and, by its header, the same picture. */
const thumbnailFor = ({ picture, thumbnails }: HeicFile, size: Size): Picture | undefined =>
  thumbnails
    .filter((thumbnail) => isLikely(picture, thumbnail) && isLargeEnough(thumbnail, size))
    .sort((one, other) => pixelsOf(one.coded) - pixelsOf(other.coded))[0];

const isLargeEnough = ({ placement: { upright } }: Picture, { width, height }: Size): boolean =>
  upright.width >= width && upright.height >= height;

const isLikely = (picture: Picture, thumbnail: Picture): boolean => {
  if (picture.hasAlpha || thumbnail.hasAlpha || picture.depth !== thumbnail.depth) return false;
  if (thumbnail.parts.length > 1 || pixelsOf(thumbnail.coded) >= pixelsOf(picture.coded)) return false;
  return haveSameShape(picture, thumbnail) && haveSameColours(picture, thumbnail);
};

/** Turned alike, and cropped to the same part within a pixel of the thumbnail. */
const haveSameShape = (picture: Picture, thumbnail: Picture): boolean => {
  const { orientation: large, area, upright } = picture.placement;
  const { orientation: small, area: smallArea, upright: smallUpright } = thumbnail.placement;
  if (large.a !== small.a || large.b !== small.b || large.c !== small.c || large.d !== small.d) return false;
  const across = thumbnail.coded.width / picture.coded.width;
  const down = thumbnail.coded.height / picture.coded.height;
  return (
    Math.abs(smallUpright.width * upright.height - smallUpright.height * upright.width) <=
      Math.max(upright.width, upright.height) &&
    Math.abs(area.left * across - smallArea.left) <= 1 &&
    Math.abs(area.top * down - smallArea.top) <= 1 &&
    Math.abs(area.width * across - smallArea.width) <= 1 &&
    Math.abs(area.height * down - smallArea.height) <= 1
  );
};

/** Boxes `colr` of a picture whose colours are those that a decoder assumes without such a box. */
const isAssumed = (content: Buffer): boolean => {
  if (content.toString('latin1', 0, 4) !== 'nclx' || content.byteLength < 10) return false;
  // BT.709, which has the primaries of sRGB, and its transfer or that of sRGB (ITU-T H.273).
  const [primaries, transfer] = [content.readUInt16BE(4), content.readUInt16BE(6)];
  return (primaries === 1 || primaries === 2) && [1, 2, 6, 13].includes(transfer);
};

const haveSameColours = (picture: Picture, thumbnail: Picture): boolean => {
  const { colours: large } = picture;
  const { colours: small } = thumbnail;
  if ([...large, ...small].every(({ content }) => isAssumed(content))) return true;
  return (
    large.length === small.length && large.every(({ content }, at) => small[at]?.content.equals(content))
  );
};

/** Zeros that stand for what was cut off, at most. */
const maxMissingBytes = 64_000_000;

const decode = async (bytes: Buffer, file: HeicFile, size: Size): Promise<Decoded> => {
  const { picture, end } = file;
  const thumbnail = thumbnailFor(file, size);
  const decoded = await decodeInThread(
    {
      wholeBytes: Math.min(end, bytes.byteLength + maxMissingBytes),
      picture: jobOf(picture),
      size: turnedSize(size, picture.placement.orientation),
      thumbnail: thumbnail && jobOf(thumbnail),
    },
    bytes,
  );
  return {
    raster: await srgbRasterOf(decoded, picture.colours, size),
    damage: damageOf(bytes, file, decoded),
  };
};

const damageOf = (bytes: Buffer, { end }: HeicFile, decoded: DecodedHeic): Damage | undefined => {
  if (end > bytes.byteLength)
    return damaged('incomplete', `The file has ${bytes.byteLength} of ${end} bytes.`);
  return decoded.damage === undefined ? undefined : damaged('damaged', decoded.damage);
};

const jobOf = ({
  id,
  coded,
  placement,
  depth,
  hasAlpha,
  isPremultiplied,
  cutTiles,
}: Picture): PictureJob => ({
  id,
  coded,
  area: placement.area,
  orientation: placement.orientation,
  channels: hasAlpha ? 4 : 3,
  isDeep: depth > 8,
  isPremultiplied,
  cutTiles,
});
