/*
 * Writes ISO media files (ISO/IEC 14496-12 and 23008-12) as no encoder here does: pictures that are coded
 * once are put into containers of all kinds.
 */

export const uint8s = (...numbers: readonly number[]): Buffer => Buffer.from(numbers);

export const uint16s = (...numbers: readonly number[]): Buffer =>
  Buffer.concat(
    numbers.map((number) => {
      const bytes = Buffer.alloc(2);
      bytes.writeUInt16BE(number);
      return bytes;
    }),
  );

export const uint32s = (...numbers: readonly number[]): Buffer =>
  Buffer.concat(
    numbers.map((number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(number % 2 ** 32);
      return bytes;
    }),
  );

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

export const box = (type: string, ...content: readonly Buffer[]): Buffer => {
  const bytes = Buffer.concat(content);
  return Buffer.concat([uint32s(bytes.byteLength + 8), latin1(type), bytes]);
};

/** A box with a version and flags. */
export const fullBox = (type: string, versionAndFlags: number, ...content: readonly Buffer[]): Buffer =>
  box(type, uint32s(versionAndFlags), ...content);

export const versionOf = (version: number): number => version * 2 ** 24;

export interface TestProperty {
  readonly box: Buffer;
  readonly isEssential?: boolean;
}

export interface TestItem {
  readonly id: number;
  readonly type: string;
  readonly bytes: Buffer;
  readonly properties?: readonly Buffer[];
  /** @default - in the file */
  readonly isInIdat?: boolean;
  /** In how many extents. @default - 1 */
  readonly extents?: number;
  readonly isHidden?: boolean;
}

export interface TestReference {
  readonly type: string;
  readonly from: number;
  readonly to: readonly number[];
}

export interface TestFile {
  readonly brands?: readonly string[];
  readonly items?: readonly TestItem[];
  readonly references?: readonly TestReference[];
  /** @default - 1 */
  readonly primary?: number | undefined;
  readonly ilocVersion?: 0 | 1 | 2;
  /** Boxes within `moov`, for the place where the bytes of all items begin. */
  readonly movie?: (firstByte: number) => readonly Buffer[];
}

export const fileType = ([major = 'avif', ...compatible]: readonly string[]): Buffer =>
  box('ftyp', latin1(major), uint32s(0), ...compatible.map(latin1));

/** Properties that a decoder must know are marked so. */
const essentialTypes = new Set(['av1C', 'hvcC', 'clap', 'irot', 'imir', 'auxC', 'lsel', 'a1op', 'must']);

const typeOf = (bytes: Buffer): string => bytes.toString('latin1', 4, 8);

