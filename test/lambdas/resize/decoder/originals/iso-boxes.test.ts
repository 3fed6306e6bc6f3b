import {
  boxesIn,
  itemBytes,
  itemSize,
  itemsReferredToBy,
  itemsReferringTo,
  propertiesOf,
  readIsoFile,
} from '../../../../../lambdas/resize/decoder/originals/iso-boxes.ts';
import { codingOf } from '../../../../../lambdas/resize/decoder/originals/iso-coding.ts';
import {
  box,
  fileType,
  fullBox,
  isoFile,
  latin1,
  type TestItem,
  track,
  uint8s,
  uint16s,
  uint32s,
  versionOf,
} from '../../../../iso-files.ts';

const ispe = fullBox('ispe', 0, uint32s(640, 480));
const irot = box('irot', uint8s(1));
const picture: TestItem = { id: 1, type: 'av01', bytes: latin1('picture'), properties: [ispe, irot] };
const thumbnail: TestItem = { id: 2, type: 'jpeg', bytes: latin1('thumbnail'), isHidden: true };

const itemsOf = (bytes: Buffer) => {
  const file = readIsoFile(bytes);
  if (!file?.items) throw new Error('No items were read');
  return { file, items: file.items };
};

const bytesOf = (bytes: Buffer, id: number) => {
  const { file, items } = itemsOf(bytes);
  const item = items.items.get(id);
  const found = item && itemBytes(file, items, item);
  return found && { text: found.bytes.toString('latin1'), isCut: found.isCut };
};

test('reads brands', () => {
  const file = readIsoFile(isoFile({ brands: ['heic', 'mif1', 'heic'] }));
  expect(file).toMatchObject({ majorBrand: 'heic', compatibleBrands: ['mif1', 'heic'], tracks: [] });
  expect(readIsoFile(latin1('GIF89a'))).toBeUndefined();
  expect(readIsoFile(Buffer.alloc(0))).toBeUndefined();
});

test.each([0, 1, 2] as const)('reads items, with tables of version %d', (ilocVersion) => {
  const references = [{ type: 'thmb', from: 2, to: [1] }];
  const { items } = itemsOf(isoFile({ ilocVersion, items: [picture, thumbnail], references }));
  const [first, second] = [...items.items.values()];
  if (!first || !second) throw new Error('Items are missing');
  expect(items.primaryId).toBe(1);
  expect(first).toMatchObject({ id: 1, type: 'av01', isHidden: false });
  expect(second).toMatchObject({ id: 2, type: 'jpeg', isHidden: true, properties: [] });
  expect(first.properties.map(({ type, isEssential }) => [type, isEssential])).toEqual([
    ['ispe', false],
    ['irot', true],
  ]);
  expect(propertiesOf(first, 'irot')[0]?.bytes).toEqual(irot);
  expect(itemSize(first)).toEqual({ width: 640, height: 480 });
  expect(itemSize(second)).toBeUndefined();
  expect(itemsReferringTo(items, 1, 'thmb')).toEqual([second]);
  expect(itemsReferredToBy(items, 2, 'thmb')).toEqual([first]);
  expect(itemsReferringTo(items, 1, 'auxl')).toEqual([]);
});

test.each([
  [0, false, 1],
  [1, false, 3],
  [1, true, 1],
  [2, true, 4],
] as const)(
  'finds bytes by a table of version %d, in idat: %s, in %d places',
  (version, isInIdat, extents) => {
    const bytes = isoFile({
      ilocVersion: version,
      items: [
        { ...thumbnail, isInIdat },
        { ...picture, isInIdat, extents },
      ],
    });
    expect(bytesOf(bytes, 1)).toEqual({ text: 'picture', isCut: false });
    expect(bytesOf(bytes, 2)).toEqual({ text: 'thumbnail', isCut: false });
  },
);

test('says that a file ends before an item does', () => {
  const bytes = isoFile({ items: [picture, thumbnail] });
  const cut = bytes.subarray(0, bytes.byteLength - 4);
  expect(bytesOf(cut, 1)).toEqual({ text: 'picture', isCut: false });
  expect(bytesOf(cut, 2)).toEqual({ text: 'thumb', isCut: true });
});

