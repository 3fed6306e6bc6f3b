import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { variantsSchema } from '../../../../../lambdas/image/variant.ts';
import { openOriginal } from '../../../../../lambdas/resize/decoder/originals/open.ts';
import { renderImage } from '../../../../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../../../../lib/settings.ts';
import {
  bytes,
  type Field,
  type Fields,
  type FileOptions,
  long,
  type Page,
  packed,
  rational,
  short,
  text,
  tiffFile,
} from './tiff-file.ts';

type Pixel = readonly number[];

const width = 32;
const height = 24;

/** Red, green, blue and yellow: the quarters of the picture, from the top left to the bottom right. */
const colours: readonly Pixel[] = [
  [152, 45, 38],
  [52, 158, 66],
  [44, 68, 172],
  [214, 190, 60],
];
const greys: readonly Pixel[] = [[45], [163], [90], [211]];

const quarterOf = (x: number, y: number): number => (y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1);

/** Samples of the whole picture, of which each quarter has one colour. */
const picture = (quarters: readonly Pixel[]): readonly Pixel[] =>
  Array.from({ length: width * height }, (_, index) => {
    const pixel = quarters[quarterOf(index % width, Math.floor(index / width))];
    return pixel ?? [];
  });

const rowsOf = (pixels: readonly Pixel[]): readonly (readonly Pixel[])[] =>
  Array.from({ length: height }, (_, y) => pixels.slice(y * width, (y + 1) * width));

type Encode = (samples: readonly number[]) => Buffer;

const floats =
  (write: 'writeFloatLE' | 'writeFloatBE' | 'writeDoubleLE', size: 4 | 8): Encode =>
  (samples) => {
    const buffer = Buffer.alloc(samples.length * size);
    for (const [index, sample] of samples.entries()) buffer[write](sample, index * size);
    return buffer;
  };
const wholes =
  (size: 1 | 2 | 4, isBigEndian = false): Encode =>
  (samples) => {
    const buffer = Buffer.alloc(samples.length * size);
    for (const [index, sample] of samples.entries()) {
      const value = sample < 0 ? sample + 2 ** (8 * size) : sample;
      if (isBigEndian) buffer.writeUIntBE(value, index * size, size);
      else buffer.writeUIntLE(value, index * size, size);
    }
    return buffer;
  };
const bits =
  (count: number): Encode =>
  (samples) =>
    packed(samples, count);

/** IEEE 754 binary16 of positive numbers from 2^-14 to 1. */
const halves: Encode = (samples) =>
  wholes(2)(
    samples.map((sample) => {
      if (sample === 0) return 0;
      const exponent = Math.floor(Math.log2(sample));
      return ((exponent + 15) << 10) | Math.round((sample / 2 ** exponent - 1) * 1023);
    }),
  );

interface Kind {
  readonly photometric: number;
  readonly bits: number;
  readonly encode: Encode;
  readonly fields?: Fields;
  readonly compress?: (strip: Buffer) => Buffer;
  readonly rowsPerStrip?: number;
  readonly options?: FileOptions;
  readonly isPlanar?: boolean;
  /** Width and height. */
  readonly tile?: readonly [number, number];
}

const directory = (samples: number, { photometric, bits: depth, isPlanar = false }: Kind): Fields => ({
  256: short(width),
  257: short(height),
  258: short(...Array.from({ length: samples }, () => depth)),
  259: short(1),
  262: short(photometric),
  277: short(samples),
  284: short(isPlanar ? 2 : 1),
});

const pageOf = (pixels: readonly Pixel[], kind: Kind): Page => {
  const { encode, compress = (strip) => strip, rowsPerStrip = 8, isPlanar = false, tile } = kind;
  const samples = pixels[0]?.length ?? 0;
  const planes = isPlanar
    ? Array.from({ length: samples }, (_, plane) => pixels.map((pixel) => [pixel[plane] ?? 0]))
    : [pixels];
  const [chunkWidth, chunkHeight] = tile ?? [width, rowsPerStrip];
  const chunks: Buffer[] = [];
  for (const rows of planes.map(rowsOf)) {
    const empty = Array.from({ length: rows[0]?.[0]?.length ?? 0 }, () => 0);
    for (let top = 0; top < height; top += chunkHeight) {
      for (let left = 0; left < width; left += chunkWidth) {
        const stored = Array.from(
          { length: tile ? chunkHeight : Math.min(chunkHeight, height - top) },
          (_, y) =>
            encode(Array.from({ length: chunkWidth }, (__, x) => rows[top + y]?.[left + x] ?? empty).flat()),
        );
        chunks.push(compress(Buffer.concat(stored)));
      }
    }
  }
  const size: Fields = tile
    ? { 322: short(chunkWidth), 323: short(chunkHeight) }
    : { 278: short(chunkHeight) };
  return {
    fields: { ...directory(samples, kind), ...size, ...kind.fields },
    chunks,
    isTiled: tile !== undefined,
  };
};

const fileOf = (pixels: readonly Pixel[], kind: Kind): Buffer =>
  tiffFile([pageOf(pixels, kind)], kind.options);

const scaled = (quarters: readonly Pixel[], factor: number): readonly Pixel[] =>
  quarters.map((pixel) => pixel.map((level) => level * factor));
const rounded = (quarters: readonly Pixel[], max: number): readonly Pixel[] =>
  quarters.map((pixel) => pixel.map((level) => Math.round((level / 255) * max)));

const decode = async (file: Buffer) => {
  const image = await openOriginal(file, { heic: false });
  const { raster, damage } = await image.decode({ width: image.width, height: image.height });
  const pixel = (x: number, y: number): readonly number[] => {
    const at = (y * raster.width + x) * raster.channels;
    const samples = [...raster.data.subarray(at, at + raster.channels)];
    const [first = 0] = samples;
    return raster.channels <= 2 ? [first, first, first, ...samples.slice(1)] : samples;
  };
  return { image, raster, damage, pixel };
};

