/*
 * A reader of ISO base media files: "ISO/IEC 14496-12" (boxes, items, tracks) and "ISO/IEC 23008-12"
 * (images). It reads what AVIF and HEIC need, and nothing of the pictures themselves. Every number in the
 * file may be a lie: reads stay within their box, each table ends where its box ends, and nothing is
 * allocated from a number. What is cut off or malformed is left out.
 */

/** A file of 200 megapixels has 768 items. No file needs this many boxes in a box, or rows of a table. */
const maxEntries = 65_536;
const maxTracks = 64;
/** Kinds of boxes within a box, and boxes that describe how a track is coded. */
const maxBoxes = 256;

/** One box. Its buffers are views of the file. */
export interface Box {
  readonly type: string;
  /** All of it, with its header. */
  readonly bytes: Buffer;
  /** What follows its header. */
  readonly content: Buffer;
  /** It claims to be longer than what holds it. */
  readonly isCut: boolean;
}

/** A property of an item. The order of an item's properties is that in which they apply. */
export interface Property extends Box {
  /** Whoever does not know it must not show the item. */
  readonly isEssential: boolean;
}

/** A part of an item's bytes. A length of 0 means all that follows. */
interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** Where an item's bytes are. */
interface Location {
  readonly source: 'file' | 'idat' | 'elsewhere';
  readonly extents: readonly Extent[];
}

export interface Item {
  readonly id: number;
  /** The coding of a picture ("av01", "hvc1"), how it is put together ("grid"), or other data ("Exif"). */
  readonly type: string;
  readonly isHidden: boolean;
  readonly properties: readonly Property[];
  /** @default - the file does not say where its bytes are */
  readonly location: Location | undefined;
}

/** For example, "thmb": item `from` is a thumbnail of the items `to`. */
export interface Reference {
  readonly type: string;
  readonly from: number;
  readonly to: readonly number[];
}

/** Still pictures, and what belongs to them: the box `meta`. */
export interface Items {
  /** @default - the file names none */
  readonly primaryId: number | undefined;
  readonly items: ReadonlyMap<number, Item>;
  readonly references: readonly Reference[];
  /** The ids of the items that refer to an item, by the reference's type and that item's id. */
  readonly referrers: ReadonlyMap<string, readonly number[]>;
  /** The box `idat`, which holds small items. */
  readonly data: Buffer;
}

/** A sequence of pictures, or of their alpha: the box `trak`. */
export interface Track {
  readonly id: number;
  /** "pict" or "vide" for pictures, "auxv" for their alpha, "soun" for sound. */
  readonly handler: string;
  /** The matrix of the track header: a, b, u, c, d, v, x, y, w, in fixed point. */
  readonly matrix: readonly number[];
  readonly references: readonly { readonly type: string; readonly to: readonly number[] }[];
  /** The coding of the pictures, for example "av01". */
  readonly coding: string;
  /** The size of the coded pictures. */
  readonly width: number;
  readonly height: number;
  /** How the pictures are coded, and what applies to all of them: "av1C", "colr", "pasp". */
  readonly properties: readonly Box[];
  /** @default - the file does not say where it is */
  readonly firstPicture: { readonly offset: number; readonly length: number } | undefined;
}

export interface IsoFile {
  readonly bytes: Buffer;
  readonly majorBrand: string;
  readonly compatibleBrands: readonly string[];
  readonly items: Items | undefined;
  readonly tracks: readonly Track[];
  /** What is left to read. Places of items may overlap, so they may have many more bytes than the file. */
  readonly budget: { bytesLeft: number; readonly known: Set<string> };
}

/** Numbers and names of a box, one after the other. */
interface Fields {
  readonly left: number;
  /** An unsigned number of 0 to 8 bytes. */
  uint(size: number): number;
  int32(): number;
  name(): string;
  skip(size: number): void;
  /** A version and flags, with which many boxes begin. */
  version(): { readonly version: number; readonly flags: number };
}