test('reads tracks', () => {
  const colour = box('colr', latin1('nclx'));
  const file = readIsoFile(
    isoFile({
      brands: ['avis'],
      movie: () => [
        fullBox('mvhd', 0),
        track({ id: 3, width: 64, height: 48, properties: [colour], offset: 1234, sizes: [77, 5] }),
        track({
          id: 4,
          handler: 'auxv',
          width: 64,
          height: 48,
          references: [{ type: 'auxl', to: 3 }],
          offset: 1,
          sizes: [1],
        }),
      ],
    }),
  );
  expect(file?.tracks).toMatchObject([
    {
      id: 3,
      handler: 'pict',
      coding: 'av01',
      width: 64,
      height: 48,
      references: [],
      properties: [{ type: 'colr' }],
      firstPicture: { offset: 1234, length: 77 },
    },
    { id: 4, handler: 'auxv', references: [{ type: 'auxl', to: [3] }] },
  ]);
});

describe('boxes', () => {
  const types = (content: Buffer) => [...boxesIn(content)].map(({ type, isCut }) => [type, isCut]);

  test('may have a size of 8 bytes, or reach to the end', () => {
    const large = Buffer.concat([uint32s(1), latin1('wide'), uint32s(0, 20), latin1('data')]);
    const open = Buffer.concat([uint32s(0), latin1('rest'), latin1('everything')]);
    expect(types(Buffer.concat([large, open]))).toEqual([
      ['wide', false],
      ['rest', false],
    ]);
    expect([...boxesIn(large)][0]?.content.toString('latin1')).toBe('data');
  });

  test('that claim more than there is are cut', () => {
    expect(types(Buffer.concat([uint32s(99), latin1('long')]))).toEqual([['long', true]]);
    expect(types(Buffer.concat([uint32s(1), latin1('long'), uint32s(1, 0)]))).toEqual([['long', true]]);
  });

  test.each([
    ['that are smaller than their header', Buffer.concat([uint32s(7), latin1('tiny'), box('next')])],
    [
      'whose large size is too small',
      Buffer.concat([uint32s(1), latin1('tiny'), uint32s(0, 15), box('next')]),
    ],
    ['without a large size', Buffer.concat([uint32s(1), latin1('tiny')])],
  ])('%s end the list', (_, bytes) => {
    expect(types(Buffer.concat([box('good'), bytes]))).toEqual([['good', false]]);
  });
});