/** Quarters of the decoded picture, from the top left to the bottom right. */
const quartersOf = async (file: Buffer): Promise<readonly Pixel[]> => {
  const { pixel } = await decode(file);
  return [pixel(4, 4), pixel(width - 4, 4), pixel(4, height - 4), pixel(width - 4, height - 4)];
};

const asRgb = (quarters: readonly Pixel[]): readonly Pixel[] =>
  quarters.map((pixel) => (pixel.length === 1 ? [pixel[0] ?? 0, pixel[0] ?? 0, pixel[0] ?? 0] : pixel));

const expectQuarters = async (file: Buffer, expected: readonly Pixel[], tolerance = 1): Promise<void> => {
  const seen = await quartersOf(file);
  asRgb(expected).forEach((pixel, quarter) => {
    pixel.forEach((level, channel) => {
      expect(Math.abs((seen[quarter]?.[channel] ?? Number.NaN) - level)).toBeLessThanOrEqual(tolerance);
    });
  });
};

const inverted = (quarters: readonly Pixel[], max: number): readonly Pixel[] =>
  quarters.map((pixel) => pixel.map((level) => max - level));

const float = short(3, 3, 3);
const signed = short(2);
const grey = { photometric: 1 } as const;
const rgb = { photometric: 2 } as const;

describe('numbers', () => {
  test.each<readonly [string, readonly Pixel[], Kind, readonly Pixel[]]>([
    [
      '32-bit fractions',
      scaled(greys, 1 / 255),
      { ...grey, bits: 32, encode: floats('writeFloatLE', 4), fields: { 339: float } },
      greys,
    ],
    [
      '32-bit fractions of colours',
      scaled(colours, 1 / 255),
      { ...rgb, bits: 32, encode: floats('writeFloatLE', 4), fields: { 339: float } },
      colours,
    ],
    [
      'big-endian fractions',
      scaled(colours, 1 / 255),
      {
        ...rgb,
        bits: 32,
        encode: floats('writeFloatBE', 4),
        fields: { 339: float },
        options: { isBigEndian: true },
      },
      colours,
    ],
    [
      '64-bit fractions',
      scaled(colours, 1 / 255),
      { ...rgb, bits: 64, encode: floats('writeDoubleLE', 8), fields: { 339: float } },
      colours,
    ],
    [
      '16-bit fractions',
      scaled(colours, 1 / 255),
      { ...rgb, bits: 16, encode: halves, fields: { 339: float } },
      colours,
    ],
    [
      'fractions in planes',
      scaled(colours, 1 / 255),
      { ...rgb, bits: 32, encode: floats('writeFloatLE', 4), fields: { 339: float }, isPlanar: true },
      colours,
    ],
    [
      'fractions from 0 to 255',
      greys,
      { ...grey, bits: 32, encode: floats('writeFloatLE', 4), fields: { 339: float } },
      greys,
    ],
    [
      'fractions of which 0 would be white',
      scaled(greys, 1 / 255),
      { photometric: 0, bits: 32, encode: floats('writeFloatLE', 4), fields: { 339: float } },
      greys,
    ],
    ['32-bit numbers', rounded(greys, 2 ** 32 - 1), { ...grey, bits: 32, encode: wholes(4) }, greys],
    [
      '32-bit numbers of colours',
      rounded(colours, 2 ** 32 - 1),
      { ...rgb, bits: 32, encode: wholes(4) },
      colours,
    ],
    ['32-bit numbers up to 255', greys, { ...grey, bits: 32, encode: wholes(4) }, greys],
    [
      '32-bit numbers with signs up to 255',
      [[-3], ...greys.slice(1)],
      { ...grey, bits: 32, encode: wholes(4), fields: { 339: signed } },
      [[0], ...greys.slice(1)],
    ],
    ['16-bit numbers', rounded(colours, 65_535), { ...rgb, bits: 16, encode: wholes(2) }, colours],
    [
      '16-bit numbers with signs',
      [[-32_768], [0], [16_384], [32_767]],
      { ...grey, bits: 16, encode: wholes(2), fields: { 339: signed } },
      [[0], [128], [191], [255]],
    ],
    [
      '8-bit numbers with signs, read as without',
      greys,
      { ...grey, bits: 8, encode: wholes(1), fields: { 339: signed } },
      greys,
    ],
    [
      '24-bit numbers',
      rounded(greys, 2 ** 24 - 1),
      {
        ...grey,
        bits: 24,
        encode: (samples) => Buffer.concat(samples.map((sample) => wholes(4)([sample]).subarray(0, 3))),
      },
      greys,
    ],
  ])('%s', async (_, quarters, kind, expected) => {
    await expectQuarters(fileOf(picture(quarters), kind), expected);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16])('of %i bits have their full range', async (depth) => {
    const max = 2 ** depth - 1;
    const kind = { bits: depth, encode: depth === 16 ? wholes(2) : bits(depth) };
    const levels = rounded(greys, max);
    const expected = scaled(levels, 255 / max);
    await expectQuarters(fileOf(picture(levels), { ...grey, ...kind }), expected);
    await expectQuarters(fileOf(picture(inverted(levels, max)), { ...kind, photometric: 0 }), expected);
    const colourLevels = rounded(colours, max);
    await expectQuarters(fileOf(picture(colourLevels), { ...rgb, ...kind }), scaled(colourLevels, 255 / max));
  });

  test('what is no number is black, and what is beyond white is white', async () => {
    const quarters = [[Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], [0.5]];
    const kind = { ...grey, bits: 32, encode: floats('writeFloatLE', 4), fields: { 339: float } };
    await expectQuarters(fileOf(picture(quarters), kind), [[0], [255], [0], [128]]);
  });

  test('complex numbers are not supported', async () => {
    const kind = { ...grey, bits: 64, encode: floats('writeDoubleLE', 8), fields: { 339: short(6) } };
    await expect(decode(fileOf(picture(greys), kind))).rejects.toMatchObject({
      code: 'unsupported-type',
      message: expect.stringContaining('complex numbers'),
    });
  });
});

