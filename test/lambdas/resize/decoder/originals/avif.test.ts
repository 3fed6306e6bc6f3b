import sharp, { type Sharp } from 'sharp';
import { ImageError } from '../../../../../lambdas/image/errors.ts';
import { openOriginal } from '../../../../../lambdas/resize/decoder/originals/open.ts';
import type { Raster } from '../../../../../lambdas/resize/decoder/originals/original.ts';
import {
  type Av1Part,
  type Av1Parts,
  alphaType,
  av1Item,
  av1PartsOf,
  gridLayout,
  nclx,
  size,
  srgbSignal,
  withLimitedRange,
} from '../../../../avif-parts.ts';
import { quarteredPicture, quarters } from '../../../../images.ts';
import {
  box,
  fullBox,
  isoFile,
  latin1,
  type TestItem,
  type TestReference,
  track,
  uint8s,
  uint16s,
  uint32s,
} from '../../../../iso-files.ts';

const { red, green, blue, white } = quarters;
const accepted = { heic: true } as const;
const width = 96;
const height = 64;
/** Light of which wide colours and HDR differ. */
const brick = [150, 44, 36] as const;

/** With alpha 60 in the lower half. */
const withAlpha = async (picture: Sharp): Promise<Sharp> => {
  const { data, info } = await picture.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let at = data.byteLength / 2 + 3; at < data.byteLength; at += 4) data[at] = 60;
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } });
};

const flat = (colour: readonly number[], side = 32): Sharp => {
  const [r = 0, g = 0, b = 0] = colour;
  return sharp({ create: { width: side, height: side, channels: 3, background: { r, g, b } } });
};

let parts: Av1Parts;
let other: Av1Parts;
let flatParts: Av1Parts;
let deepParts: Av1Parts;

beforeAll(async () => {
  parts = await av1PartsOf(await withAlpha(quarteredPicture(width, height)));
  other = await av1PartsOf(flat([10, 10, 10]).resize(width, height, { fit: 'fill' }));
  flatParts = await av1PartsOf(flat(brick));
  deepParts = await av1PartsOf(flat(brick), { bitdepth: 10 });
});

const shown = async (bytes: Buffer): Promise<Raster> => {
  const image = await openOriginal(bytes, accepted);
  return (await image.decode(image)).raster;
};

const pixelOf = ({ data, channels, ...raster }: Raster, x: number, y: number): readonly number[] => [
  ...data.subarray((y * raster.width + x) * channels, (y * raster.width + x + 1) * channels),
];

/** Within six levels. */
const expectPixel = (raster: Raster, x: number, y: number, expected: readonly number[]): void => {
  const pixel = pixelOf(raster, x, y);
  const isNear = expected.every((level, index) => Math.abs(level - (pixel[index] ?? -1000)) <= 6);
  expect({ x, y, pixel: isNear ? expected : pixel }).toEqual({ x, y, pixel: expected });
};

/** The four quarters, in reading order. */
const expectQuarters = (raster: Raster, colours: readonly (readonly number[])[]): void => {
  colours.forEach((colour, index) => {
    const x = Math.floor(raster.width * (index % 2 === 0 ? 0.25 : 0.75));
    const y = Math.floor(raster.height * (index < 2 ? 0.25 : 0.75));
    expectPixel(raster, x, y, colour);
  });
};

const upright = [red, green, blue, white];

const codeOf = async (bytes: Buffer): Promise<string> => {
  try {
    await shown(bytes);
    return 'shown';
  } catch (error) {
    if (error instanceof ImageError) return error.code;
    throw error;
  }
};

const still = (item: TestItem, ...more: readonly TestItem[]): Buffer => isoFile({ items: [item, ...more] });

/** With item 2 as the alpha of item 1. */
const withAlphaItem = (
  colour: Av1Part,
  alpha: Av1Part,
  { colours = [srgbSignal], references = [] as readonly TestReference[] } = {},
): Buffer =>
  isoFile({
    items: [av1Item(1, colour, ...colours), av1Item(2, alpha, alphaType)],
    references: [{ type: 'auxl', from: 2, to: [1] }, ...references],
  });

