import { type ImageId, isImageId } from './id.ts';
import type { Variant } from './variant.ts';

/** Prefix of originals in the raw bucket. Only objects below it are resized. */
export const originalPrefix = 'raw/';

export const originalKey = (id: ImageId): string => `${originalPrefix}${id}`;

/** The id in an original's key, or undefined for a key that is not one of `originalKey`. */
export const idOfOriginalKey = (key: string): ImageId | undefined => {
  const id = key.slice(originalPrefix.length);
  return key.startsWith(originalPrefix) && isImageId(id) ? id : undefined;
};

/** Prefix of thumbnails in the thumbnail bucket. */
export const thumbnailPrefix = 'thumbnails/';

/** Prefix of an image's thumbnails. */
export const thumbnailsPrefixOf = (id: ImageId): string => `${thumbnailPrefix}${id}/`;

/**
 * Raised when the same variant would get other pixels, for example by another resampling, so that earlier
 * thumbnails are no longer served.
 */
const renderingVersion = 'v2';

/**
 * A pure function of the image and all settings of the variant. Another setting is another key, so a stale
 * thumbnail cannot be served, and the key is known before the thumbnail exists.
 *
 * @returns for example `thumbnails/9f86…/thumbnail/v2-320x320-inside-q80.webp`
 */
export const thumbnailKey = (id: ImageId, variant: Variant): string => {
  const settings = [
    renderingVersion,
    `${variant.width}x${variant.height}`,
    variant.fit,
    variant.position?.replaceAll(' ', '_'),
    variant.background?.slice(1),
    variant.quality === undefined ? undefined : `q${variant.quality}`,
    variant.animation === 'keep' ? `animated-${variant.maxAnimationBytes}` : undefined,
  ].filter((setting) => setting !== undefined);
  return `${thumbnailsPrefixOf(id)}${variant.name}/${settings.join('-')}.${variant.format}`;
};