const paletteOf = (depth: number, white: number): Field => {
  const map = (channel: number) =>
    Array.from({ length: 2 ** depth }, (_, index) =>
      Math.round(((colours[index]?.[channel] ?? 0) / 255) * white),
    );
  return { type: 'short', values: [map(0), map(1), map(2)].flat() };
};

describe('palettes', () => {
  const indices = picture([[0], [1], [2], [3]]);

  test.each([2, 3, 4, 6, 8, 12, 16])('of %i bits', async (depth) => {
    const encode = depth === 16 ? wholes(2) : bits(depth);
    const kind = { photometric: 3, bits: depth, encode, fields: { 320: paletteOf(depth, 65_535) } };
    await expectQuarters(fileOf(indices, kind), colours);
  });

  test('with colours of 8 bits', async () => {
    const kind = { photometric: 3, bits: 8, encode: wholes(1), fields: { 320: paletteOf(8, 255) } };
    await expectQuarters(fileOf(indices, kind), colours);
  });

  test('with fewer colours than numbers', async () => {
    const kind = { photometric: 3, bits: 8, encode: wholes(1), fields: { 320: paletteOf(2, 65_535) } };
    await expectQuarters(fileOf(indices, kind), colours);
  });

  test('with transparency', async () => {
    const kind = {
      photometric: 3,
      bits: 8,
      encode: wholes(1),
      fields: { 320: paletteOf(8, 65_535), 338: short(2) },
    };
    const pixels = picture([
      [0, 255],
      [1, 128],
      [2, 255],
      [3, 0],
    ]);
    const seen = await quartersOf(fileOf(pixels, kind));
    expect(seen.map((pixel) => pixel[3])).toEqual([255, 128, 255, 0]);
    expect(seen[1]).toEqual([...(colours[1] ?? []), 128]);
  });
});

/** TIFF 6.0, section 21, with the coefficients of ITU-R BT.601 or others. */
const toYcbcr = ([red = 0, green = 0, blue = 0]: Pixel, [r, g, b]: Pixel = [0.299, 0.587, 0.114]): Pixel => {
  const y = (r ?? 0) * red + (g ?? 0) * green + (b ?? 0) * blue;
  return [y, 128 + (blue - y) / (2 - 2 * (b ?? 0)), 128 + (red - y) / (2 - 2 * (r ?? 0))].map(Math.round);
};

/** Blocks of Y, each followed by its Cb and Cr. */
const blocks = (horizontal: number, vertical: number, rows: number): readonly Buffer[] => {
  const at = (x: number, y: number) =>
    toYcbcr(colours[quarterOf(Math.min(x, width - 1), Math.min(y, height - 1))] ?? []);
  const strips: Buffer[] = [];
  for (let top = 0; top < height; top += rows) {
    const values: number[] = [];
    for (let y = top; y < top + rows; y += vertical) {
      for (let x = 0; x < width; x += horizontal) {
        for (let row = 0; row < vertical; row += 1) {
          for (let column = 0; column < horizontal; column += 1) values.push(at(x + column, y + row)[0] ?? 0);
        }
        values.push(...at(x, y).slice(1));
      }
    }
    strips.push(Buffer.from(values));
  }
  return strips;
};

describe('YCbCr', () => {
  const kind = { photometric: 6, bits: 8, encode: wholes(1) };
  const subsampled = (
    horizontal: number,
    vertical: number,
    compress: (strip: Buffer) => Buffer,
    code: number,
  ) =>
    tiffFile([
      {
        fields: { ...directory(3, kind), 259: short(code), 278: short(8), 530: short(horizontal, vertical) },
        chunks: blocks(horizontal, vertical, 8).map(compress),
      },
    ]);

  test.each([
    [1, 1],
    [2, 1],
    [1, 2],
    [2, 2],
    [4, 1],
    [4, 2],
    [4, 4],
  ])('with colours at each %i x %i pixels', async (horizontal, vertical) => {
    await expectQuarters(
      subsampled(horizontal, vertical, (strip) => strip, 1),
      colours,
      2,
    );
    await expectQuarters(
      subsampled(horizontal, vertical, (strip) => deflateSync(strip), 8),
      colours,
      2,
    );
  });

  test('in planes', async () => {
    const pixels = picture(colours.map((colour) => toYcbcr(colour)));
    await expectQuarters(
      fileOf(pixels, { ...kind, isPlanar: true, fields: { 530: short(1, 1) } }),
      colours,
      2,
    );
  });

  test('in tiles', async () => {
    const pixels = picture(colours.map((colour) => toYcbcr(colour)));
    await expectQuarters(
      fileOf(pixels, { ...kind, tile: [16, 16], fields: { 530: short(1, 1) } }),
      colours,
      2,
    );
  });

  test('with other coefficients, and a reference of black and white', async () => {
    const bt709 = [0.213, 0.715, 0.072];
    const studio = colours.map((colour) => {
      const [y = 0, b = 0, r = 0] = toYcbcr(colour, bt709);
      return [16 + (y * 219) / 255, 128 + ((b - 128) * 112) / 127, 128 + ((r - 128) * 112) / 127].map(
        Math.round,
      );
    });
    const fields = {
      530: short(1, 1),
      529: rational(...bt709),
      532: rational(16, 235, 128, 240, 128, 240),
    };
    await expectQuarters(fileOf(picture(studio), { ...kind, fields }), colours, 3);
  });
});

