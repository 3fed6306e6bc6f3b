import sharp from 'sharp';
import { variantsSchema } from '../../lambdas/image/variant.ts';
import { renderImage } from '../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../lib/settings.ts';
import { profiles } from './icc-profile.ts';
import { greyAt, height, picture, pixels, rgbAt, width } from './picture.ts';
import { rows } from './rows.ts';
import { samplesOf, tiff } from './tiff-directory.ts';

/*
 * Kinds of files that programs got wrong, as reported in public projects. Chromium's values were measured
 * with version 156. The browser proofs compare these and many more with the Chromium that is installed.
 */

const points = [
  [15, 15],
  [55, 45],
  [95, 105],
] as const;

/** Colours at the points; the fourth number is alpha, 255 if it is missing. A transparent point has none. */
type Colours = readonly [Pixel, Pixel, Pixel];
type Pixel = readonly number[];

const transparent: Pixel = [0, 0, 0, 0];
const right: Colours = [
  [148, 42, 34],
  [126, 126, 126],
  [238, 128, 88],
];
const greyPixel = (x: number, y: number): Pixel => [greyAt(x, y), greyAt(x, y), greyAt(x, y)];
const ofGrey: Colours = [greyPixel(15, 15), greyPixel(55, 45), greyPixel(95, 105)];

const limits = readSettings({});
const variants = variantsSchema.parse([{ name: 'same', format: 'png' }]);

const coloursOf = async (bytes: Buffer): Promise<readonly Pixel[]> => {
  const { thumbnails } = await renderImage(bytes, variants, limits);
  const { data, info } = await sharp(thumbnails[0]?.bytes)
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return points.map(([x, y]) => {
    const at = (y * info.width + x) * 4;
    return [...data.subarray(at, at + 4)];
  });
};

const allowedLevels = 6;

const expectColours = async (bytes: Buffer, expected: Colours) => {
  const seen = await coloursOf(bytes);
  const wrong = expected.flatMap((pixel, index) => {
    const shown = seen[index] ?? [];
    const [, , , alpha = 255] = pixel;
    const isWrong = [...pixel.slice(0, alpha === 0 ? 0 : 3), alpha].some((level, channel) => {
      const from = alpha === 0 ? 3 : channel;
      return Math.abs((shown[from] ?? Number.NaN) - level) > allowedLevels;
    });
    return isWrong ? [{ point: points[index], shown, expected: pixel }] : [];
  });
  expect(wrong).toEqual([]);
};

/** Tiles as high as the picture, padded to a multiple of 16, one after the other for red, green and blue. */
const planarTiles = (): Buffer => {
  const tileHeight = Math.ceil(height / 16) * 16;
  const padding = Buffer.alloc(width * (tileHeight - height));
  const planes = ([0, 1, 2] as const).map((channel) =>
    Buffer.concat([pixels((x, y) => [rgbAt(x, y)[channel]]), padding]),
  );
  const bytes = width * tileHeight;
  return tiff({
    samples: Buffer.concat(planes),
    fields: {
      ...samplesOf(3, 8),
      284: { short: [2] },
      322: { short: [width] },
      323: { short: [tileHeight] },
      324: { long: [8, 8 + bytes, 8 + 2 * bytes] },
      325: { long: [bytes, bytes, bytes] },
    },
  });
};

const make = (name: string) => async (): Promise<Buffer> => {
  const row = rows.find((each) => each.name === name);
  if (row === undefined) throw new Error(`There is no file "${name}"`);
  return Buffer.from(await row.make());
};

const floats = (of: (x: number, y: number) => readonly number[]): Buffer =>
  Buffer.from(Float32Array.from(pixels(of), (level) => level / 255).buffer);

const ycbcr = (x: number, y: number): readonly number[] => {
  const [red, green, blue] = rgbAt(x, y);
  const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
  return [luma, 128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402].map(Math.round);
};

