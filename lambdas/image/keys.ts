import { type ImageId, isImageId } from './id.ts';
import type { Variant } from './variant.ts';

/** Where originals live in the raw bucket. Only keys below it start the resize function. */
export const originalPrefix = 'raw/';

export const originalKey = (id: ImageId): string => `${originalPrefix}${id}`;

/** The id that an original's key names, or undefined for a key that `originalKey` never made. */
export const idOfOriginalKey = (key: string): ImageId | undefined => {
  const id = key.slice(originalPrefix.length);
  return key.startsWith(originalPrefix) && isImageId(id) ? id : undefined;
};

/** Where thumbnails live in the thumbnail bucket. */
export const thumbnailPrefix = 'thumbnails/';

/**
 * Raised when the same variant would come out with other pixels (a new resampling, another colour treatment), so that
 * thumbnails made before are not served for it.
 */
const renderingVersion = 'v1';

/**
 * A pure function of the image and all of the variant's settings: another setting is another key, so a stale
 * thumbnail cannot be served, and the key is known before the thumbnail exists.
 *
 * @returns for example `thumbnails/9f86…/thumbnail/v1-320x320-inside-q80.webp`
 */
export const thumbnailKey = (id: ImageId, variant: Variant): string => {
  const settings = [
    renderingVersion,
    `${variant.width}x${variant.height}`,
    variant.fit,
    variant.position?.replaceAll(' ', '_'),
    variant.background?.slice(1),
    variant.quality === undefined ? undefined : `q${variant.quality}`,
  ].filter((setting) => setting !== undefined);
  return `${thumbnailPrefix}${id}/${variant.name}/${settings.join('-')}.${variant.format}`;
};