describe('inks and L*a*b*', () => {
  const inks: readonly Pixel[] = [
    [0, 180, 191, 103],
    [171, 0, 149, 97],
    [190, 154, 0, 83],
    [0, 29, 184, 41],
  ];
  const withoutProfile = inks.map(([c = 0, m = 0, y = 0, k = 0]) =>
    [c, m, y].map((ink) => ((255 - ink) * (255 - k)) / 255),
  );
  const cmyk = { photometric: 5, bits: 8, encode: wholes(1) };

  test.each<readonly [string, readonly Pixel[], Kind]>([
    ['8 bits', inks, cmyk],
    ['8 bits in planes', inks, { ...cmyk, isPlanar: true }],
    ['16 bits', inks.map((pixel) => pixel.map((ink) => ink * 257)), { ...cmyk, bits: 16, encode: wholes(2) }],
    [
      'more inks than four',
      inks.map((pixel) => [...pixel, 0]),
      { ...cmyk, fields: { 332: short(2), 334: short(5) } },
    ],
  ])('CMYK of %s without a profile takes light away', async (_, quarters, kind) => {
    await expectQuarters(fileOf(picture(quarters), kind), withoutProfile);
  });

  test('CMYK with a profile for other colours is like CMYK without one', async () => {
    const profile = Buffer.alloc(200);
    profile.write('RGB ', 16);
    profile.write('acsp', 36);
    await expectQuarters(
      fileOf(picture(inks), { ...cmyk, fields: { 34675: bytes(profile) } }),
      withoutProfile,
    );
  });

  test('CMYK with a profile is printed as it says', async () => {
    const profile = (
      await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
        .withIccProfile('cmyk')
        .tiff()
        .toBuffer()
        .then((file) => sharp(file).metadata())
    ).icc;
    const fields = { 34675: bytes(profile ?? Buffer.alloc(0)) };
    const eight = await quartersOf(fileOf(picture(inks), { ...cmyk, fields }));
    const sixteen = inks.map((pixel) => pixel.map((ink) => ink * 257));
    const seen = await quartersOf(fileOf(picture(sixteen), { ...cmyk, bits: 16, encode: wholes(2), fields }));
    expect(seen).toEqual(eight);
    expect(Math.abs((eight[0]?.[1] ?? 0) - (withoutProfile[0]?.[1] ?? 0))).toBeGreaterThan(10);
  });

  // From CIE 15, relative to D50, for the colours above.
  const lab: readonly Pixel[] = [
    [36.0, 44.8, 31.0],
    [57.7, -46.0, 38.1],
    [32.3, 20.6, -59.6],
    [77.4, -1.3, 64.9],
  ];

  test.each<readonly [string, (pixel: Pixel) => Pixel, Kind]>([
    [
      'CIE, 8 bits',
      ([l = 0, a = 0, b = 0]) => [(l * 255) / 100, a, b],
      { photometric: 8, bits: 8, encode: wholes(1) },
    ],
    [
      'CIE, 16 bits',
      ([l = 0, a = 0, b = 0]) => [(l * 65_535) / 100, a * 256, b * 256],
      { photometric: 8, bits: 16, encode: wholes(2) },
    ],
    [
      'ICC, 8 bits',
      ([l = 0, a = 0, b = 0]) => [(l * 255) / 100, a + 128, b + 128],
      { photometric: 9, bits: 8, encode: wholes(1) },
    ],
    [
      'ICC, 16 bits',
      ([l = 0, a = 0, b = 0]) => [l * 652.8, (a + 128) * 256, (b + 128) * 256],
      { photometric: 9, bits: 16, encode: wholes(2) },
    ],
  ])('L*a*b*: %s', async (_, store, kind) => {
    const quarters = lab.map((pixel) => store(pixel).map(Math.round));
    await expectQuarters(fileOf(picture(quarters), kind), colours, 4);
  });
});

describe('light in logarithms', () => {
  /** Runs of single bytes, for each byte of the pixels of a row. */
  const runs =
    (bytesPerPixel: number): Encode =>
    (samples) => {
      const planes = Array.from({ length: bytesPerPixel }, (_, plane) =>
        samples.map((sample) => Math.floor(sample / 256 ** (bytesPerPixel - 1 - plane)) % 256),
      );
      return Buffer.from(planes.flatMap((plane) => [plane.length, ...plane]));
    };
  const logOf = (light: number): number => Math.floor(256 * (Math.log2(light) + 64));
  const fields = { 259: short(34_676), 339: short(2) };

  test('LogL', async () => {
    const quarters = greys.map(([level = 0]) => [logOf((level / 255) ** 2)]);
    const kind = { photometric: 32_844, bits: 16, encode: runs(2), fields };
    await expectQuarters(fileOf(picture(quarters), kind), greys);
  });

  test('LogLuv', async () => {
    // The white that libtiff uses: the same amount of X, Y and Z.
    const quarters = greys.map(([level = 0]) => {
      const [u, v] = [4 / 19, 9 / 19].map((each) => Math.floor(each * 410));
      return [logOf((level / 255) ** 2) * 65_536 + (u ?? 0) * 256 + (v ?? 0)];
    });
    const kind = { photometric: 32_845, bits: 16, encode: runs(4), fields };
    await expectQuarters(fileOf(picture(quarters), kind), greys, 3);
  });

  test('LogLuv with 24 bits is not supported', async () => {
    const kind = { photometric: 32_845, bits: 8, encode: wholes(1), fields: { 259: short(34_677) } };
    await expect(decode(fileOf(picture(colours), kind))).rejects.toMatchObject({ code: 'unsupported-type' });
  });
});