/** A box ends within one of its fields. */
class EndOfBox extends Error {
  override readonly name = 'EndOfBox';
}

const fieldsOf = (content: Buffer): Fields => {
  let position = 0;
  const take = (size: number): number => {
    if (size > content.byteLength - position) throw new EndOfBox();
    position += size;
    return position - size;
  };
  const uint = (size: number): number => {
    const at = take(size);
    if (size === 0) return 0;
    return size === 8 ? Number(content.readBigUInt64BE(at)) : content.readUIntBE(at, size);
  };
  return {
    get left() {
      return content.byteLength - position;
    },
    uint,
    int32: () => content.readInt32BE(take(4)),
    name: () => content.toString('latin1', take(4), position),
    skip: take,
    version: () => ({ version: uint(1), flags: uint(3) }),
  };
};

/** Reads as far as the box goes: what has been read before its end stays. */
const untilEnd = (read: () => void): void => {
  try {
    read();
  } catch (error) {
    if (!(error instanceof EndOfBox)) throw error;
  }
};

/** The boxes that follow each other, as far as they make sense. 14496-12, "Object structure". */
export function* boxesIn(content: Buffer, max = maxEntries): Generator<Box, void> {
  let at = 0;
  for (let count = 0; count < max && at + 8 <= content.byteLength; count += 1) {
    const left = content.byteLength - at;
    const shortSize = content.readUInt32BE(at);
    if (shortSize === 1 && left < 16) return;
    const header = shortSize === 1 ? 16 : 8;
    const longSize = shortSize === 1 ? Number(content.readBigUInt64BE(at + 8)) : shortSize;
    const size = shortSize === 0 ? left : longSize;
    if (size < header) return;
    const bytes = content.subarray(at, at + Math.min(size, left));
    yield {
      type: content.toString('latin1', at + 4, at + 8),
      bytes,
      content: bytes.subarray(header),
      isCut: size > left,
    };
    at += bytes.byteLength;
  }
}

/** The first box of each type. Later ones of the same type are left out. */
const firstBoxesIn = (content: Buffer): ReadonlyMap<string, Box> => {
  const boxes = new Map<string, Box>();
  for (const box of boxesIn(content)) {
    if (boxes.size < maxBoxes && !boxes.has(box.type)) boxes.set(box.type, box);
  }
  return boxes;
};

/**
 * Reads the boxes of a file. It takes time linear in their bytes, and copies none.
 *
 * @returns undefined if the bytes do not begin with a box `ftyp`
 */
export const readIsoFile = (bytes: Buffer): IsoFile | undefined => {
  if (bytes.toString('latin1', 4, 8) !== 'ftyp') return undefined;
  let brands: readonly string[] = [];
  let items: Items | undefined;
  let tracks: readonly Track[] | undefined;
  for (const { type, content } of boxesIn(bytes)) {
    if (type === 'ftyp' && brands.length === 0) brands = readBrands(content);
    if (type === 'meta' && items === undefined) items = readItems(content);
    if (type === 'moov' && tracks === undefined) tracks = readTracks(content);
  }
  const [majorBrand = '', ...compatibleBrands] = brands;
  const budget = { bytesLeft: bytes.byteLength, known: new Set<string>() };
  return { bytes, majorBrand, compatibleBrands, items, tracks: tracks ?? [], budget };
};

/** The major brand and the compatible ones. */
const readBrands = (content: Buffer): readonly string[] => {
  const brands: string[] = [];
  const fields = fieldsOf(content);
  untilEnd(() => {
    brands.push(fields.name());
    // The minor version.
    fields.skip(4);
    while (brands.length < maxEntries) brands.push(fields.name());
  });
  return brands;
};