/** The last unit of sharp's pictures is a frame, after the delimiter and the header. */
const withoutLastSize = (bytes: Buffer): Buffer => {
  const frameAt = 4 + (bytes[3] ?? 0);
  let contentAt = frameAt + 1;
  while ((bytes[contentAt] ?? 0) >= 128) contentAt += 1;
  return Buffer.concat([bytes.subarray(0, frameAt), uint8s(0x30), bytes.subarray(contentAt + 1)]);
};

describe('a picture in AV1 is shown', () => {
  test.each(['avif', 'avis', 'mif1', 'msf1', 'miaf', 'MA1A', 'MA1B', 'iso8', 'heic', 'abcd'])(
    'with the major brand %s',
    async (brand) => {
      const items = [av1Item(1, parts.colour, srgbSignal)];
      expectQuarters(await shown(isoFile({ brands: [brand, 'avif', 'mif1'], items })), upright);
    },
  );

  test.each(['mif1', 'msf1', 'miaf', 'MA1A', 'heic'])('with no other brand than %s', async (brand) => {
    const items = [av1Item(1, parts.colour, srgbSignal)];
    expectQuarters(await shown(isoFile({ brands: [brand, brand], items })), upright);
  });

  test.each([
    [0, false],
    [1, false],
    [1, true],
    [2, false],
    [2, true],
  ] as const)(
    'that lies in three places, with a table of version %d, in idat: %s',
    async (version, isInIdat) => {
      const item = { ...av1Item(1, parts.colour, srgbSignal), extents: 3, isInIdat };
      expectQuarters(await shown(isoFile({ ilocVersion: version, items: [item] })), upright);
    },
  );

  test.each([
    [8, '4:2:0'],
    [10, '4:2:0'],
    [10, '4:4:4'],
    [12, '4:2:0'],
    [12, '4:4:4'],
  ] as const)('of %d bits and %s', async (bitdepth, chromaSubsampling) => {
    const { colour } = await av1PartsOf(quarteredPicture(width, height), { bitdepth, chromaSubsampling });
    expectQuarters(await shown(still(av1Item(1, colour, srgbSignal))), upright);
  });

  test('although it has no signal, which the coded picture then gives', async () => {
    expectQuarters(await shown(still(av1Item(1, parts.colour))), upright);
  });

  test('of several temporal units, the first', async () => {
    const bytes = Buffer.concat([parts.colour.bytes, other.colour.bytes]);
    expectQuarters(await shown(still({ ...av1Item(1, parts.colour, srgbSignal), bytes })), upright);
  });

  test('although its last unit has no size', async () => {
    const bytes = withoutLastSize(parts.colour.bytes);
    expectQuarters(await shown(still({ ...av1Item(1, parts.colour, srgbSignal), bytes })), upright);
  });

  test('that is the twin of another item', async () => {
    const bytes = isoFile({
      items: [
        { id: 1, type: 'iden', bytes: Buffer.alloc(0), properties: [size(width, height)] },
        av1Item(2, parts.colour, srgbSignal),
      ],
      references: [{ type: 'dimg', from: 1, to: [2] }],
    });
    expectQuarters(await shown(bytes), upright);
  });

  test('that lies on a canvas', async () => {
    const canvas = [uint8s(0, 0), uint16s(0, 0, 0, 65_535), uint16s(width + 20, height), uint16s(20, 0)];
    const bytes = isoFile({
      items: [
        { id: 1, type: 'iovl', bytes: Buffer.concat(canvas), properties: [size(width + 20, height)] },
        av1Item(2, parts.colour, srgbSignal),
      ],
      references: [{ type: 'dimg', from: 1, to: [2] }],
    });
    const raster = await shown(bytes);
    expectPixel(raster, 10, 10, [0, 0, 0]);
    expectPixel(raster, 25, 5, red);
    expectPixel(raster, width + 15, height - 5, white);
  });

  test('without its tone map', async () => {
    const bytes = isoFile({
      items: [
        { id: 1, type: 'tmap', bytes: Buffer.alloc(62), properties: [size(width, height)] },
        av1Item(2, parts.colour, srgbSignal),
        av1Item(3, other.colour),
      ],
      references: [{ type: 'dimg', from: 1, to: [2, 3] }],
    });
    expectQuarters(await shown(bytes), upright);
  });
});