describe('transparency', () => {
  const alphas = [255, 128, 64, 0];
  const withAlpha = colours.map((pixel, quarter) => [...pixel, alphas[quarter] ?? 0]);
  const multiplied = withAlpha.map(([...pixel]) => {
    const alpha = pixel.pop() ?? 0;
    return [...pixel.map((level) => Math.round((level * alpha) / 255)), alpha];
  });
  const shown = withAlpha.slice(0, 3);

  test.each<readonly [string, readonly Pixel[], Fields, Partial<Kind>]>([
    ['unassociated', withAlpha, { 338: short(2) }, {}],
    ['associated', multiplied, { 338: short(1) }, {}],
    ['undeclared', withAlpha, {}, {}],
    [
      'unassociated, as fractions',
      scaled(withAlpha, 1 / 255),
      { 338: short(2), 339: float },
      { bits: 32, encode: floats('writeFloatLE', 4) },
    ],
    [
      'associated, as fractions',
      scaled(multiplied, 1 / 255),
      { 338: short(1), 339: float },
      { bits: 32, encode: floats('writeFloatLE', 4) },
    ],
  ])('%s', async (_, quarters, fields, kind) => {
    const file = fileOf(picture(quarters), { ...rgb, bits: 8, encode: wholes(1), fields, ...kind });
    const seen = await quartersOf(file);
    expect(seen.map((pixel) => pixel[3])).toEqual(alphas);
    await expectQuarters(file, shown, 3);
  });

  test('that is a mask of zeros without a meaning is left out', async () => {
    const quarters = colours.map((pixel) => [...pixel, 0]);
    const file = fileOf(picture(quarters), { ...rgb, bits: 8, encode: wholes(1), fields: { 338: short(0) } });
    await expectQuarters(file, colours);
    expect((await quartersOf(file))[0]).toHaveLength(3);
  });

  test('of several extra samples is the one that says so', async () => {
    const quarters = colours.map((pixel, quarter) => [...pixel, 7, alphas[quarter] ?? 0]);
    const file = fileOf(picture(quarters), {
      ...rgb,
      bits: 8,
      encode: wholes(1),
      fields: { 338: short(0, 2) },
    });
    expect((await quartersOf(file)).map((pixel) => pixel[3])).toEqual(alphas);
  });
});

const packBits = (strip: Buffer): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 0; at < strip.byteLength; at += 128) {
    const part = strip.subarray(at, at + 128);
    parts.push(Buffer.from([part.byteLength - 1]), part);
  }
  return Buffer.concat(parts);
};

/** LZW without any code but those of bytes: a clear code comes before the codes get longer. */
const lzw = (strip: Buffer): Buffer => {
  const codes: number[] = [];
  for (const [index, value] of strip.entries()) {
    if (index % 200 === 0) codes.push(256);
    codes.push(value);
  }
  return packed([...codes, 257], 9);
};