/** 14496-12, "The Meta boxes". */
const readItems = (content: Buffer): Items => {
  const boxes = firstBoxesIn(content.subarray(4));
  const contentOf = (type: string): Buffer => boxes.get(type)?.content ?? Buffer.alloc(0);
  const locations = readLocations(contentOf('iloc'));
  const properties = readProperties(contentOf('iprp'));
  const items = new Map<number, Item>();
  for (const entry of readItemEntries(contentOf('iinf'))) {
    if (items.has(entry.id)) continue;
    const location = locations.get(entry.id);
    items.set(entry.id, { ...entry, location, properties: properties.get(entry.id) ?? [] });
  }
  const references = readReferences(contentOf('iref'));
  return {
    primaryId: readPrimaryId(contentOf('pitm')),
    items,
    references,
    referrers: referrersIn(references),
    data: contentOf('idat'),
  };
};

const readPrimaryId = (content: Buffer): number | undefined => {
  let id: number | undefined;
  const fields = fieldsOf(content);
  untilEnd(() => {
    const { version } = fields.version();
    id = fields.uint(version === 0 ? 2 : 4);
  });
  return id;
};

/** The boxes `infe` of `iinf`. Versions 0 and 1 have no type, and are no pictures. */
function* readItemEntries(content: Buffer): Generator<Pick<Item, 'id' | 'type' | 'isHidden'>, void> {
  const headerBytes = content[0] === 0 ? 6 : 8;
  for (const box of boxesIn(content.subarray(headerBytes))) {
    if (box.type !== 'infe' || box.content.byteLength < 12) continue;
    const fields = fieldsOf(box.content);
    const { version, flags } = fields.version();
    if (version !== 2 && (version !== 3 || fields.left < 10)) continue;
    const id = fields.uint(version === 2 ? 2 : 4);
    // The index of a protection scheme.
    fields.skip(2);
    yield { id, type: fields.name(), isHidden: (flags & 1) === 1 };
  }
}

/** The box `iloc`, in its versions 0, 1 and 2. */
const readLocations = (content: Buffer): ReadonlyMap<number, Location> => {
  const locations = new Map<number, Location>();
  const fields = fieldsOf(content);
  let extentsLeft = maxEntries;
  untilEnd(() => {
    const { version } = fields.version();
    const sizes = fields.uint(2);
    const [offsetSize = 0, lengthSize = 0, baseSize = 0, indexBits = 0] = [12, 8, 4, 0].map(
      (shift) => (sizes >> shift) & 15,
    );
    const indexSize = version === 0 ? 0 : indexBits;
    if ([offsetSize, lengthSize, baseSize, indexSize].some((size) => ![0, 4, 8].includes(size))) return;
    const count = fields.uint(version < 2 ? 2 : 4);
    for (let item = 0; item < count; item += 1) {
      const id = fields.uint(version < 2 ? 2 : 4);
      const method = version === 0 ? 0 : fields.uint(2) & 15;
      // The index of a table that may name another file. Browsers ignore it.
      fields.skip(2);
      const base = fields.uint(baseSize);
      const extents: Extent[] = [];
      for (let left = fields.uint(2); left > 0; left -= 1) {
        // Extents without any field take no bytes, so the end of the box does not stop them.
        extentsLeft -= 1;
        if (extentsLeft < 0) return;
        fields.skip(indexSize);
        extents.push({ offset: base + fields.uint(offsetSize), length: fields.uint(lengthSize) });
      }
      const source = method === 0 ? 'file' : method === 1 ? 'idat' : 'elsewhere';
      if (!locations.has(id)) locations.set(id, { source, extents });
    }
  });
  return locations;
};

/** The properties (`ipco`) of each item (`ipma`, of which there may be several). */
const readProperties = (content: Buffer): ReadonlyMap<number, readonly Property[]> => {
  const container = firstBoxesIn(content).get('ipco');
  const boxes = container ? [...boxesIn(container.content)] : [];
  const properties = new Map<number, Property[]>();
  let associationsLeft = maxEntries;
  for (const box of boxesIn(content)) {
    if (box.type !== 'ipma') continue;
    const fields = fieldsOf(box.content);
    untilEnd(() => {
      const { version, flags } = fields.version();
      const indexSize = (flags & 1) === 1 ? 2 : 1;
      const essential = indexSize === 2 ? 0x8000 : 0x80;
      for (let left = fields.uint(4); left > 0; left -= 1) {
        const id = fields.uint(version === 0 ? 2 : 4);
        const own = properties.get(id) ?? [];
        properties.set(id, own);
        for (let associations = fields.uint(1); associations > 0; associations -= 1) {
          associationsLeft -= 1;
          if (associationsLeft < 0) return;
          const value = fields.uint(indexSize);
          // Index 0 means none.
          const property = boxes[(value & (essential - 1)) - 1];
          if (property) own.push({ ...property, isEssential: (value & essential) !== 0 });
        }
      }
    });
  }
  return properties;
};

