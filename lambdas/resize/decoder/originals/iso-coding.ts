import { ImageError } from '../../../image/errors.ts';
import { pictureCodings } from '../../../image/iso-coding.ts';
import { type IsoFile, type Item, type Items, itemsReferredToBy } from './iso-boxes.ts';

/** Items made of others (ISO/IEC 23008-12, "Derived image items"): a tone map is made of its base. */
const derivations = new Set(['grid', 'iovl', 'iden', 'tmap', 'sato']);

/** No encoder derives a picture from one that is derived from a derived one. */
const maxDerivations = 3;

/**
 * How the picture that a file shows is coded, whatever its brand is: "av01", "hvc1" and so on.
 *
 * @returns undefined if it has none
 */
export const codingOf = ({ items, tracks, majorBrand }: IsoFile): string | undefined => {
  const primary = items?.primaryId === undefined ? undefined : items.items.get(items.primaryId);
  const ofItem = items && primary && codingOfItem(items, primary, maxDerivations);
  const ofTrack = tracks.find(({ handler }) => handler === 'pict' || handler === 'vide')?.coding;
  return isSequence({ tracks, majorBrand }) ? (ofTrack ?? ofItem) : (ofItem ?? ofTrack);
};

/**
 * Whether a sequence is shown, if the file also has a still picture. It is what Chromium decides, and its
 * decoders libavif and CrabbyAvif.
 */
export const isSequence = ({ tracks, majorBrand }: Pick<IsoFile, 'tracks' | 'majorBrand'>): boolean => {
  if (majorBrand === 'avif') return false;
  return majorBrand === 'avis' || tracks.length > 0;
};

const codingOfItem = (items: Items, item: Item, derivationsLeft: number): string => {
  const [source] = derivations.has(item.type) ? itemsReferredToBy(items, item.id, 'dimg') : [];
  return source && derivationsLeft > 0 ? codingOfItem(items, source, derivationsLeft - 1) : item.type;
};

/** The error for a sound file whose coding nothing here decodes. */
export const unsupportedCoding = (coding: string): ImageError => {
  const name = pictureCodings.get(coding) ?? `"${coding.replaceAll(/[^\x20-\x7e]/g, '?')}"`;
  return new ImageError('unsupported-type', `The image is ${name} in a HEIF container.`);
};