describe('compressions', () => {
  const methods: readonly (readonly [string, number, (strip: Buffer) => Buffer])[] = [
    ['none', 1, (strip) => strip],
    ['LZW', 5, lzw],
    ['Deflate', 8, (strip) => deflateSync(strip)],
    ['Deflate, old number', 32_946, (strip) => deflateSync(strip)],
    ['PackBits', 32_773, packBits],
  ];

  test.each(methods)('%s', async (_, code, compress) => {
    const fields = { 259: short(code) };
    const levels = rounded(colours, 4095);
    await expectQuarters(
      fileOf(picture(colours), { ...rgb, bits: 8, encode: wholes(1), fields, compress }),
      colours,
    );
    await expectQuarters(
      fileOf(picture(levels), { ...rgb, bits: 12, encode: bits(12), fields, compress }),
      colours,
    );
  });

  test.each(methods)('%s, in planes and tiles with edges', async (_, code, compress) => {
    const kind = { ...rgb, bits: 8, encode: wholes(1), fields: { 259: short(code) }, compress };
    await expectQuarters(fileOf(picture(colours), { ...kind, isPlanar: true, tile: [16, 16] }), colours);
    await expectQuarters(fileOf(picture(colours), { ...kind, tile: [10, 7] }), colours);
  });

  test.each(
    [
      [7, 'method 7'],
      [34_926, 'ZSTD'],
      [50_000, 'ZSTD'],
      [50_001, 'WebP'],
      [34_925, 'LZMA'],
      [34_887, 'LERC'],
      [34_712, 'JPEG 2000'],
      [50_002, 'JPEG XL'],
      [34_661, 'JBIG'],
      [12_345, 'method 12345'],
    ].filter(([code]) => code !== 7),
  )('number %i is named %s', async (code, name) => {
    const file = fileOf(picture(colours), {
      ...rgb,
      bits: 8,
      encode: wholes(1),
      fields: { 259: short(Number(code)) },
    });
    await expect(decode(file)).rejects.toMatchObject({
      code: 'unsupported-type',
      message: `The TIFF is compressed with ${name}, which is not supported. Accepted are none, LZW, Deflate, PackBits, JPEG and CCITT.`,
    });
  });

  test.each([
    [32_803, 'raw data of a camera'],
    [34_892, 'linear raw data of a camera'],
    [60_000, 'colours of kind 60000'],
  ])('colours of kind %i are %s', async (photometric, name) => {
    const file = fileOf(picture(colours), { photometric, bits: 8, encode: wholes(1) });
    await expect(decode(file)).rejects.toMatchObject({
      code: 'unsupported-type',
      message: expect.stringContaining(name),
    });
  });

  /** Differences of each sample from the one before it, for TIFF's predictor. */
  const differences =
    (encode: Encode, max: number): Encode =>
    (samples) =>
      encode(samples.map((sample, index) => (sample - (samples[index - 3] ?? 0) + max + 1) % (max + 1)));

  test.each([
    [8, wholes(1)],
    [16, wholes(2)],
    [32, wholes(4)],
  ] as const)('predictor 2 of %i bits', async (depth, encode) => {
    const max = 2 ** depth - 1;
    const fields = { 259: short(8), 317: short(2) };
    const kind = {
      ...rgb,
      bits: depth,
      encode: differences(encode, max),
      fields,
      compress: (strip: Buffer) => deflateSync(strip),
    };
    await expectQuarters(fileOf(picture(rounded(colours, max)), kind), colours);
    await expectQuarters(fileOf(picture(rounded(colours, max)), { ...kind, tile: [16, 8] }), colours);
  });

  test('predictor 3', async () => {
    // Adobe's technical note 3: the highest bytes of all numbers first, as differences.
    const encode: Encode = (samples) => {
      const plain = floats('writeFloatBE', 4)(samples);
      const planes = Buffer.from(
        plain.map((_, index) => {
          const byte = Math.floor(index / samples.length);
          return plain[(index % samples.length) * 4 + byte] ?? 0;
        }),
      );
      return Buffer.from(planes.map((value, index) => value - (planes[index - 3] ?? 0)));
    };
    const fields = { 259: short(8), 317: short(3), 339: float };
    const kind = { ...rgb, bits: 32, encode, fields, compress: (strip: Buffer) => deflateSync(strip) };
    await expectQuarters(fileOf(picture(scaled(colours, 1 / 255)), kind), colours);
  });

  test('bits in reverse order', async () => {
    const reversed = (strip: Buffer): Buffer =>
      Buffer.from(
        strip.map((value) =>
          Number.parseInt(value.toString(2).padStart(8, '0').split('').toReversed().join(''), 2),
        ),
      );
    const fields = { 266: short(2) };
    const levels = rounded(greys, 4095);
    await expectQuarters(
      fileOf(picture(levels), { ...grey, bits: 12, encode: bits(12), fields, compress: reversed }),
      greys,
    );
    await expectQuarters(
      fileOf(picture(greys), { ...grey, bits: 8, encode: wholes(1), fields, compress: reversed }),
      greys,
    );
  });

  describe('JPEG', () => {
    const jpeg = (subsampling: '4:4:4' | '4:2:0', channels: readonly Pixel[] = picture(colours)) => {
      const raw = { width, height, channels: channels[0]?.length === 1 ? 1 : 3 } as const;
      return sharp(Buffer.from(channels.flat()), { raw })
        .toColourspace(raw.channels === 1 ? 'b-w' : 'srgb')
        .jpeg({ quality: 95, chromaSubsampling: subsampling })
        .toBuffer();
    };
    const fieldsOf = (code: number): Fields => ({
      ...directory(3, { photometric: 6, bits: 8, encode: wholes(1) }),
      259: short(code),
      278: short(height),
      530: short(1, 1),
    });

    test('of the whole picture', async () => {
      await expectQuarters(tiffFile([{ fields: fieldsOf(7), chunks: [await jpeg('4:4:4')] }]), colours, 3);
    });

    test('in the old style, as one file', async () => {
      const file = await jpeg('4:4:4');
      const fields = { ...fieldsOf(6), 513: long(8), 514: long(file.byteLength) };
      await expectQuarters(tiffFile([{ fields, chunks: [file] }]), colours, 3);
    });

    test('in the old style, as a strip', async () => {
      await expectQuarters(tiffFile([{ fields: fieldsOf(6), chunks: [await jpeg('4:2:0')] }]), colours, 4);
    });

    test('in the old style, in pieces', async () => {
      const file = await jpeg('4:2:0');
      const tables = new Map<string, Buffer>();
      let at = 2;
      for (; file[at + 1] !== 0xda; at += 2 + file.readUInt16BE(at + 2)) {
        const content = file.subarray(at + 4, at + 2 + file.readUInt16BE(at + 2));
        // One segment may have several tables of 64 bytes.
        if (file[at + 1] === 0xdb) {
          for (let from = 0; from < content.length; from += 65) {
            tables.set(`quantisation ${content[from]}`, content.subarray(from + 1, from + 65));
          }
        }
        if (file[at + 1] !== 0xc4) continue;
        for (let from = 0; from < content.length; ) {
          const codes = content.subarray(from + 1, from + 17).reduce((sum, count) => sum + count, 0);
          tables.set(`huffman ${content[from]}`, content.subarray(from + 1, from + 17 + codes));
          from += 17 + codes;
        }
      }
      const data = file.subarray(at + 2 + file.readUInt16BE(at + 2), -2);
      const names = [
        'quantisation 0',
        'quantisation 1',
        'huffman 0',
        'huffman 1',
        'huffman 16',
        'huffman 17',
      ];
      // The tables come before the only strip.
      const offsets: number[] = [];
      let length = 8;
      const stored = names.map((name) => {
        const table = tables.get(name) ?? Buffer.alloc(0);
        offsets.push(length);
        length += table.byteLength;
        return table;
      });
      const tablesOf = (first: number) => long(...[0, 1, 1].map((index) => offsets[first + index] ?? 0));
      const fields = {
        ...fieldsOf(6),
        273: long(length),
        279: long(data.byteLength),
        519: tablesOf(0),
        520: tablesOf(2),
        521: tablesOf(4),
        530: short(2, 2),
      };
      await expectQuarters(tiffFile([{ fields, chunks: [...stored, data] }]), colours, 4);
    });

    test('in the old style, without tables, is not supported', async () => {
      const file = (await jpeg('4:4:4')).subarray(300);
      await expect(decode(tiffFile([{ fields: fieldsOf(6), chunks: [file] }]))).rejects.toMatchObject({
        code: 'unsupported-type',
        message: expect.stringContaining('old-style JPEG without tables'),
      });
    });

    test('of planes in tiles', async () => {
      const planes = await Promise.all(
        [0, 1, 2].map((channel) => jpeg('4:4:4', picture(colours.map((pixel) => [pixel[channel] ?? 0])))),
      );
      const kind = { ...rgb, bits: 8, encode: wholes(1), isPlanar: true };
      const fields = { ...directory(3, kind), 259: short(7), 322: short(width), 323: short(height) };
      await expectQuarters(tiffFile([{ fields, chunks: planes, isTiled: true }]), colours, 3);
    });

    test('that ends too early shows its beginning', async () => {
      const file = tiffFile([{ fields: fieldsOf(7), chunks: [await jpeg('4:4:4')] }], {
        directoryFirst: true,
      });
      const { damage, pixel } = await decode(file.subarray(0, -60));
      expect(damage).toMatchObject({ kind: 'incomplete' });
      expect(Math.abs((pixel(4, 4)[0] ?? 0) - 152)).toBeLessThan(4);
    });
  });
});