export const isoFile = ({
  brands = ['avif', 'avif', 'mif1', 'miaf'],
  items = [],
  references = [],
  primary = 1,
  ilocVersion = 1,
  movie,
}: TestFile): Buffer => {
  const inFile = items.filter((item) => !item.isInIdat);
  const inIdat = items.filter((item) => item.isInIdat);
  const idOf = (id: number): Buffer => (ilocVersion === 2 ? uint32s(id) : uint16s(id));
  const offsetsIn = (list: readonly TestItem[]) => {
    let offset = 0;
    return new Map(
      list.map((item) => {
        offset += item.bytes.byteLength;
        return [item.id, offset - item.bytes.byteLength];
      }),
    );
  };
  const fileOffsets = offsetsIn(inFile);
  const idatOffsets = offsetsIn(inIdat);
  const location = (item: TestItem, firstByte: number): Buffer => {
    const start = item.isInIdat
      ? (idatOffsets.get(item.id) ?? 0)
      : firstByte + (fileOffsets.get(item.id) ?? 0);
    const count = item.extents ?? 1;
    const part = Math.ceil(item.bytes.byteLength / count);
    const extents = Array.from({ length: count }, (_, index) =>
      uint32s(start + index * part, Math.min(part, item.bytes.byteLength - index * part)),
    );
    return Buffer.concat([
      idOf(item.id),
      ilocVersion === 0 ? Buffer.alloc(0) : uint16s(item.isInIdat ? 1 : 0),
      uint16s(0, count),
      ...extents,
    ]);
  };
  const boxes = items.flatMap(({ properties = [] }) => properties);
  const associations = items.map(({ id, properties = [] }) =>
    Buffer.concat([
      ilocVersion === 2 ? uint32s(id) : uint16s(id),
      uint8s(properties.length),
      ...properties.map((property) =>
        uint16s(boxes.indexOf(property) + 1 + (essentialTypes.has(typeOf(property)) ? 0x8000 : 0)),
      ),
    ]),
  );
  const entry = (item: TestItem): Buffer =>
    fullBox(
      'infe',
      versionOf(ilocVersion === 2 ? 3 : 2) + (item.isHidden ? 1 : 0),
      idOf(item.id),
      uint16s(0),
      latin1(`${item.type}\0`),
    );
  const meta = (firstByte: number): Buffer =>
    fullBox(
      'meta',
      0,
      fullBox('hdlr', 0, latin1(`\0\0\0\0pict${'\0'.repeat(13)}`)),
      fullBox('pitm', 0, uint16s(primary)),
      fullBox(
        'iloc',
        versionOf(ilocVersion),
        uint8s(0x44, 0),
        ilocVersion === 2 ? uint32s(items.length) : uint16s(items.length),
        ...items.map((item) => location(item, firstByte)),
      ),
      fullBox('iinf', 0, uint16s(items.length), ...items.map(entry)),
      fullBox(
        'iref',
        0,
        ...references.map(({ type, from, to }) => box(type, uint16s(from, to.length, ...to))),
      ),
      box(
        'iprp',
        box('ipco', ...boxes),
        fullBox('ipma', versionOf(ilocVersion === 2 ? 1 : 0) + 1, uint32s(items.length), ...associations),
      ),
      ...(inIdat.length > 0 ? [box('idat', ...inIdat.map(({ bytes }) => bytes))] : []),
    );
  const head = (firstByte: number): Buffer =>
    Buffer.concat([
      fileType(brands),
      ...(items.length > 0 ? [meta(firstByte)] : []),
      ...(movie ? [box('moov', ...movie(firstByte))] : []),
    ]);
  const firstByte = head(0).byteLength + 8;
  return Buffer.concat([head(firstByte), box('mdat', ...inFile.map(({ bytes }) => bytes))]);
};

export interface TestTrack {
  readonly id: number;
  readonly handler?: string;
  readonly coding?: string;
  readonly width: number;
  readonly height: number;
  readonly properties?: readonly Buffer[];
  readonly references?: readonly { readonly type: string; readonly to: number }[];
  /** Of the first chunk, which holds all pictures. */
  readonly offset: number;
  readonly sizes: readonly number[];
}

export const track = ({
  id,
  handler = 'pict',
  coding = 'av01',
  width,
  height,
  properties = [],
  references = [],
  offset,
  sizes,
}: TestTrack): Buffer => {
  const unity = uint32s(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
  const header = [uint32s(0, 0, id, 0, sizes.length), Buffer.alloc(16), unity];
  const entry = box(
    coding,
    Buffer.alloc(6),
    uint16s(1),
    Buffer.alloc(16),
    uint16s(width, height),
    Buffer.alloc(50),
    ...properties,
  );
  return box(
    'trak',
    fullBox('tkhd', 1 /* enabled */, ...header, uint32s(width * 65_536, height * 65_536)),
    ...(references.length > 0
      ? [box('tref', ...references.map(({ type, to }) => box(type, uint32s(to))))]
      : []),
    box(
      'mdia',
      fullBox('mdhd', 0, uint32s(0, 0, 1, sizes.length), uint16s(0, 0)),
      fullBox('hdlr', 0, latin1(`\0\0\0\0${handler}${'\0'.repeat(13)}`)),
      box(
        'minf',
        box(
          'stbl',
          fullBox('stsd', 0, uint32s(1), entry),
          fullBox('stts', 0, uint32s(1, sizes.length, 1)),
          fullBox('stsc', 0, uint32s(1, 1, sizes.length, 1)),
          fullBox('stsz', 0, uint32s(0, sizes.length, ...sizes)),
          fullBox('stco', 0, uint32s(1, offset)),
        ),
      ),
    ),
  );
};
