/*
 * Writes a HEIF container that holds one picture and what belongs to it, and nothing else: "ISO/IEC
 * 14496-12" and "ISO/IEC 23008-12". So libheif never reads the rest of a file, which may be damaged, unusual
 * or hostile.
 */

/** One coded picture, with its properties in the order in which they apply. */
export interface Coded {
  readonly type: string;
  readonly bytes: Buffer;
  readonly properties: readonly Property[];
}

export interface Property {
  /** A whole box. */
  readonly box: Buffer;
  readonly isEssential: boolean;
}

/** One coded picture, or several that are put together: then `type` is "grid" and `bytes` is its layout. */
export interface Layer extends Coded {
  readonly tiles: readonly Coded[];
}

export interface StillPicture {
  /** The brand of the file, for example "avif". */
  readonly brand: string;
  readonly colour: Layer;
  readonly alpha?: Layer | undefined;
}

const uint16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Long lists are passed as they are: a call has a limited number of arguments. */
type BoxContent = readonly (Buffer | readonly Buffer[])[];

/** 14496-12, "Object structure". */
export const isoBox = (type: string, ...content: BoxContent): Buffer => {
  const parts = content.flat();
  const length = parts.reduce((sum, { byteLength }) => sum + byteLength, 8);
  return Buffer.concat([uint32(length), latin1(type)].concat(parts));
};

/** A box that begins with a version and flags. */
export const isoFullBox = (type: string, version: number, ...content: BoxContent): Buffer =>
  isoBox(type, uint32(version * 2 ** 24), ...content);

interface Numbered extends Coded {
  readonly id: number;
}

/** The picture, its tiles, its alpha and the tiles of that, with ids from 1. */
const numbered = ({ colour, alpha }: StillPicture) => {
  let id = 0;
  const number = (coded: Coded): Numbered => {
    id += 1;
    return { ...coded, id };
  };
  return (alpha ? [colour, alpha] : [colour]).map((layer) => ({
    item: number(layer),
    tiles: layer.tiles.map(number),
  }));
};

/** All items may lie at the same place, so bytes that several of them share are written once. */
const placed = (items: readonly Numbered[]) => {
  const offsets = new Map<string, number>();
  const parts: Buffer[] = [];
  let length = 0;
  const places = items.map(({ bytes }) => {
    const key = `${bytes.byteOffset} ${bytes.byteLength}`;
    const known = offsets.get(key);
    if (known !== undefined) return { offset: known, length: bytes.byteLength };
    const offset = length;
    offsets.set(key, offset);
    parts.push(bytes);
    length += bytes.byteLength;
    return { offset, length: bytes.byteLength };
  });
  return { places, parts };
};

export const writeStillPicture = (picture: StillPicture): Buffer => {
  const layers = numbered(picture);
  const items = layers.flatMap(({ item, tiles }) => [item, ...tiles]);
  const { places, parts } = placed(items);
  const fileType = isoBox('ftyp', latin1(picture.brand), uint32(0), latin1('mif1'), latin1(picture.brand));
  const metaAt = (firstByte: number): Buffer =>
    isoFullBox(
      'meta',
      0,
      isoFullBox('hdlr', 0, latin1(`\0\0\0\0pict${'\0'.repeat(13)}`)),
      isoFullBox('pitm', 0, uint16(1)),
      isoFullBox('iinf', 1, uint32(items.length), items.map(itemEntry)),
      isoFullBox(
        'iloc',
        0,
        // Offsets and lengths have four bytes, and there is no base.
        Buffer.from([0x44, 0]),
        uint16(items.length),
        places.flatMap(({ offset, length }, index) => [
          uint16(index + 1),
          uint16(0),
          uint16(1),
          uint32(firstByte + offset),
          uint32(length),
        ]),
      ),
      propertiesBox(items),
      isoFullBox('iref', 0, layers.flatMap(referencesOf)),
    );
  const firstByte = fileType.byteLength + metaAt(0).byteLength + 8;
  return Buffer.concat([fileType, metaAt(firstByte), isoBox('mdat', parts)]);
};

const itemEntry = ({ id, type }: Numbered): Buffer =>
  isoFullBox('infe', 2, uint16(id), uint16(0), latin1(`${type}\0`));

const referencesOf = ({ item, tiles }: ReturnType<typeof numbered>[number]): readonly Buffer[] => {
  const references: Buffer[] = [];
  if (item.id !== 1) references.push(isoBox('auxl', uint16(item.id), uint16(1), uint16(1)));
  if (tiles.length > 0) {
    references.push(
      isoBox(
        'dimg',
        uint16(item.id),
        uint16(tiles.length),
        tiles.map(({ id }) => uint16(id)),
      ),
    );
  }
  return references;
};

/** Tiles share their properties, as one box. */
const propertiesBox = (items: readonly Numbered[]): Buffer => {
  const indexes = new Map<string, number>();
  const boxes: Buffer[] = [];
  const indexOf = (box: Buffer): number => {
    const key = box.toString('latin1');
    const known = indexes.get(key);
    if (known !== undefined) return known;
    boxes.push(box);
    indexes.set(key, boxes.length);
    return boxes.length;
  };
  const associations = items.flatMap(({ id, properties }) => [
    uint16(id),
    Buffer.from([properties.length]),
    ...properties.map(({ box, isEssential }) => uint16(indexOf(box) + (isEssential ? 0x8000 : 0))),
  ]);
  const indexesHaveTwoBytes = uint32(1);
  return isoBox(
    'iprp',
    isoBox('ipco', boxes),
    isoBox('ipma', indexesHaveTwoBytes, uint32(items.length), associations),
  );
};