const plain: Kind = { ...rgb, bits: 8, encode: wholes(1) };

describe('directories', () => {
  const page = pageOf(picture(colours), plain);
  const withFields = (fields: Fields, options?: FileOptions): Buffer =>
    tiffFile([{ ...page, fields: { ...page.fields, ...fields } }], options);

  test.each<readonly [string, Buffer]>([
    ['big-endian', withFields({}, { isBigEndian: true })],
    ['BigTIFF', withFields({}, { isBigTiff: true })],
    ['big-endian BigTIFF', withFields({}, { isBigTiff: true, isBigEndian: true })],
    ['out of order', withFields({}, { isUnsorted: true })],
    ['with rubbish behind them', Buffer.concat([withFields({}), Buffer.alloc(999, 'junk')])],
    ['with text without an end', withFields({ 305: text('no end') })],
    ['with text that ends early', withFields({ 305: text('early\0end\0') })],
    ['with numbers for text', withFields({ 305: short(1, 2, 3) })],
    ['with an unknown unit of resolution', withFields({ 296: short(9) })],
    ['with a resolution of 0', withFields({ 282: rational(0), 283: rational(0) })],
    ['with a resolution that is no fraction', withFields({ 282: short(72) })],
    ['with 32-bit numbers for 16-bit ones', withFields({ 258: long(8, 8, 8), 259: long(1), 262: long(2) })],
    ['with bytes for numbers', withFields({ 256: { type: 'byte', values: [width] } })],
    ['with one depth for all samples', withFields({ 258: short(8) })],
    ['without the number of samples', withFields({ 277: undefined })],
    ['without the kind of colours', withFields({ 262: undefined })],
    ['without lengths of strips', withFields({ 279: undefined })],
    ['with lengths of 0', withFields({ 279: long(0, 0, 0) })],
    ['with lengths that are too small', withFields({ 279: long(5, 5, 5) })],
    ['with lengths that are too large', withFields({ 279: long(1e9, 1e9, 1e9) })],
    ['with planes of kind 0', withFields({ 284: short(0) })],
    ['with an unknown orientation', withFields({ 274: short(9) })],
    ['with an unknown predictor', withFields({ 317: short(7) })],
    ['with an unknown format of samples', withFields({ 339: short(0, 0, 0) })],
    ['with a profile that is none', withFields({ 34675: bytes(Buffer.alloc(200, 'x')) })],
    ['with a subdirectory that is none', withFields({ 330: long(8) })],
    [
      'without rows per strip',
      tiffFile([pageOf(picture(colours), { ...plain, rowsPerStrip: height, fields: { 278: undefined } })]),
    ],
    [
      'with endless rows per strip',
      tiffFile([
        pageOf(picture(colours), { ...plain, rowsPerStrip: height, fields: { 278: long(2 ** 32 - 1) } }),
      ]),
    ],
  ])('%s', async (_, file) => {
    await expectQuarters(file, colours);
    expect((await decode(file)).damage).toBeUndefined();
  });

  test.each([
    [1, [0, 1, 2, 3]],
    [2, [1, 0, 3, 2]],
    [3, [3, 2, 1, 0]],
    [4, [2, 3, 0, 1]],
    [5, [0, 2, 1, 3]],
    [6, [2, 0, 3, 1]],
    [7, [3, 1, 2, 0]],
    [8, [1, 3, 0, 2]],
  ] as const)('with orientation %i are upright', async (orientation, order) => {
    for (const kind of [plain, { ...rgb, bits: 12, encode: bits(12) }]) {
      const levels = rounded(colours, 2 ** kind.bits - 1);
      const file = fileOf(picture(levels), { ...kind, fields: { 274: short(orientation) } });
      const { image, pixel } = await decode(file);
      const [right, bottom] = [image.width - 4, image.height - 4];
      expect([image.width, image.height]).toEqual(orientation >= 5 ? [height, width] : [width, height]);
      const seen = [pixel(4, 4), pixel(right, 4), pixel(4, bottom), pixel(right, bottom)];
      expect(seen).toEqual(order.map((quarter) => colours[quarter]));
    }
  });

  test.each<readonly [string, Fields]>([
    ['sound', {}],
    ['with a compression that is not supported', { 259: short(50_000) }],
    ['with strips outside the file', { 273: long(9e8, 9e8, 9e8) }],
    ['of billions of pixels', { 256: long(4e9), 257: long(4e9) }],
  ])('of a second page that is %s do not matter', async (_, fields) => {
    const other = pageOf(picture(inverted(colours, 255)), plain);
    const file = tiffFile([page, { ...other, fields: { ...other.fields, ...fields } }]);
    await expectQuarters(file, colours);
    expect((await openOriginal(file, { heic: false })).frames).toBe(1);
    await expectQuarters(file.subarray(0, -30), colours);
  });

  test('of a first page that is a smaller copy are shown', async () => {
    const file = tiffFile([{ ...page, fields: { ...page.fields, 254: long(1) } }, page]);
    await expectQuarters(file, colours);
  });

  test('with thousands of tags are read', async () => {
    const others = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [40_000 + index, short(index)]),
    );
    await expectQuarters(withFields(others), colours);
  });

  test('that point to each other in a circle are read once', async () => {
    const file = withFields({});
    const at = file.readUInt32LE(4);
    file.writeUInt32LE(at, at + 2 + 12 * file.readUInt16LE(at));
    await expectQuarters(file, colours);
  });

  test.each<readonly [string, Buffer]>([
    ['without a height', withFields({ 257: undefined })],
    ['without strips', withFields({ 273: undefined })],
    ['with strips outside the file', withFields({ 273: long(9e8, 9e8, 9e8) })],
    ['beyond the end of the file', Buffer.from('II*\0\xff\xff\0\0', 'latin1')],
    ['that are empty', Buffer.from('II*\0\x08\0\0\0\0\0\0\0\0\0', 'latin1')],
  ])('%s show nothing', async (_, file) => {
    await expect(decode(file)).rejects.toMatchObject({ code: 'image-corrupt' });
  });

  test('with too many pixels are refused before any is decoded', async () => {
    const file = withFields({ 256: long(1_000_000), 339: float, 258: short(32, 32, 32) });
    const render = renderImage(file, variantsSchema.parse([{ name: 'a' }]), readSettings({}));
    await expect(render).rejects.toMatchObject({ code: 'image-too-large' });
  });
});

