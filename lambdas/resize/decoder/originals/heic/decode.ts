import type { Size } from '../original.ts';
import { isSamePicture } from './embedded.ts';
import type { DecodedHeic, HeicJob, PictureJob } from './job.ts';
import {
  type DecodedTile,
  type Libheif,
  LibheifError,
  type LibheifFile,
  type LibheifPicture,
} from './libheif.ts';
import { Shrinking } from './shrink.ts';

/** A picture is shrunk to about twice the size that is needed, and sharp does the rest. */
const targetFactor = 2;

/** Above this, the picture is shrunk to the size that is needed: each pixel takes 12 to 16 bytes. */
const maxTargetPixels = 16_000_000;

/** The bytes do not contain what their header says. */
export class NotAsAnnounced extends Error {
  override readonly name = 'NotAsAnnounced';
}

/**
 * Decodes the picture, or its embedded thumbnail if that is the same picture.
 *
 * @throws LibheifError, NotAsAnnounced
 */
export const decodeHeic = (
  libheif: Libheif,
  { bytes, wholeBytes, picture, size, thumbnail }: HeicJob,
): DecodedHeic =>
  libheif.withFile(bytes, wholeBytes, (file) => {
    const embedded = thumbnail && usableThumbnail(file, picture, thumbnail);
    if (embedded) return embedded;
    const { shrinking, damage } = shrunkPicture(file, picture, targetOf(picture.area, size));
    return decoded(shrinking, picture, damage);
  });

const targetOf = (area: Size, size: Size): Size => {
  const times = (factor: number): Size => ({
    width: Math.min(area.width, factor * size.width),
    height: Math.min(area.height, factor * size.height),
  });
  const target = times(targetFactor);
  return target.width * target.height > maxTargetPixels ? times(1) : target;
};

const decoded = (shrinking: Shrinking, picture: PictureJob, damage?: string): DecodedHeic => ({
  kind: 'decoded',
  ...shrinking.finish(picture.orientation),
  damage,
});

/** A thumbnail that cannot be decoded is no reason to refuse the picture. */
const usableThumbnail = (
  file: LibheifFile,
  picture: PictureJob,
  thumbnail: PictureJob,
): DecodedHeic | undefined => {
  if (picture.id === undefined) return undefined;
  try {
    const { shrinking } = shrunkPicture(file, thumbnail, thumbnail.area);
    const isUsable = file.withPicture(picture.id, (handle) => isSamePicture(handle, picture, shrinking));
    return isUsable ? decoded(shrinking, thumbnail) : undefined;
  } catch (error) {
    if (error instanceof LibheifError || error instanceof NotAsAnnounced) return undefined;
    throw error;
  }
};

interface Started {
  readonly shrinking: Shrinking;
  readonly damage?: string | undefined;
}

const shrunkPicture = (file: LibheifFile, picture: PictureJob, target: Size): Started => {
  const { id, coded } = picture;
  if (id !== undefined) return file.withPicture(id, (handle) => shrunkTiles(handle, picture, target));
  return file.withFirstOfSequence(picture, (frame) => {
    requireSize(frame, coded);
    const shrinking = new Shrinking({ ...picture, target, depth: frame.depth });
    shrinking.add({ ...frame, left: 0, top: 0 });
    return { shrinking };
  });
};

/** What is missing becomes transparent, as in other files that are damaged. */
const shrunkTiles = (handle: LibheifPicture, picture: PictureJob, target: Size): Started => {
  const { columns, rows, tile, picture: size } = handle.tiling;
  requireSize(size, picture.coded);
  const cutTiles = new Set(picture.cutTiles);
  let shrinking: Shrinking | undefined;
  let damage: LibheifError | undefined;
  const missing: { left: number; top: number }[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const place = { left: column * tile.width, top: row * tile.height };
      const add = (decodedTile: DecodedTile): void => {
        shrinking ??= new Shrinking({ ...picture, target, depth: decodedTile.depth });
        shrinking.add({ ...decodedTile, ...place });
      };
      if (cutTiles.has(row * columns + column)) {
        missing.push(place);
        continue;
      }
      try {
        handle.withTile(column, row, picture, add);
      } catch (error) {
        if (!(error instanceof LibheifError)) throw error;
        damage ??= error;
        missing.push(place);
      }
    }
  }
  if (shrinking === undefined) throw damage ?? new NotAsAnnounced('The picture has no tiles.');
  for (const place of missing) shrinking.addMissing({ ...tile, ...place });
  return { shrinking, damage: damage?.message };
};

const requireSize = (found: Size, expected: Size): void => {
  if (found.width === expected.width && found.height === expected.height) return;
  throw new NotAsAnnounced(
    `The picture has ${found.width} x ${found.height} pixels instead of ${expected.width} x ${expected.height}.`,
  );
};