/** The box `iref`. */
const readReferences = (content: Buffer): readonly Reference[] => {
  const references: Reference[] = [];
  const idSize = content[0] === 0 ? 2 : 4;
  let idsLeft = maxEntries;
  for (const { type, content: reference } of boxesIn(content.subarray(4))) {
    const fields = fieldsOf(reference);
    untilEnd(() => {
      const from = fields.uint(idSize);
      const to: number[] = [];
      references.push({ type, from, to });
      for (let left = fields.uint(2); left > 0 && idsLeft > 0; left -= 1) {
        to.push(fields.uint(idSize));
        idsLeft -= 1;
      }
    });
  }
  return references;
};

const referrersIn = (references: readonly Reference[]): ReadonlyMap<string, readonly number[]> => {
  const referrers = new Map<string, number[]>();
  for (const { type, from, to } of references) {
    for (const id of to) {
      const key = `${type} ${id}`;
      const known = referrers.get(key);
      if (known) known.push(from);
      else referrers.set(key, [from]);
    }
  }
  return referrers;
};

/** The item's properties of a type, in the order in which they apply. */
export const propertiesOf = ({ properties }: Item, type: string): readonly Property[] =>
  properties.filter((property) => property.type === type);

/** The items that refer to an item: its thumbnails ("thmb"), or its alpha and depth ("auxl"). */
export const itemsReferringTo = ({ items, referrers }: Items, id: number, type: string): readonly Item[] =>
  (referrers.get(`${type} ${id}`) ?? []).flatMap((from) => items.get(from) ?? []);

/** The items of which an item is made ("dimg"), in their order. One that does not exist is left out. */
export const itemsReferredToBy = ({ items, references }: Items, id: number, type: string): readonly Item[] =>
  references
    .filter((reference) => reference.type === type && reference.from === id)
    .flatMap(({ to }) => to.flatMap((target) => items.get(target) ?? []));

/** The box `ispe`: the size of an item before it is turned or cropped. */
export const itemSize = (item: Item): { readonly width: number; readonly height: number } | undefined => {
  const content = propertiesOf(item, 'ispe')[0]?.content;
  if (content === undefined || content.byteLength < 12) return undefined;
  return { width: content.readUInt32BE(4), height: content.readUInt32BE(8) };
};

/**
 * The bytes of an item, or as many of them as the file has. Several items may be in the same place, but
 * places that overlap otherwise have no more bytes than the file.
 *
 * @returns undefined if they are part of another item, or nowhere
 */
export const itemBytes = ({ bytes, budget }: IsoFile, { data }: Items, item: Item): ItemBytes | undefined => {
  if (item.location === undefined || item.location.source === 'elsewhere') return undefined;
  const source = item.location.source === 'file' ? bytes : data;
  const parts: Buffer[] = [];
  let isCut = false;
  for (const { offset, length } of item.location.extents) {
    const part = source.subarray(offset, length === 0 ? source.byteLength : offset + length);
    isCut ||= part.byteLength < length;
    if (part.byteLength > 0) parts.push(part);
  }
  const [first] = parts;
  if (first === undefined) return undefined;
  const isOne = parts.length === 1;
  const place = `${first.byteOffset} ${first.byteLength}`;
  if (!isOne || !budget.known.has(place)) {
    budget.bytesLeft -= parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (isOne) budget.known.add(place);
  }
  if (budget.bytesLeft < 0) return undefined;
  return { bytes: isOne ? first : Buffer.concat(parts), isCut };
};

