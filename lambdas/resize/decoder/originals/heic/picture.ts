import { ImageError } from '../../../../image/errors.ts';
import { corrupt as showingNothing } from '../damage.ts';
import {
  type Box,
  type IsoFile,
  type Item,
  type Items,
  itemSize,
  itemsReferredToBy,
  itemsReferringTo,
  propertiesOf,
  type Track,
} from '../iso-boxes.ts';
import type { Size } from '../original.ts';
import { readHevcConfiguration } from './hevc.ts';
import { type Placement, placementOf } from './placement.ts';

/** A picture of a HEIC file, as its header describes it. */
export interface Picture {
  /** @default - the first picture of the sequence */
  readonly id: number | undefined;
  /** The size before anything is cropped or turned. */
  readonly coded: Size;
  readonly placement: Placement;
  /** The sizes of the HEVC pictures of which it is made, with those of its alpha. */
  readonly parts: readonly Size[];
  readonly depth: number;
  readonly hasAlpha: boolean;
  readonly isPremultiplied: boolean;
  /** Boxes `colr`. */
  readonly colours: readonly Box[];
  /** Tiles, by their position in the order of reading, whose bytes the file does not have. */
  readonly cutTiles: readonly number[];
}

/** A HEIC file: what it shows, and thumbnails of that. */
export interface HeicFile {
  readonly picture: Picture;
  readonly thumbnails: readonly Picture[];
  /** Where the last item ends, which is after the end of a file that was cut off. */
  readonly end: number;
}

const corrupt = (what: string): ImageError =>
  new ImageError('image-corrupt', `The image cannot be decoded: ${what}.`);

/** Codings that derive a picture from others (ISO/IEC 23008-12, 6.6.2). */
const derivations = new Set(['grid', 'iden', 'iovl']);

/** Derivations of derivations of derivations. Each is read once for each picture that refers to it. */
const maxDerivations = 3;
const maxParts = 16_384;

/** @throws ImageError `image-corrupt`, `unsupported-type` */
export const readHeic = (file: IsoFile): HeicFile => {
  const { items } = file;
  const primary = items?.primaryId === undefined ? undefined : items.items.get(items.primaryId);
  if (items && primary) {
    const thumbnails = itemsReferringTo(items, primary.id, 'thmb').flatMap(
      (item) => ifReadable(() => pictureOf(file, items, item)) ?? [],
    );
    return { picture: pictureOf(file, items, primary), thumbnails, end: endOf(items) };
  }
  const track = file.tracks.find(({ handler }) => handler === 'pict' || handler === 'vide');
  if (track) return { picture: firstOf(track), thumbnails: [], end: 0 };
  throw corrupt('it has no primary picture');
};

const ifReadable = (read: () => Picture): Picture | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
};

const auxiliaryAlpha = new Set(['urn:mpeg:hevc:2015:auxid:1', 'urn:mpeg:mpegB:cicp:systems:auxiliary:alpha']);

/** The box `auxC` names what an auxiliary picture is. */
const isAlpha = (item: Item): boolean =>
  propertiesOf(item, 'auxC').some(({ content }) => {
    const text = content.toString('latin1', 4, 4 + 64);
    return auxiliaryAlpha.has(text.slice(0, text.indexOf('\0')));
  });

/** Where the bytes of an item end in the file. */
const endOfItem = ({ location }: Item): number => {
  const extents = location?.source === 'file' ? location.extents : [];
  return Math.max(0, ...extents.map(({ offset, length }) => offset + Math.max(1, length)));
};

const endOf = ({ items }: Items): number => {
  let end = 0;
  for (const item of items.values()) end = Math.max(end, endOfItem(item));
  return end;
};