describe('a sequence is shown by its first picture', () => {
  const sequence = (brands: readonly string[], items: readonly TestItem[] = []): Buffer => {
    const pictures = [parts.colour, other.colour, parts.alpha, parts.alpha];
    const data = Buffer.concat(pictures.map(({ bytes }) => bytes));
    const [first = 0, second = 0, ...alphas] = pictures.map(({ bytes }) => bytes.byteLength);
    const hidden = { id: 9, type: 'data', bytes: data };
    return isoFile({
      brands,
      items: [hidden, ...items],
      primary: items[0]?.id ?? 0,
      movie: (offset) => [
        track({
          id: 1,
          width,
          height,
          properties: [parts.colour.configuration, srgbSignal],
          offset,
          sizes: [first, second],
        }),
        track({
          id: 2,
          handler: 'auxv',
          width,
          height,
          properties: [parts.alpha.configuration],
          references: [{ type: 'auxl', to: 1 }],
          offset: offset + first + second,
          sizes: alphas,
        }),
      ],
    });
  };

  test.each(['avis', 'msf1', 'avif'])('with the major brand %s', async (brand) => {
    const raster = await shown(sequence([brand, 'avis', 'msf1']));
    expectQuarters(raster, [
      [...red, 255],
      [...green, 255],
      [...blue, 60],
      [...white, 60],
    ]);
  });

  test.each([
    ['avis', red],
    ['msf1', red],
    ['avif', [10, 10, 10]],
  ] as const)('or by its still picture: with the major brand %s', async (brand, expected) => {
    const raster = await shown(sequence([brand, 'avif', 'avis'], [av1Item(1, other.colour, srgbSignal)]));
    expectPixel(raster, 10, 10, expected);
  });
});

describe('the place of a picture', () => {
  const rotation = (quarterTurns: number): Buffer => box('irot', uint8s(quarterTurns));
  const mirror = (axis: number): Buffer => box('imir', uint8s(axis));
  /** Width and height, and how far its centre is from that of the picture, in halves. */
  const crop = (w: number, h: number, x: number, y: number): Buffer =>
    box('clap', uint32s(w, 1, h, 1, 2 ** 32 + x, 2, 2 ** 32 + y, 2));

  test.each([
    [[rotation(1)], [green, white, red, blue]],
    [[rotation(2)], [white, blue, green, red]],
    [[mirror(0)], [blue, white, red, green]],
    [[mirror(1)], [green, red, white, blue]],
    [
      [mirror(1), rotation(1)],
      [white, green, blue, red],
    ],
  ] as const)('is turned before it is mirrored (%#)', async (turns, expected) => {
    expectQuarters(await shown(still(av1Item(1, parts.colour, srgbSignal, ...turns))), expected);
  });

  test('is that of its alpha, though only the colours are turned', async () => {
    const bytes = withAlphaItem(parts.colour, parts.alpha, { colours: [srgbSignal, rotation(1)] });
    expectQuarters(await shown(bytes), [
      [...green, 255],
      [...white, 60],
      [...red, 255],
      [...blue, 60],
    ]);
  });

  test('is cropped from the upper left corner, before it is turned', async () => {
    const file = still(av1Item(1, parts.colour, srgbSignal, rotation(1), crop(48, 64, -48, 0)));
    const raster = await shown(file);
    expect([raster.width, raster.height]).toEqual([64, 48]);
    expectQuarters(raster, [red, blue, red, blue]);
  });

  test.each([
    ['another corner', crop(48, 64, 48, 0)],
    ['more than it has', crop(200, 64, 104, 0)],
    ['nothing', crop(0, 64, -96, 0)],
  ])('is not cropped to %s', async (_, clap) => {
    const raster = await shown(still(av1Item(1, parts.colour, srgbSignal, clap)));
    expect([raster.width, raster.height]).toEqual([width, height]);
  });

  test('does not depend on the shape of its pixels, nor on EXIF', async () => {
    const tiff = Buffer.concat([
      latin1('\0\0\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0'),
      uint32s(0),
    ]);
    const bytes = isoFile({
      items: [
        av1Item(1, parts.colour, srgbSignal, box('pasp', uint32s(2, 1))),
        { id: 2, type: 'Exif', bytes: tiff },
      ],
      references: [{ type: 'cdsc', from: 2, to: [1] }],
    });
    const raster = await shown(bytes);
    expect([raster.width, raster.height]).toEqual([width, height]);
    expectQuarters(raster, upright);
  });
});

