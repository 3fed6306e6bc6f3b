import {
  type IsoFile,
  type Item,
  type ItemBytes,
  type Items,
  itemBytes,
  itemSize,
  itemsReferredToBy,
  itemsReferringTo,
  propertiesOf,
  type Track,
} from '../iso-boxes.ts';
import { isSequence } from '../iso-coding.ts';
import type { Size } from '../original.ts';
import { type Av1Header, readAv1, withLastSize } from './av1-header.ts';

/*
 * "AV1 Image File Format (AVIF)" (aomediacodec.github.io/av1-avif) and "ISO/IEC 23000-22" (MIAF): which
 * picture of a file is shown, and what belongs to it. Where they leave a choice, it is that of Chromium.
 */

/** Bytes that AV1 decodes to one picture of this size. */
export interface CodedPicture {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
  /** The whole box `av1C`. */
  readonly configuration: Buffer | undefined;
  /** The file ends before its bytes do. */
  readonly isCut: boolean;
  /** Whether there is something to decode. */
  readonly hasFrame: boolean;
  /** libheif cannot decode it as it is. */
  readonly lacksSize: boolean;
  /** @default - it has none, and cannot be decoded */
  readonly header: Av1Header | undefined;
}

/** How several pictures are put together: side by side, or one above the other on a canvas. */
export interface Layout {
  readonly type: 'grid' | 'iovl';
  readonly bytes: Buffer;
  /** Of the pictures. */
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/** One coded picture, or several of a layout. */
export interface PictureLayer {
  readonly width: number;
  readonly height: number;
  /** @default - one picture */
  readonly layout: Layout | undefined;
  readonly tiles: readonly CodedPicture[];
}

/** What the samples mean: numbers of ITU-T H.273. */
export interface Signal {
  readonly primaries: number;
  readonly transfer: number;
  readonly matrix: number;
  readonly isFullRange: boolean;
}

export interface AvifPicture {
  readonly colour: PictureLayer;
  readonly alpha: PictureLayer | undefined;
  readonly isPremultiplied: boolean;
  readonly signal: Signal;
  /** Light of the brightest pixel in cd/m² (MaxCLL of the box `clli`). @default - unknown */
  readonly peak: number | undefined;
  /** The content of a box `colr` with an ICC profile. */
  readonly profile: Buffer | undefined;
  /** Boxes `clap`, `irot` and `imir`, in the order in which they apply. */
  readonly transforms: readonly Buffer[];
  /** The size to which the decoded picture is stretched, before it is turned. @default - its own */
  readonly stretched?: Size | undefined;
}

/** A box of a picture or of a track. */
type Boxes = readonly { readonly type: string; readonly bytes: Buffer; readonly content: Buffer }[];

/** @returns undefined if the file has no picture in AV1 */
export const readAvifPicture = (file: IsoFile): AvifPicture | undefined => {
  if (isSequence(file)) return pictureOfTracks(file) ?? pictureOfItems(file);
  return pictureOfItems(file) ?? pictureOfTracks(file);
};

const pictureOfItems = (file: IsoFile): AvifPicture | undefined => {
  const { items } = file;
  const primary = items && primaryItem(items);
  if (items === undefined || primary === undefined) return undefined;
  const colour = layerOfItem(file, items, primary);
  if (colour === undefined) return undefined;
  const alphaItem = itemsReferringTo(items, primary.id, 'auxl').find(isAlpha);
  const alpha = alphaItem ? layerOfItem(file, items, alphaItem) : alphaOfTiles(file, items, primary, colour);
  const isPremultiplied = items.references.some(
    ({ type, from, to }) => type === 'prem' && from === primary.id && alphaItem && to.includes(alphaItem.id),
  );
  // As in Chromium, a picture of several has the colours of the first one if it has none itself.
  const [source] = itemsReferredToBy(items, primary.id, 'dimg');
  const hasColours = propertiesOf(primary, 'colr').length > 0;
  const colours = hasColours || source === undefined ? [] : propertiesOf(source, 'colr');
  const description = describe([...primary.properties, ...colours], colour);
  const stretched = colour.layout ? undefined : stretchedSize(primary, colour);
  return { ...description, colour, alpha, isPremultiplied, stretched };
};

/** Browsers stretch a picture to the size that its item claims. One that is cropped is left alone here. */
const stretchedSize = (item: Item, { width, height }: Size): Size | undefined => {
  const claimed = itemSize(item);
  if (claimed === undefined || propertiesOf(item, 'clap').length > 0) return undefined;
  if (claimed.width === 0 || claimed.height === 0) return undefined;
  return claimed.width === width && claimed.height === height ? undefined : claimed;
};

/** The base picture, for a primary item that says how to tone map it. */
const primaryItem = (items: Items): Item | undefined => {
  const item = items.primaryId === undefined ? undefined : items.items.get(items.primaryId);
  return item?.type === 'tmap' ? itemsReferredToBy(items, item.id, 'dimg')[0] : item;
};

const alphaTypes = ['urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0', 'urn:mpeg:hevc:2015:auxid:1\0'];

const isAlpha = (item: Item): boolean =>
  propertiesOf(item, 'auxC').some(({ content }) =>
    alphaTypes.some((type) => content.subarray(4).toString('latin1').startsWith(type)),
  );

const layerOfItem = (file: IsoFile, items: Items, item: Item): PictureLayer | undefined => {
  switch (item.type) {
    case 'av01': {
      const tile = codedPictureOf(file, items, item);
      return tile && alone(tile);
    }
    case 'iden': {
      const [source] = itemsReferredToBy(items, item.id, 'dimg');
      return source?.type === 'av01' ? layerOfItem(file, items, source) : undefined;
    }
    case 'grid':
    case 'iovl':
      return compositeOf(file, items, item);
    default:
      return undefined;
  }
};

/** Copies the bytes if they need a size: a grid may refer to the same ones again and again. */
const alone = (tile: CodedPicture): PictureLayer => {
  const { width, height } = tile;
  const sized = tile.lacksSize ? { ...tile, bytes: withLastSize(tile.bytes), lacksSize: false } : tile;
  return { width, height, layout: undefined, tiles: [sized] };
};

const codedPictureOf = (file: IsoFile, items: Items, item: Item): CodedPicture | undefined => {
  const found = itemBytes(file, items, item);
  return found && coded(found, itemSize(item), propertiesOf(item, 'av1C')[0]?.bytes);
};

/** The coded picture states the size that decoding it costs, so the container's is ignored. */
const coded = (
  { bytes, isCut }: ItemBytes,
  declared: { readonly width: number; readonly height: number } | undefined,
  configuration: Buffer | undefined,
): CodedPicture | undefined => {
  const picture = readAv1(bytes);
  const header = picture.header ?? (configuration && readAv1(configuration.subarray(12)).header);
  const size = header ?? declared;
  return (
    size && {
      bytes: picture.bytes,
      isCut,
      hasFrame: header !== undefined && picture.hasFrame,
      lacksSize: picture.lacksSize,
      width: size.width,
      height: size.height,
      configuration,
      header,
    }
  );
};

/** A photo of 200 megapixels has 768. Ids in the new container have 16 bits. */
const maxTiles = 10_000;

const compositeOf = (file: IsoFile, items: Items, item: Item): PictureLayer | undefined => {
  const bytes = itemBytes(file, items, item)?.bytes;
  const sources = itemsReferredToBy(items, item.id, 'dimg');
  const layout = bytes && (item.type === 'grid' ? gridIn(bytes) : overlayIn(bytes, sources.length));
  if (layout === undefined) return undefined;
  const { width, height, count } = layout;
  if (count > maxTiles) return undefined;
  const tiles = sources
    .slice(0, count)
    .flatMap((tile) => (tile.type === 'av01' ? (codedPictureOf(file, items, tile) ?? []) : []));
  return tiles.length > 0 && tiles.length === count ? { width, height, layout, tiles } : undefined;
};

/** 23008-12, "Image grid derived image item". */
const gridIn = (bytes: Buffer): Layout | undefined => {
  const sides = (bytes[1] ?? 0) & 1 ? 4 : 2;
  const length = 4 + 2 * sides;
  if (bytes.byteLength < length) return undefined;
  return {
    type: 'grid',
    bytes: bytes.subarray(0, length),
    width: bytes.readUIntBE(4, sides),
    height: bytes.readUIntBE(4 + sides, sides),
    count: (bytes.readUInt8(2) + 1) * (bytes.readUInt8(3) + 1),
  };
};

/** 23008-12, "Image overlay derived image item": the canvas's colour and size, and each picture's place. */
const overlayIn = (bytes: Buffer, count: number): Layout | undefined => {
  const sides = (bytes[1] ?? 0) & 1 ? 4 : 2;
  const length = 10 + 2 * sides * (count + 1);
  if (bytes.byteLength < length) return undefined;
  return {
    type: 'iovl',
    bytes: bytes.subarray(0, length),
    width: bytes.readUIntBE(10, sides),
    height: bytes.readUIntBE(10 + sides, sides),
    count,
  };
};

/** Instead of a grid of alpha, each tile may have its own alpha. */
const alphaOfTiles = (
  file: IsoFile,
  items: Items,
  primary: Item,
  { width, height, layout }: PictureLayer,
): PictureLayer | undefined => {
  if (layout?.type !== 'grid') return undefined;
  const colours = itemsReferredToBy(items, primary.id, 'dimg');
  const tiles = colours.flatMap(({ id }) => {
    const alpha = itemsReferringTo(items, id, 'auxl').find(isAlpha);
    return (alpha && codedPictureOf(file, items, alpha)) ?? [];
  });
  return tiles.length === colours.length ? { width, height, layout, tiles } : undefined;
};

/** The first picture of a sequence. It can be decoded alone. */
const pictureOfTracks = (file: IsoFile): AvifPicture | undefined => {
  const auxiliaryTo = (track: Track): readonly number[] =>
    track.references.flatMap(({ type, to }) => (type === 'auxl' ? to : []));
  const shown = file.tracks.find((track) => track.coding === 'av01' && auxiliaryTo(track).length === 0);
  if (shown === undefined) return undefined;
  const colour = layerOfTrack(file, shown);
  if (colour === undefined) return undefined;
  const alphaTrack = file.tracks.find(
    (track) => track.coding === 'av01' && auxiliaryTo(track).includes(shown.id),
  );
  const isPremultiplied = shown.references.some(
    ({ type, to }) => type === 'prem' && alphaTrack !== undefined && to.includes(alphaTrack.id),
  );
  const alpha = alphaTrack && layerOfTrack(file, alphaTrack);
  return { ...describe(shown.properties, colour), colour, alpha, isPremultiplied };
};

const layerOfTrack = ({ bytes }: IsoFile, track: Track): PictureLayer | undefined => {
  if (track.firstPicture === undefined) return undefined;
  const { offset, length } = track.firstPicture;
  const configuration = track.properties.find(({ type }) => type === 'av1C')?.bytes;
  const found = bytes.subarray(offset, offset + length);
  const tile = coded({ bytes: found, isCut: found.byteLength < length }, track, configuration);
  return tile && alone(tile);
};

/** What the boxes of a picture say of its colours and its position, and else the picture itself. */
const describe = (
  boxes: Boxes,
  layer: PictureLayer,
): Pick<AvifPicture, 'signal' | 'peak' | 'profile' | 'transforms'> => {
  const colours = boxes.filter(({ type }) => type === 'colr').map(({ content }) => content);
  const ofKind = (...kinds: readonly string[]): Buffer | undefined =>
    colours.find((content) => kinds.includes(content.toString('latin1', 0, 4)));
  const first = (type: string): Buffer | undefined => boxes.find((box) => box.type === type)?.bytes;
  const clap = boxes.find(({ type }) => type === 'clap');
  const crop = clap && cropsFromOrigin(clap.content, layer) ? clap.bytes : undefined;
  const light = boxes.find(({ type, content }) => type === 'clli' && content.byteLength >= 2);
  return {
    signal: signalOf(ofKind('nclx'), layer),
    peak: light?.content.readUInt16BE(0) || undefined,
    profile: ofKind('rICC', 'prof'),
    // MIAF, 7.3.6.7: in this order.
    transforms: [crop, first('irot'), first('imir')].filter((box) => box !== undefined),
  };
};

const signalOf = (nclx: Buffer | undefined, { tiles: [tile] }: PictureLayer): Signal => {
  if (nclx !== undefined && nclx.byteLength >= 11) {
    return {
      primaries: nclx.readUInt16BE(4),
      transfer: nclx.readUInt16BE(6),
      matrix: nclx.readUInt16BE(8),
      isFullRange: nclx.readUInt8(10) >= 128,
    };
  }
  const unspecified = 2;
  return (
    tile?.header ?? {
      primaries: unspecified,
      transfer: unspecified,
      matrix: unspecified,
      isFullRange: true,
    }
  );
};

/**
 * Whether a box `clap` keeps the upper left corner of a picture. Browsers ignore one that does not, so that
 * nobody believes that what is cropped is gone (github.com/AOMediaCodec/av1-avif/issues/188).
 */
const cropsFromOrigin = (content: Buffer, { width, height }: PictureLayer): boolean => {
  if (content.byteLength < 32) return false;
  const startsAtZero = (at: number, offsetAt: number, side: number): boolean => {
    const denominator = content.readInt32BE(at + 4);
    const cropped = content.readInt32BE(at) / denominator;
    const offset = content.readInt32BE(offsetAt) / content.readInt32BE(offsetAt + 4);
    return (
      denominator > 0 &&
      Number.isInteger(cropped) &&
      cropped > 0 &&
      cropped <= side &&
      side / 2 + offset === cropped / 2
    );
  };
  return startsAtZero(0, 16, width) && startsAtZero(8, 24, height);
};