test.each<[number, string, () => Promise<Buffer> | Buffer, Colours]>([
  [1, 'a PNG of 16 bits with an sRGB profile', make('PNG profile: sRGB, 16 bits'), right],
  [
    3,
    'an AVIF of 10 bits with a P3 profile',
    make('AVIF profile: P3, 10 bits'),
    [
      [126, 63, 53],
      [126, 126, 124],
      [212, 142, 119],
    ],
  ],
  [
    4,
    'a TIFF of 16 bits with an Adobe RGB profile',
    () =>
      tiff({
        samples: Buffer.from(Uint16Array.from(pixels(rgbAt), (level) => level * 257).buffer),
        fields: { ...samplesOf(3, 16), 34675: { bytes: profiles.adobe } },
      }),
    [
      [172, 37, 28],
      [127, 127, 127],
      [255, 129, 85],
    ],
  ],
  [
    5,
    'a grey PNG of 16 bits with a profile of gamma 1.8',
    make('PNG profile: grey, 16 bits'),
    [
      [81, 81, 81],
      [144, 145, 144],
      [165, 165, 165],
    ],
  ],
  [
    7,
    'an AVIF of BT.2020 and PQ',
    make('AVIF HDR: BT.2020 and PQ, 10 bits'),
    [
      [145, 0, 13],
      [131, 126, 122],
      [255, 15, 38],
    ],
  ],
  [
    8,
    'a PNG whose code points say P3',
    make('PNG code points: P3 and sRGB'),
    [
      [161, 28, 25],
      [126, 126, 126],
      [255, 120, 77],
    ],
  ],
  [
    9,
    'a PNG of gamma 1',
    make('PNG gamma: 1.0'),
    [
      [200, 113, 102],
      [187, 187, 187],
      [247, 188, 159],
    ],
  ],
  [
    11,
    'a PNG with the chromaticities of P3',
    make('PNG chromaticities: of P3, with gamma'),
    [
      [163, 20, 17],
      [127, 127, 127],
      [255, 121, 76],
    ],
  ],
  [
    12,
    'an AVIF whose colours are multiplied by alpha',
    make('AVIF alpha: premultiplied'),
    [
      [149, 42, 34],
      [126, 126, 126, 128],
      [238, 128, 88, 128],
    ],
  ],
  [
    13,
    'an AVIF sequence',
    make('AVIF sequence: two frames'),
    [
      [152, 31, 22],
      [126, 129, 128],
      [255, 131, 85],
    ],
  ],
  [14, 'an AVIF under the brand mif1', make('AVIF brands: mif1, avif'), right],
  [15, 'an AVIF under the brand miaf', make('AVIF brands: miaf, avif'), right],
  [
    17,
    'a GIF whose first frame is beyond the canvas',
    make('GIF canvas: first frame beyond the canvas'),
    [transparent, [150, 44, 36], [128, 128, 128]],
  ],
  [
    17,
    'a GIF whose first frame is smaller than the canvas',
    make('GIF canvas: first frame smaller'),
    [transparent, [150, 44, 36], transparent],
  ],
  [
    18,
    'a grey TIFF of floats',
    () => tiff({ samples: floats((x, y) => [greyAt(x, y)]), fields: samplesOf(1, 32, 3) }),
    ofGrey,
  ],
  [
    19,
    'an RGB TIFF of floats with a profile',
    () =>
      tiff({ samples: floats(rgbAt), fields: { ...samplesOf(3, 32, 3), 34675: { bytes: profiles.srgb } } }),
    right,
  ],
  [
    20,
    'a grey TIFF of 32-bit integers',
    () =>
      tiff({
        samples: Buffer.from(
          Uint32Array.from(
            pixels((x, y) => [greyAt(x, y)]),
            (level) => level * 0x01010101,
          ).buffer,
        ),
        fields: samplesOf(1, 32),
      }),
    ofGrey,
  ],
  [
    21,
    'a TIFF of YCbCr',
    () =>
      tiff({
        samples: pixels(ycbcr),
        fields: { ...samplesOf(3, 8), 262: { short: [6] }, 530: { short: [1, 1] } },
      }),
    right,
  ],
  [22, 'a JPEG with junk between segments', make('JPEG junk: between segments'), right],
  [24, 'a JPEG with an unknown version of JFIF', make('JPEG segments: JFIF version 2'), right],
  [25, 'a JPEG with a segment too short', make('JPEG segments: a length that is too short'), right],
  [26, 'a JPEG without its end', make('JPEG without its end: baseline, 2 bytes'), right],
  [27, 'a progressive JPEG without its end', make('JPEG without its end: progressive, 2 bytes'), right],
  [28, 'a JPEG that lost a restart marker', make('JPEG restart markers: one is lost'), right],
  [
    29,
    'a JPEG with changed bytes',
    make('JPEG changed bytes: eight bytes of zeros'),
    [
      [148, 41, 33],
      [126, 124, 127],
      [0, 0, 115],
    ],
  ],
  [30, 'a PNG with a wrong Adler-32', make('PNG damaged data: wrong Adler-32'), right],
  [31, 'a PNG with a window too small', make('PNG damaged data: window of 256 bytes'), right],
  [32, 'a GIF with zeros for the trailer', make('GIF damaged: zeros for the trailer'), right],
  [33, 'a GIF with a bad second frame', make('GIF damaged: second frame of rubbish'), right],
  [34, 'a GIF without its last bytes', make('GIF damaged: 5 bytes missing'), right],
  [35, 'an APNG that hides its default image', make('APNG: the default image is hidden'), right],
  [37, 'a TIFF of tiles in separate planes', planarTiles, right],
  [
    36,
    'a TIFF whose second page is broken',
    () => tiff({ samples: pixels(rgbAt), fields: samplesOf(3, 8), next: 0x7fff_0000 }),
    right,
  ],
])('%i: shows %s', async (_number, _name, makeFile, expected) => {
  await expectColours(await makeFile(), expected);
});

test.each<[number, string, () => Promise<Buffer> | Buffer]>([
  [
    38,
    'a TIFF compressed with Zstandard',
    async () =>
      tiff({
        samples: await picture().raw().toBuffer(),
        fields: { ...samplesOf(3, 8), 259: { short: [50_000] } },
      }),
  ],
])('%i: refuses %s as an unsupported type', async (_number, _name, makeFile) => {
  await expect(renderImage(await makeFile(), variants, limits)).rejects.toMatchObject({
    code: 'unsupported-type',
  });
});