describe('a grid', () => {
  const tileSide = 64;
  let tiles: readonly Av1Parts[];

  beforeAll(async () => {
    tiles = await Promise.all(
      [red, green, blue, white].map(async (colour) => av1PartsOf(await withAlpha(flat(colour, tileSide)))),
    );
  });

  const grid = (
    [w, h]: readonly [number, number],
    {
      own = [srgbSignal] as readonly Buffer[],
      ofTiles = [] as readonly Buffer[],
      more = [] as readonly TestItem[],
      references = [] as readonly TestReference[],
    } = {},
  ): Buffer =>
    isoFile({
      items: [
        { id: 1, type: 'grid', bytes: gridLayout(2, 2, w, h), properties: [size(w, h), ...own] },
        ...tiles.map(({ colour }, index) => ({ ...av1Item(index + 2, colour, ...ofTiles), isHidden: true })),
        ...more,
      ],
      references: [{ type: 'dimg', from: 1, to: [2, 3, 4, 5] }, ...references],
    });

  test.each([
    [128, 128],
    [127, 101],
    [65, 65],
  ] as const)('of %d x %d pixels is put together', async (w, h) => {
    const raster = await shown(grid([w, h]));
    expect([raster.width, raster.height]).toEqual([w, h]);
    expectPixel(raster, 5, 5, red);
    expectPixel(raster, w - 1, 5, green);
    expectPixel(raster, 5, h - 1, blue);
    expectPixel(raster, w - 1, h - 1, white);
  });

  test('is turned as a whole, though its tiles claim to be turned as well', async () => {
    const turn = box('irot', uint8s(1));
    const raster = await shown(grid([128, 120], { own: [srgbSignal, turn], ofTiles: [srgbSignal, turn] }));
    expect([raster.width, raster.height]).toEqual([120, 128]);
    expectQuarters(raster, [green, white, red, blue]);
  });

  test('has the alpha of its tiles', async () => {
    const more = tiles.map(({ alpha }, index) => av1Item(index + 12, alpha, alphaType));
    const references = [2, 3, 4, 5].map((id) => ({ type: 'auxl', from: id + 10, to: [id] }));
    const raster = await shown(grid([128, 128], { more, references }));
    expectPixel(raster, 10, 10, [...red, 255]);
    expectPixel(raster, 10, 50, [...red, 60]);
    expectPixel(raster, 100, 120, [...white, 60]);
  });

  test('has the colours of its first tile if it has none', async () => {
    const withOwn = await shown(grid([128, 128]));
    const inherited = await shown(grid([128, 128], { own: [], ofTiles: [nclx(9, 16, 9, true)] }));
    expectPixel(withOwn, 10, 10, red);
    expect(pixelOf(inherited, 10, 10)).not.toEqual(pixelOf(withOwn, 10, 10));
  });

  test.each([
    ['is cut off', (bytes: Buffer) => bytes.subarray(0, bytes.byteLength - 10)],
    [
      'cannot be decoded',
      (bytes: Buffer) => {
        const last = tiles[3]?.colour.bytes.byteLength ?? 0;
        return Buffer.concat([bytes.subarray(0, bytes.byteLength - last), Buffer.alloc(last, 0x55)]);
      },
    ],
  ])('of which a tile %s is corrupt, not partly filled', async (_, damage) => {
    expect(await codeOf(damage(grid([128, 128])))).toBe('image-corrupt');
  });

  test.each([
    [100, 'image-too-large'],
    [250, 'image-corrupt'],
  ])('of %i² times the same tile is refused without a crash', async (side, code) => {
    const [tile] = tiles;
    if (tile === undefined) throw new Error('There is no tile.');
    const file = isoFile({
      items: [
        { id: 1, type: 'grid', bytes: gridLayout(side, side, 64, 64), properties: [size(64, 64)] },
        { ...av1Item(2, tile.colour), isHidden: true },
      ],
      references: [{ type: 'dimg', from: 1, to: Array.from({ length: side * side }, () => 2) }],
    });
    expect(await codeOf(file)).toBe(code);
  });

  test('of which a tile is missing or has another size is corrupt', async () => {
    const [missing, larger] = [
      [2, 3, 4, 99],
      [2, 3, 4, 6],
    ].map((to) =>
      isoFile({
        items: [
          {
            id: 1,
            type: 'grid',
            bytes: gridLayout(2, 2, 128, 128),
            properties: [size(128, 128), srgbSignal],
          },
          ...tiles.map(({ colour }, index) => av1Item(index + 2, colour)),
          av1Item(6, parts.colour),
        ],
        references: [{ type: 'dimg', from: 1, to }],
      }),
    );
    expect(await codeOf(missing ?? Buffer.alloc(0))).toBe('image-corrupt');
    expect(await codeOf(larger ?? Buffer.alloc(0))).toBe('image-corrupt');
  });
});

