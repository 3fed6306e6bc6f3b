import sharp from 'sharp';
import { box, boxes } from '../formats/avif.ts';
import { latin1, u16be, u32be } from '../numbers.ts';
import type { Part } from '../parts.ts';
import type { Bombs } from './bomb.ts';

/** An item of the file (ISO/IEC 23008-12): a coded image, or one composed of others. */
interface Item {
  readonly id: number;
  readonly type: 'av01' | 'grid' | 'iovl' | 'iden';
  /** Its bytes; all coded images share one copy. */
  readonly data: Buffer;
  readonly size: Size;
  /** Ids of the items of which it is composed. */
  readonly of?: readonly number[];
}

const cellSide = 64;

/** Cells of the largest accepted grid. libheif accepts at most a thousand. */
const largeCell = [1024, 1016] as const;

type Size = readonly [number, number];
const smallCell: Size = [cellSide, cellSide];

const part = (type: string, content: Buffer): Buffer => box({ type, content });
const full = (type: string, content: Buffer): Buffer => part(type, Buffer.concat([u32be(0), content]));

/** A coded image of one colour and its configuration, from a real encoder. */
const codedCell = async ([width, height]: Size = smallCell): Promise<{
  readonly data: Buffer;
  readonly configuration: Buffer;
}> => {
  const bytes = await sharp({ create: { width, height, channels: 3, background: '#123456' } })
    .avif({ effort: 0 })
    .toBuffer();
  const data = boxes.split(bytes).find(({ type }: Part) => type === 'mdat')?.content;
  const at = bytes.indexOf('av1C', 0, 'latin1');
  if (data === undefined || at < 0) throw new Error('The encoder returned an AVIF without an image.');
  return { data, configuration: bytes.subarray(at - 4, at - 4 + bytes.readUInt32BE(at - 4)) };
};

/** The first item is the primary one. */
const avifOf = async (items: readonly Item[], cell = smallCell, areAllShown = false): Promise<Buffer> => {
  const { configuration } = await codedCell(cell);
  const contents = [...new Set(items.map(({ data }) => data))];
  const file = (offset: number): readonly [Buffer, Buffer] => {
    const places = new Map<Buffer, number>();
    contents.reduce((at, content) => {
      places.set(content, at);
      return at + content.length;
    }, offset);
    const locations = items.map(({ id, data }) =>
      Buffer.concat([u16be(id), u16be(0), u16be(1), u32be(places.get(data) ?? 0), u32be(data.length)]),
    );
    const infos = items.map(({ id, type }) =>
      // Items that only others use are hidden; all others count as pages.
      part(
        'infe',
        Buffer.concat([
          u32be(items[0]?.id === id || areAllShown ? 0x02000000 : 0x02000001),
          u16be(id),
          u16be(0),
          latin1(`${type}\0`),
        ]),
      ),
    );
    const references = items.flatMap(({ id, of }) =>
      of === undefined ? [] : [part('dimg', Buffer.concat([u16be(id), u16be(of.length), ...of.map(u16be)]))],
    );
    const sizes = [...new Set(items.map(({ size }) => size.join('x')))];
    const properties = [
      configuration,
      full('pixi', Buffer.from([3, 8, 8, 8])),
      ...sizes.map((size) => full('ispe', Buffer.concat(size.split('x').map(Number).map(u32be)))),
    ];
    const associations = items.map(({ id, type, size }) => {
      const sizeIndex = 3 + sizes.indexOf(size.join('x'));
      const own = type === 'av01' ? [0x81, 2, sizeIndex] : [2, sizeIndex];
      return Buffer.concat([u16be(id), Buffer.from([own.length, ...own])]);
    });
    const meta = full(
      'meta',
      Buffer.concat([
        full('hdlr', Buffer.concat([u32be(0), latin1('pict'), Buffer.alloc(13)])),
        full('pitm', u16be(items[0]?.id ?? 0)),
        full('iloc', Buffer.concat([Buffer.from([0x44, 0]), u16be(items.length), ...locations])),
        full('iinf', Buffer.concat([u16be(items.length), ...infos])),
        ...(references.length > 0 ? [full('iref', Buffer.concat(references))] : []),
        part(
          'iprp',
          Buffer.concat([
            part('ipco', Buffer.concat(properties)),
            full('ipma', Buffer.concat([u32be(items.length), ...associations])),
          ]),
        ),
      ]),
    );
    return [
      Buffer.concat([part('ftyp', latin1('avif\0\0\0\0avifmif1miaf')), meta]),
      part('mdat', Buffer.concat(contents)),
    ];
  };
  // The part before the data has the same length for all offsets.
  const [before] = file(0);
  return Buffer.concat(file(before.length + 8));
};

const gridData = (columns: number, rows: number, width: number, height: number): Buffer =>
  Buffer.concat([Buffer.from([0, 1, rows - 1, columns - 1]), u32be(width), u32be(height)]);

interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** @default - the size of all its cells */
  readonly size?: Size;
  /** @default - a small image */
  readonly cell?: Size;
  /** Whether all cells are one item, instead of items with the same data. @default false */
  readonly isOneCell?: boolean;
  /** Whether each cell also counts as an image. @default false */
  readonly areCellsShown?: boolean;
}