describe('damage', () => {
  test.each([
    ['nothing', 1, (strip: Buffer) => strip],
    ['LZW', 5, lzw],
    ['Deflate', 8, (strip: Buffer) => deflateSync(strip, { level: 0 })],
    ['PackBits', 32_773, packBits],
  ] as const)(
    'of a file that was cut off, compressed with %s, leaves the rest transparent',
    async (_, code, compress) => {
      const file = fileOf(picture(colours), {
        ...plain,
        fields: { 259: short(code) },
        compress,
        options: { directoryFirst: true },
      });
      const { damage, pixel } = await decode(file.subarray(0, -400));
      expect(damage).toMatchObject({ kind: 'incomplete' });
      expect(pixel(4, 4)).toEqual([...(colours[0] ?? []), 255]);
      expect(pixel(4, height - 1)[3]).toBe(0);
    },
  );

  test.each([
    ['LZW', 5, lzw],
    ['Deflate', 8, (strip: Buffer) => deflateSync(strip)],
  ] as const)(
    'in the middle of a file that is compressed with %s leaves the other strips',
    async (_, code, compress) => {
      const strips = pageOf(picture(colours), { ...plain, fields: { 259: short(code) }, compress });
      const broken = strips.chunks.map((chunk, index) =>
        index === 1 ? Buffer.alloc(chunk.byteLength, 0xff) : chunk,
      );
      const { damage, pixel } = await decode(tiffFile([{ ...strips, chunks: broken }]));
      expect(damage).toMatchObject({ kind: 'damaged' });
      expect([pixel(4, 4), pixel(4, height - 2)]).toEqual([colours[0], colours[2]]);
    },
  );

  test('of tiles is told as well', async () => {
    const file = fileOf(picture(colours), { ...plain, tile: [16, 16], options: { directoryFirst: true } });
    const { damage, pixel } = await decode(file.subarray(0, -500));
    expect(damage).toMatchObject({ kind: 'incomplete' });
    expect(pixel(4, 4).slice(0, 3)).toEqual(colours[0]);
  });

  test('before the first pixel is corrupt', async () => {
    const file = fileOf(picture(colours), {
      ...plain,
      rowsPerStrip: height,
      options: { directoryFirst: true },
    });
    await expect(decode(file.subarray(0, -width * height * 3 + 20))).rejects.toMatchObject({
      code: 'image-corrupt',
    });
  });

  test('of a fax leaves the rows before it', async () => {
    const fax = await sharp(Buffer.from(picture([[0], [255], [255], [0]]).flat()), {
      raw: { width, height, channels: 1 },
    })
      .toColourspace('b-w')
      .tiff({ compression: 'ccittfax4', bitdepth: 1 })
      .toBuffer();
    await expectQuarters(fax, [[0], [255], [255], [0]]);
    expect((await decode(fax)).damage).toBeUndefined();
  });
});

describe('profiles', () => {
  test.each<readonly [string, readonly Pixel[], Kind]>([
    ['16 bits', rounded(colours, 65_535), { ...rgb, bits: 16, encode: wholes(2) }],
    ['12 bits', rounded(colours, 4095), { ...rgb, bits: 12, encode: bits(12) }],
    [
      'fractions',
      scaled(colours, 1 / 255),
      { ...rgb, bits: 32, encode: floats('writeFloatLE', 4), fields: { 339: float } },
    ],
  ])('are applied to %s as to 8 bits', async (_, quarters, kind) => {
    const { icc = Buffer.alloc(0) } = await sharp(
      await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
        .withIccProfile('p3')
        .png()
        .toBuffer(),
    ).metadata();
    const profile = { 34675: bytes(icc) };
    const expected = await quartersOf(fileOf(picture(colours), { ...plain, fields: profile }));
    expect(Math.abs((expected[0]?.[0] ?? 0) - 152)).toBeGreaterThan(6);
    await expectQuarters(
      fileOf(picture(quarters), { ...kind, fields: { ...kind.fields, ...profile } }),
      expected,
      5,
    );
  });
});

test('a picture that is shrunk keeps its edges where they are', async () => {
  const size = 500;
  const pixels = Buffer.from(
    Array.from({ length: size * size }, (_, index) => (index % size < 0.7 * size ? 20 : 220)),
  );
  const fields: Fields = {
    256: short(size),
    257: short(size),
    258: short(32),
    262: short(1),
    277: short(1),
    278: short(size),
    339: float,
  };
  const file = tiffFile([
    { fields, chunks: [floats('writeFloatLE', 4)([...pixels].map((level) => level / 255))] },
  ]);
  const { raster } = await (await openOriginal(file, { heic: false })).decode({ width: 70, height: 70 });
  const row = [...raster.data.subarray(0, 70 * raster.channels)].filter(
    (__, index) => index % raster.channels === 0,
  );
  const expected = await sharp(pixels, { raw: { width: size, height: size, channels: 1 } })
    .resize({ width: 70, height: 70, fit: 'fill' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  row.forEach((level, x) => {
    expect(Math.abs(level - (expected[x] ?? 0))).toBeLessThanOrEqual(6);
  });
});