describe('colours', () => {
  test.each([
    ['Display P3', nclx(12, 13, 6, true), [165, 32, 30]],
    ['BT.2020 with PQ', nclx(9, 16, 6, true), [244, 0, 0]],
    ['an unspecified space', nclx(2, 2, 6, true), brick],
    ['the curve of a camera', nclx(1, 1, 6, true), brick],
  ] as const)('are those of %s', async (_, signal, expected) => {
    expectPixel(await shown(still(av1Item(1, flatParts.colour, signal))), 16, 16, expected);
    expectPixel(await shown(still(av1Item(1, deepParts.colour, signal))), 16, 16, expected);
  });

  test.each([8, 10] as const)('of %d bits with a profile are those of the profile', async (bitdepth) => {
    const { icc } = await sharp(await flat(brick).withIccProfile('p3').png().toBuffer()).metadata();
    const { colour } = await av1PartsOf(flat(brick), { bitdepth });
    const profile = box('colr', latin1('prof'), icc ?? Buffer.alloc(0));
    expectPixel(await shown(still(av1Item(1, colour, srgbSignal, profile))), 16, 16, [165, 32, 29]);
  });

  test('of HDR are brighter if the brightest pixel has less light', async () => {
    const light = (peak: number) => box('clli', uint16s(peak, 100));
    const grey = await av1PartsOf(flat([120, 120, 120]), { bitdepth: 10 });
    const levelAt = async (peak: number): Promise<number> => {
      const item = av1Item(1, grey.colour, nclx(9, 16, 9, true), light(peak));
      return pixelOf(await shown(still(item)), 16, 16)[0] ?? 0;
    };
    expect(await levelAt(400)).toBeGreaterThan((await levelAt(1000)) + 5);
  });

  test('of grey in limited range are stretched', async () => {
    const [y, full] = [height - 10, 60];
    const grey = (range: boolean) => still(av1Item(1, parts.alpha, nclx(1, 13, 6, range)));
    expectPixel(await shown(grey(true)), 10, y, [full, full, full]);
    const limited = ((full - 16) * 255) / 219;
    expectPixel(await shown(grey(false)), 10, y, [limited, limited, limited]);
  });

  test('of grey have the curve of their profile', async () => {
    const { icc } = await sharp(await flat(brick).withIccProfile('p3').png().toBuffer()).metadata();
    const profile = box('colr', latin1('prof'), icc ?? Buffer.alloc(0));
    const raster = await shown(still(av1Item(1, parts.alpha, srgbSignal, profile)));
    expectPixel(raster, 10, height - 10, [60, 60, 60]);
  });

  test('are not multiplied by alpha', async () => {
    const background = { r: 60, g: 30, b: 10, alpha: 128 / 255 };
    const multiplied = await av1PartsOf(
      sharp({ create: { width: 32, height: 32, channels: 4, background } }),
    );
    const bytes = withAlphaItem(multiplied.colour, multiplied.alpha, {
      references: [{ type: 'prem', from: 1, to: [2] }],
    });
    const raster = await shown(bytes);
    expectPixel(raster, 16, 16, [120, 60, 20, 128]);
    const plain = withAlphaItem(multiplied.colour, multiplied.alpha);
    expectPixel(await shown(plain), 16, 16, [60, 30, 10, 128]);
  });
});