const grid = async ({
  columns,
  rows,
  size,
  cell = smallCell,
  isOneCell = false,
  areCellsShown = false,
}: Grid): Promise<Buffer> => {
  const [width, height] = size ?? [columns * cell[0], rows * cell[1]];
  const { data } = await codedCell(cell);
  const count = columns * rows;
  const cells = Array.from(
    { length: isOneCell ? 1 : count },
    (_, index): Item => ({ id: index + 2, type: 'av01', data, size: cell }),
  );
  const of = Array.from({ length: count }, (_, index) => (isOneCell ? 2 : index + 2));
  return avifOf(
    [
      { id: 1, type: 'grid', data: gridData(columns, rows, width, height), size: [width, height], of },
      ...cells,
    ],
    cell,
    areCellsShown,
  );
};

/** Each grid consists of the next one, four times; the last one of an image. */
const gridsOfGrids = async (depth: number, isEndless: boolean): Promise<Buffer> => {
  const { data } = await codedCell();
  const grids = Array.from({ length: depth }, (_, index): Item => {
    const side = cellSide * 2 ** Math.min(depth - index, 8);
    const next = isEndless && index === depth - 1 ? 1 : index + 2;
    return {
      id: index + 1,
      type: 'grid',
      data: gridData(2, 2, side, side),
      size: [side, side],
      of: [next, next, next, next],
    };
  });
  return avifOf([...grids, { id: depth + 1, type: 'av01', data, size: [cellSide, cellSide] }]);
};

/** An identity of an identity of ... of itself. */
const identities = async (depth: number): Promise<Buffer> => {
  const { data } = await codedCell();
  const items = Array.from(
    { length: depth },
    (_, index): Item => ({
      id: index + 1,
      type: 'iden',
      data: Buffer.alloc(0),
      size: [cellSide, cellSide],
      of: [index === depth - 1 ? 1 : index + 2],
    }),
  );
  return avifOf([...items, { id: depth + 1, type: 'av01', data, size: [cellSide, cellSide] }]);
};

const overlay = async (width: number, height: number, layers: number): Promise<Buffer> => {
  const { data } = await codedCell();
  const places = Array.from({ length: layers }, (_, index) => Buffer.concat([u32be(index), u32be(index)]));
  const header = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 0xff), u32be(width), u32be(height)]);
  return avifOf([
    {
      id: 1,
      type: 'iovl',
      data: Buffer.concat([header, ...places]),
      size: [width, height],
      of: Array.from({ length: layers }, () => 2),
    },
    { id: 2, type: 'av01', data, size: [cellSide, cellSide] },
  ]);
};

const lyingSize = async (width: number, height: number): Promise<Buffer> =>
  avifOf([{ id: 1, type: 'av01', data: (await codedCell()).data, size: [width, height] }]);

export const avifBombs: Bombs = {
  'avif-small-grid': { must: 'ready', make: () => grid({ columns: 2, rows: 2 }), claims: [128, 128] },
  'avif-grid-just-as-large': {
    make: () => grid({ columns: 16, rows: 6, cell: largeCell }),
    claims: [16_384, 6096],
  },
  'avif-grid-of-shown-cells': {
    make: () => grid({ columns: 16, rows: 6, cell: largeCell, areCellsShown: true }),
    claims: [16_384, 6096],
  },
  'avif-grid-too-large': {
    must: 'image-too-large',
    make: () => grid({ columns: 16, rows: 7, cell: largeCell }),
    claims: [16_384, 7112],
  },
  'avif-grid-of-many-cells': { make: () => grid({ columns: 15, rows: 16 }), claims: [960, 1024] },
  'avif-grid-of-most-cells': { must: 'refused', make: () => grid({ columns: 255, rows: 255 }) },
  'avif-grid-of-one-cell-everywhere': { make: () => grid({ columns: 254, rows: 95, isOneCell: true }) },
  'avif-grid-larger-than-its-cells': {
    must: 'refused',
    make: () => grid({ columns: 2, rows: 2, size: [16_384, 6103] }),
  },
  'avif-grid-largest-stated-size': {
    must: 'refused',
    make: () => grid({ columns: 2, rows: 2, size: [0xffffffff, 0xffffffff] }),
  },
  'avif-grids-of-grids': { make: () => gridsOfGrids(8, false) },
  'avif-grids-of-many-grids': { make: () => gridsOfGrids(30, false) },
  'avif-grids-without-end': { must: 'refused', make: () => gridsOfGrids(3, true) },
  'avif-identities-without-end': { must: 'refused', make: () => identities(100) },
  'avif-overlay-of-many-layers': { make: () => overlay(4096, 4096, 20_000) },
  'avif-overlay-too-large': { must: 'refused', make: () => overlay(0x7fffffff, 0x7fffffff, 2) },
  'avif-of-another-size': { make: () => lyingSize(16_384, 6103) },
  'avif-too-wide': { must: 'refused', make: () => lyingSize(16_385, 64) },
  'avif-largest-stated-size': { must: 'refused', make: () => lyingSize(0xffffffff, 0xffffffff) },
  'avif-of-many-items': {
    make: async () => {
      const { data } = await codedCell();
      return avifOf(
        Array.from(
          { length: 60_000 },
          (_, index): Item => ({ id: index + 1, type: 'av01', data, size: [cellSide, cellSide] }),
        ),
      );
    },
  },
};