export interface ItemBytes {
  /** A view of the file, unless they are in several places. */
  readonly bytes: Buffer;
  /** The file ends before the item does. */
  readonly isCut: boolean;
}

/** 14496-12, "Movie structure". */
const readTracks = (content: Buffer): readonly Track[] => {
  const tracks: Track[] = [];
  for (const box of boxesIn(content)) {
    if (box.type === 'trak' && tracks.length < maxTracks) tracks.push(readTrack(box.content));
  }
  return tracks;
};

const readTrack = (content: Buffer): Track => {
  const boxes = firstBoxesIn(content);
  const contentOf = (box: Box | undefined): Buffer => box?.content ?? Buffer.alloc(0);
  const media = firstBoxesIn(contentOf(boxes.get('mdia')));
  const information = firstBoxesIn(contentOf(media.get('minf')));
  const tables = firstBoxesIn(contentOf(information.get('stbl')));
  const references: { type: string; to: number[] }[] = [];
  for (const { type, content: ids } of boxesIn(contentOf(boxes.get('tref')), maxBoxes)) {
    const fields = fieldsOf(ids);
    const to: number[] = [];
    untilEnd(() => {
      while (to.length < maxTracks) to.push(fields.uint(4));
    });
    references.push({ type, to });
  }
  const offset =
    firstNumber(contentOf(tables.get('stco')), 4) ?? firstNumber(contentOf(tables.get('co64')), 8);
  const length = firstSampleSize(contentOf(tables.get('stsz')));
  return {
    ...readTrackHeader(contentOf(boxes.get('tkhd'))),
    handler: contentOf(media.get('hdlr')).toString('latin1', 8, 12),
    references,
    ...readSampleEntry(contentOf(tables.get('stsd'))),
    firstPicture: offset === undefined || length === undefined ? undefined : { offset, length },
  };
};

const readTrackHeader = (content: Buffer): Pick<Track, 'id' | 'matrix'> => {
  let id = 0;
  const matrix: number[] = [];
  const fields = fieldsOf(content);
  untilEnd(() => {
    const { version } = fields.version();
    const timeSize = version === 1 ? 8 : 4;
    fields.skip(2 * timeSize);
    id = fields.uint(4);
    // Reserved, duration, and 16 bytes about layers and sound.
    fields.skip(4 + timeSize + 16);
    while (matrix.length < 9) matrix.push(fields.int32());
  });
  return { id, matrix };
};

/** The first entry of the box `stsd`, which is about all pictures in any sequence that we know. */
const readSampleEntry = (content: Buffer): Pick<Track, 'coding' | 'width' | 'height' | 'properties'> => {
  const [entry] = boxesIn(content.subarray(8));
  // 14496-12, "Visual media": a fixed part of 78 bytes, and boxes.
  if (entry === undefined || entry.content.byteLength < 78) {
    return { coding: entry?.type ?? '', width: 0, height: 0, properties: [] };
  }
  return {
    coding: entry.type,
    width: entry.content.readUInt16BE(24),
    height: entry.content.readUInt16BE(26),
    properties: [...boxesIn(entry.content.subarray(78), maxBoxes)],
  };
};

/** The first number of a table: where the first chunk begins. */
const firstNumber = (content: Buffer, size: 4 | 8): number | undefined => {
  let first: number | undefined;
  const fields = fieldsOf(content);
  untilEnd(() => {
    fields.skip(8);
    first = fields.uint(size);
  });
  return first;
};

/** The box `stsz`: one size for all pictures, or a table. */
const firstSampleSize = (content: Buffer): number | undefined => {
  let size: number | undefined;
  const fields = fieldsOf(content);
  untilEnd(() => {
    fields.skip(4);
    const common = fields.uint(4);
    const count = fields.uint(4);
    size = common > 0 && count > 0 ? common : fields.uint(4);
  });
  return size;
};