const pictureOf = ({ bytes }: IsoFile, items: Items, item: Item): Picture => {
  const coded = itemSize(item);
  if (coded === undefined || coded.width === 0 || coded.height === 0) throw corrupt('its size is missing');
  const placement = placementOf(coded, item.properties);
  if (placement === undefined) throw corrupt('it is cropped to nothing');
  const parts = partsOf(items, item);
  // Alpha belongs to the whole, or to each tile.
  const withAlpha = itemsReferringTo(items, item.id, 'auxl').find(isAlpha);
  const [first] = parts;
  const tileAlpha = first && itemsReferringTo(items, first.id, 'auxl').find(isAlpha);
  const alpha = withAlpha ?? tileAlpha;
  const alphaParts = withAlpha ? partsOf(items, withAlpha) : tileAlpha ? parts : [];
  const configurations = parts.map(configurationOf);
  const cutTiles = parts.flatMap((part, tile) => (endOfItem(part) > bytes.byteLength ? [tile] : []));
  if (cutTiles.length === parts.length) {
    throw showingNothing({ kind: 'incomplete', reason: 'The file ends before the first tile does.' });
  }
  return {
    cutTiles,
    id: item.id,
    coded,
    placement,
    parts: [...configurations, ...alphaParts.map(configurationOf)].map((part) => part.coded),
    depth: Math.max(...configurations.map(({ depth }) => depth)),
    hasAlpha: alpha !== undefined,
    isPremultiplied:
      alpha !== undefined && itemsReferringTo(items, alpha.id, 'prem').some(({ id }) => id === item.id),
    colours: coloursOf(item, first),
  };
};

/** Colours of the whole, or where it has none, of its first tile. */
const coloursOf = (item: Item, first: Item | undefined): readonly Box[] => {
  const own = propertiesOf(item, 'colr');
  return own.length > 0 || first === undefined ? own : propertiesOf(first, 'colr');
};

/** The HEVC pictures of which a picture is made: itself, or its tiles. */
const partsOf = (items: Items, item: Item, depth = maxDerivations): readonly Item[] => {
  if (item.type === 'hvc1') return [item];
  if (!derivations.has(item.type)) {
    throw new ImageError('unsupported-type', `The image is ${item.type.trim()} in a HEIF container.`);
  }
  if (depth === 0) throw corrupt('it is derived from too many pictures');
  const parts: Item[] = [];
  for (const source of itemsReferredToBy(items, item.id, 'dimg')) {
    parts.push(...partsOf(items, source, depth - 1));
    if (parts.length > maxParts) throw corrupt('it has too many tiles');
  }
  if (parts.length === 0) throw corrupt('its tiles are missing');
  return parts;
};

interface Part {
  readonly depth: number;
  readonly coded: Size;
}

/** The larger of the size that the file announces, and that of the coded picture. */
const configurationOf = (item: Item): Part => {
  const announced = itemSize(item);
  const content = propertiesOf(item, 'hvcC')[0]?.content;
  const configuration = content && readHevcConfiguration(content);
  if (configuration === undefined) throw corrupt('a tile does not say how it is coded');
  return { depth: configuration.depth, coded: largerOf(announced, configuration.coded) };
};

const largerOf = (one: Size | undefined, other: Size | undefined): Size => ({
  width: Math.max(one?.width ?? 0, other?.width ?? 0),
  height: Math.max(one?.height ?? 0, other?.height ?? 0),
});

/** HEVC in a track: parameters in the header ("hvc1") or also in the pictures ("hev1"). */
const trackCodings = new Set(['hvc1', 'hev1']);

const firstOf = (track: Track): Picture => {
  const { width, height, coding, properties } = track;
  if (!trackCodings.has(coding)) {
    throw new ImageError(
      'unsupported-type',
      `The image is a sequence of ${coding.trim()} in a HEIF container.`,
    );
  }
  if (width === 0 || height === 0) throw corrupt('its size is missing');
  const content = properties.find(({ type }) => type === 'hvcC')?.content;
  const configuration = content && readHevcConfiguration(content);
  if (configuration === undefined) throw corrupt('it does not say how it is coded');
  const coded = { width, height };
  const placement = placementOf(coded, []);
  if (placement === undefined) throw corrupt('it is cropped to nothing');
  return {
    id: undefined,
    coded,
    placement,
    parts: [largerOf(coded, configuration.coded)],
    depth: configuration.depth,
    hasAlpha: false,
    isPremultiplied: false,
    cutTiles: [],
    colours: properties.filter(({ type }) => type === 'colr'),
  };
};