describe('colours that are multiplied by alpha', () => {
  const multiplied = { references: [{ type: 'prem', from: 1, to: [2] }] };

  /** Opaque on the left, and nothing on the right, with an edge of one pixel. */
  const halfShown = (): Promise<Av1Parts> => {
    const data = Buffer.alloc(64 * 64 * 4);
    for (let at = 0; at < data.byteLength; at += 4) if ((at / 4) % 64 < 31) data.set([90, 60, 30, 255], at);
    return av1PartsOf(sharp(data, { raw: { width: 64, height: 64, channels: 4 } }));
  };

  test('keep their colour where alpha has an edge', async () => {
    const { colour, alpha } = await halfShown();
    const image = await openOriginal(withAlphaItem(colour, alpha, multiplied), accepted);
    const { raster } = await image.decode({ width: 16, height: 16 });
    const [r = 0, g = 0, b = 0, edge = 0] = pixelOf(raster, 7, 8);
    expect(edge).toBeGreaterThan(100);
    expect(edge).toBeLessThan(240);
    expect([r, g, b].map((level, index) => Math.abs(level - ([90, 60, 30][index] ?? 0)) <= 8)).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('have the colours of their profile', async () => {
    const { icc } = await sharp(await flat(brick).withIccProfile('p3').png().toBuffer()).metadata();
    const [r, g, b] = brick.map((level) => Math.round(level / 2));
    const half = sharp({
      create: { width: 32, height: 32, channels: 4, background: { r, g, b, alpha: 0.5 } },
    });
    const { colour, alpha } = await av1PartsOf(half);
    const profile = box('colr', latin1('prof'), icc ?? Buffer.alloc(0));
    const bytes = withAlphaItem(colour, alpha, { ...multiplied, colours: [srgbSignal, profile] });
    expectPixel(await shown(bytes), 16, 16, [165, 32, 29, 128]);
  });

  test('are turned with their alpha', async () => {
    const colours = [srgbSignal, box('irot', uint8s(2))];
    const { colour, alpha } = await halfShown();
    const raster = await shown(withAlphaItem(colour, alpha, { ...multiplied, colours }));
    expectPixel(raster, 60, 30, [90, 60, 30, 255]);
    expect(pixelOf(raster, 4, 30)[3]).toBeLessThan(6);
  });
});

describe('alpha', () => {
  test.each([8, 10, 12] as const)('of %d bits is shown', async (bitdepth) => {
    const deep = await av1PartsOf(await withAlpha(quarteredPicture(width, height)), { bitdepth });
    const raster = await shown(withAlphaItem(deep.colour, deep.alpha));
    expectPixel(raster, 10, 10, [...red, 255]);
    expectPixel(raster, 10, height - 10, [...blue, 60]);
  });

  test('of limited range is stretched', async () => {
    const raster = await shown(withAlphaItem(parts.colour, withLimitedRange(parts.alpha)));
    expectPixel(raster, 10, 10, [...red, 255]);
    expectPixel(raster, 10, height - 10, [...blue, ((60 - 16) * 255) / 219]);
  });

  test('of half the size covers the whole picture', async () => {
    const half = await av1PartsOf(await withAlpha(quarteredPicture(width / 2, height / 2)));
    const raster = await shown(withAlphaItem(parts.colour, half.alpha));
    expectPixel(raster, 10, 10, [...red, 255]);
    expectPixel(raster, width - 10, height - 10, [...white, 60]);
  });

  test('is no depth map', async () => {
    const depth = fullBox('auxC', 0, latin1('urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0'));
    const bytes = isoFile({
      items: [av1Item(1, parts.colour, srgbSignal), av1Item(2, parts.alpha, depth)],
      references: [{ type: 'auxl', from: 2, to: [1] }],
    });
    expectPixel(await shown(bytes), 10, height - 10, blue);
  });
});

describe('what does not matter', () => {
  const outside = { id: 7, type: 'av01', bytes: Buffer.alloc(0) };

  test.each([
    ['a thumbnail without bytes', [outside], [{ type: 'thmb', from: 7, to: [1] }]],
    ['EXIF without bytes', [{ ...outside, type: 'Exif' }], [{ type: 'cdsc', from: 7, to: [1] }]],
    [
      'a thumbnail that cannot be decoded',
      [{ ...outside, bytes: Buffer.alloc(99, 1) }],
      [{ type: 'thmb', from: 7, to: [1] }],
    ],
    ['alpha that does not exist', [], [{ type: 'auxl', from: 8, to: [1] }]],
    ['alpha of nothing', [outside], [{ type: 'auxl', from: 7, to: [8] }]],
  ] as const)('%s', async (_, more, references) => {
    const bytes = isoFile({ items: [av1Item(1, parts.colour, srgbSignal), ...more], references });
    expectQuarters(await shown(bytes), upright);
  });

  test.each([
    ['unknown properties', () => still(av1Item(1, parts.colour, srgbSignal, box('abcd', uint32s(1))))],
    ['boxes after the last one', () => Buffer.concat([plain(), box('free', Buffer.alloc(99)), uint8s(1, 2)])],
    ['a wrong length of the last box', () => overwritten(plain(), 'mdat', 9999)],
    ['a length that reaches to the end', () => overwritten(plain(), 'mdat', 0)],
  ])('%s', async (_, make) => {
    expectQuarters(await shown(make()), upright);
  });

  const plain = () => still(av1Item(1, parts.colour, srgbSignal));

  /** Gives a box another length. */
  const overwritten = (bytes: Buffer, type: string, length: number): Buffer => {
    bytes.writeUInt32BE(length, bytes.indexOf(type) - 4);
    return bytes;
  };
});

describe('is refused', () => {
  test('as corrupt: a file that ends within its picture', async () => {
    const bytes = still(av1Item(1, parts.colour, srgbSignal));
    expect(await codeOf(bytes.subarray(0, bytes.byteLength - 1))).toBe('image-corrupt');
    expect(await codeOf(bytes.subarray(0, 100))).toBe('image-corrupt');
  });

  test.each([
    ['jpeg', /JPEG in a HEIF container/],
    ['avc1', /AVC in a HEIF container/],
    ['vvc1', /VVC in a HEIF container/],
    ['j2k1', /JPEG 2000 in a HEIF container/],
    ['unci', /uncompressed in a HEIF container/],
    ['ab\x01d', /"ab\?d" in a HEIF container/],
  ])('by name: a file whose coding is %j', async (type, detail) => {
    const bytes = isoFile({ items: [{ ...av1Item(1, parts.colour, srgbSignal), type }] });
    await expect(openOriginal(bytes, accepted)).rejects.toMatchObject({
      code: 'unsupported-type',
      message: expect.stringMatching(detail),
    });
  });
});

describe('the size that is limited', () => {
  test('is also that of the coded picture, though it is stretched to what the container says', async () => {
    const { bytes, properties = [] } = av1Item(1, parts.colour, srgbSignal);
    const [, ...others] = properties;
    const claiming = (w: number, h: number, ...turns: readonly Buffer[]) =>
      openOriginal(
        still({ id: 1, type: 'av01', bytes, properties: [size(w, h), ...others, ...turns] }),
        accepted,
      );
    const image = await claiming(40, 80);
    expect([image.width, image.height, image.coded]).toEqual([40, 80, { width, height }]);
    expectQuarters((await image.decode(image)).raster, upright);
    const turned = await claiming(40, 80, box('irot', uint8s(1)));
    expect([turned.width, turned.height, turned.coded]).toEqual([80, 40, { width: height, height: width }]);
    expectQuarters((await turned.decode(turned)).raster, [green, white, red, blue]);
    const nothing = await claiming(0, 80);
    expect([nothing.width, nothing.height]).toEqual([width, height]);
  });

  test('is not exceeded by the tiles of a grid', async () => {
    const { colour } = await av1PartsOf(flat(red, 64));
    const count = 32;
    const bytes = isoFile({
      items: [
        {
          id: 1,
          type: 'grid',
          bytes: gridLayout(count, count, 64, 64),
          properties: [size(64, 64), srgbSignal],
        },
        av1Item(2, colour),
      ],
      references: [{ type: 'dimg', from: 1, to: Array.from({ length: count ** 2 }, () => 2) }],
    });
    await expect(openOriginal(bytes, accepted)).rejects.toMatchObject({ code: 'image-too-large' });
  });
});