describe('a lie', () => {
  const meta = (...boxes: readonly Buffer[]): Buffer =>
    Buffer.concat([fileType(['avif']), fullBox('meta', 0, ...boxes)]);
  const entry = fullBox('infe', versionOf(2), uint16s(1, 0), latin1('av01\0'));

  test('about numbers of rows leaves the rows that exist', () => {
    const { items } = itemsOf(
      meta(
        fullBox('iinf', 0, uint16s(65_535), entry),
        fullBox(
          'iloc',
          versionOf(2),
          uint8s(0x44, 0),
          uint32s(2 ** 32 - 1, 1),
          uint16s(0, 0, 1),
          uint32s(3, 4),
        ),
        fullBox('iref', 0, box('thmb', uint16s(2, 65_535, 1))),
        box(
          'iprp',
          box('ipco', ispe),
          fullBox('ipma', 0, uint32s(2 ** 32 - 1), uint16s(1), uint8s(255, 1, 0, 9)),
        ),
      ),
    );
    const item = items.items.get(1);
    expect(item?.location).toEqual({ source: 'file', extents: [{ offset: 3, length: 4 }] });
    expect(item?.properties.map(({ type }) => type)).toEqual(['ispe']);
    expect(items.references).toEqual([{ type: 'thmb', from: 2, to: [1] }]);
  });

  test('about rows without any bytes ends the table', () => {
    const rows = Array.from({ length: 1000 }, (_, id) => uint16s(id, 0, 65_535));
    const { items } = itemsOf(
      meta(fullBox('iinf', 0, uint16s(1), entry), fullBox('iloc', 0, uint8s(0, 0), uint16s(1000), ...rows)),
    );
    expect(items.items.get(1)?.location).toBeUndefined();
  });

  test('about widths of numbers loses the table', () => {
    const { items } = itemsOf(
      meta(
        fullBox('iinf', 0, uint16s(1), entry),
        fullBox('iloc', 0, uint8s(0x35, 0x70), uint16s(1), uint32s(1, 1)),
      ),
    );
    expect(items.items.get(1)?.location).toBeUndefined();
  });

  test('about places reads no more bytes than the file has', () => {
    const read = (offset: (id: number) => number, count: number) => {
      const ids = Array.from({ length: count }, (_, index) => index + 1);
      const entries = ids.map((id) => fullBox('infe', versionOf(2), uint16s(id, 0), latin1('av01\0')));
      const places = ids.map((id) => Buffer.concat([uint16s(id, 0, 1), uint32s(offset(id), 5000)]));
      const file = Buffer.concat([
        meta(
          fullBox('iinf', 0, uint16s(count), ...entries),
          fullBox('iloc', 0, uint8s(0x44, 0), uint16s(count), ...places),
        ),
        Buffer.alloc(10_000),
      ]);
      const { file: iso, items } = itemsOf(file);
      return [...items.items.values()].filter((item) => itemBytes(iso, items, item)).length;
    };
    expect(read(() => 4000, 50)).toBe(50);
    expect(read((id) => 3000 + id, 50)).toBeLessThan(4);
  });

  test('about another file is not believed', () => {
    const text = latin1('here');
    const entryOfFile = (method: number) =>
      fullBox('iloc', versionOf(1), uint8s(0x44, 0), uint16s(1, 1, method, 7, 1), uint32s(4, 4));
    const withMethod = (method: number) =>
      meta(fullBox('iinf', 0, uint16s(1), entry), entryOfFile(method), text);
    expect(bytesOf(withMethod(0), 1)).toEqual({ text: 'ftyp', isCut: false });
    expect(bytesOf(withMethod(2), 1)).toBeUndefined();
  });

  test('about what an item is made of has an end', () => {
    const grid = (id: number): TestItem => ({ id, type: 'grid', bytes: Buffer.alloc(8) });
    const references = [
      { type: 'dimg', from: 1, to: [2] },
      { type: 'dimg', from: 2, to: [1] },
    ];
    const file = readIsoFile(isoFile({ items: [grid(1), grid(2)], references }));
    expect(file && codingOf(file)).toBe('grid');
  });
});

test('every cut and every wrong byte is survived', () => {
  const bytes = isoFile({
    items: [picture, { ...thumbnail, isInIdat: true }],
    references: [{ type: 'thmb', from: 2, to: [1] }],
    movie: (offset) => [track({ id: 1, width: 64, height: 48, properties: [ispe], offset, sizes: [7] })],
  });
  const readAll = (file: Buffer): void => {
    const read = readIsoFile(file);
    for (const item of read?.items?.items.values() ?? []) if (read?.items) itemBytes(read, read.items, item);
    if (read) codingOf(read);
  };
  for (let length = 0; length < bytes.byteLength; length += 1) readAll(bytes.subarray(0, length));
  for (let at = 0; at < bytes.byteLength; at += 1) {
    for (const value of [0, 1, 127, 255]) {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      readAll(changed);
    }
  }
  expect(readIsoFile(bytes)?.items?.items.size).toBe(2);
});

test.each([
  ['av01', [{ ...picture, type: 'av01' }], [], 'avif', 'av01'],
  ['the source of a grid', [{ ...picture, type: 'grid' }, thumbnail], [1], 'avif', 'jpeg'],
] as const)('knows the coding of %s', (_, items, made, brand, expected) => {
  const references = made.map((from) => ({ type: 'dimg', from, to: [2] }));
  const file = readIsoFile(isoFile({ brands: [brand], items, references }));
  expect(file && codingOf(file)).toBe(expected);
});

test.each([
  ['avif', 'jpeg'],
  ['avis', 'hvc1'],
  ['mif1', 'hvc1'],
])('with the major brand %s, the coding of both a picture and a sequence is %s', (brand, expected) => {
  const movie = (offset: number) => [
    track({ id: 1, coding: 'hvc1', width: 64, height: 48, offset, sizes: [7] }),
  ];
  const file = readIsoFile(isoFile({ brands: [brand], items: [{ ...picture, type: 'jpeg' }], movie }));
  expect(file && codingOf(file)).toBe(expected);
});
