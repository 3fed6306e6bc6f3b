import sharp from 'sharp';
import { verifyThumbnail } from '../../../../lambdas/image/thumbnail-file.ts';
import { variantsSchema } from '../../../../lambdas/image/variant.ts';
import { renderImage } from '../../../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../../../lib/settings.ts';

const limits = readSettings({});

type Colour = readonly [number, number, number];
type Format = 'webp' | 'jpeg' | 'avif' | 'png';

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Buffer;
}

const drawn = (width: number, height: number, colourAt: (x: number, y: number) => Colour): Picture => {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) pixels.set(colourAt(x, y), (y * width + x) * 3);
  }
  return { width, height, pixels };
};

const imageOf = ({ width, height, pixels }: Picture) =>
  sharp(pixels, { raw: { width, height, channels: 3 } });

const pngOf = (picture: Picture): Promise<Buffer> => imageOf(picture).png().toBuffer();

/** Numbers from 0 to 1 that are the same in each run. */
const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const palette: readonly Colour[] = [
  [0, 0, 0],
  [255, 0, 77],
  [41, 173, 255],
  [0, 228, 54],
  [255, 236, 39],
  [131, 118, 156],
];

/** Cells of a few strong colours. */
const pixelArt = (side: number, cell: number): Picture => {
  const random = randomOf(side);
  const across = Math.ceil(side / cell);
  const cells = Array.from({ length: across ** 2 }, () => Math.floor(random() * palette.length));
  return drawn(side, side, (x, y) => {
    const index = cells[Math.floor(y / cell) * across + Math.floor(x / cell)] ?? 0;
    return palette[index] ?? [0, 0, 0];
  });
};

/** Colours that turn through the hues, each in a square of its own. */
const swatches = (colours: number): Picture => {
  const across = Math.ceil(Math.sqrt(colours));
  return drawn(across * 4, across * 4, (x, y) => {
    const hue = ((Math.floor(y / 4) * across + Math.floor(x / 4)) % colours) / colours;
    const level = (shift: number) => Math.round(127.5 * (1 + Math.cos(2 * Math.PI * (hue + shift))));
    return [level(0), level(1 / 3), level(2 / 3)];
  });
};

/** Light, shade and colour of all sizes, with the noise of a sensor. */
const photo = (width: number, height: number, { colour = 1, gain = 1, noise = 6 } = {}): Picture => {
  const random = randomOf(7);
  const clip = (level: number) => Math.max(0, Math.min(255, Math.round(level * gain)));
  return drawn(width, height, (x, y) => {
    const light = 110 + 60 * Math.sin(x / 37 + 2) * Math.cos(y / 29) + 25 * Math.sin((x + 2 * y) / 9);
    const speck = (random() - 0.5) * 2 * noise;
    const tint = colour * 40 * Math.sin(x / 51 + y / 43);
    return [clip(light + tint + speck), clip(light + speck), clip(light - tint + speck)];
  });
};

const render = async (image: Buffer, format: Format, options: object = {}): Promise<Buffer> => {
  const variants = variantsSchema.parse([{ name: 'thumbnail', format, ...options }]);
  const { thumbnails } = await renderImage(image, variants, limits);
  const bytes = Buffer.from(thumbnails[0]?.bytes ?? []);
  verifyThumbnail(bytes, { format, maxWidth: 320, maxHeight: 320 });
  return bytes;
};

const levelsOf = (image: Buffer): Promise<Buffer> =>
  sharp(image).removeAlpha().toColourspace('srgb').raw().toBuffer();

/** Differences of levels between a thumbnail and the picture itself. */
const differences = async (thumbnail: Buffer, { pixels }: Picture) => {
  const levels = await levelsOf(thumbnail);
  expect(levels.byteLength).toBe(pixels.byteLength);
  const each = [...levels].map((level, at) => Math.abs(level - (pixels[at] ?? 0)));
  return {
    mean: each.reduce((sum, one) => sum + one, 0) / each.length,
    most: each.reduce((most, one) => Math.max(most, one), 0),
  };
};

describe('graphics as WebP', () => {
  test.each([
    ['pixel art of 8 x 8 px', pixelArt(8, 1)],
    ['pixel art of 32 x 32 px', pixelArt(32, 1)],
    ['pixel art of 300 x 300 px', pixelArt(300, 10)],
    ['pixel art whose cells are single pixels', pixelArt(200, 1)],
    ['a palette of 2 colours', swatches(2)],
    ['a palette of 16 colours', swatches(16)],
    ['a palette of 256 colours', swatches(256)],
    ['one pixel', pixelArt(1, 1)],
    ['a line of pixels', drawn(300, 1, (x) => palette[x % 5] ?? [0, 0, 0])],
    ['plain colour', drawn(300, 200, () => [200, 30, 30])],
  ])('%s come out as they are', async (_, picture) => {
    const { mean, most } = await differences(await render(await pngOf(picture), 'webp'), picture);
    expect(mean).toBeLessThan(1);
    expect(most).toBeLessThanOrEqual(3);
  });

  test('are not much larger for it', async () => {
    for (const picture of [pixelArt(32, 1), pixelArt(300, 10), swatches(256)]) {
      const usual = await imageOf(picture).webp({ quality: 80, effort: 2 }).toBuffer();
      const thumbnail = await render(await pngOf(picture), 'webp');
      expect(thumbnail.byteLength).toBeLessThanOrEqual(1.5 * usual.byteLength + 1024);
    }
  });

  test('keep their transparency', async () => {
    const pixels = Buffer.alloc(40 * 40 * 4);
    for (let at = 0; at < 1600; at += 1) {
      const [x, y] = [at % 40, Math.floor(at / 40)];
      const colour = palette[1 + (Math.floor(x / 5) % 4)] ?? [0, 0, 0];
      pixels.set(y % 10 < 5 ? [...colour, 255 - Math.floor(x / 20) * 100] : [0, 0, 0, 0], at * 4);
    }
    const image = await sharp(pixels, { raw: { width: 40, height: 40, channels: 4 } })
      .png()
      .toBuffer();
    const thumbnail = await sharp(await render(image, 'webp'))
      .raw()
      .toBuffer();
    expect(thumbnail.equals(pixels)).toBe(true);
  });
});

test.each([
  ['of noise', photo(320, 240, { noise: 40 })],
  ['that is dark', photo(320, 240, { gain: 0.1 })],
  ['that is almost black', photo(320, 240, { gain: 0.03 })],
  ['that is smooth', photo(320, 240, { noise: 0 })],
  ['in black and white', photo(320, 240, { colour: 0 })],
  ['of 64 x 48 px', photo(64, 48)],
  ['of 16 x 12 px', photo(16, 12)],
])('a photo %s has the same bytes as ever', async (_, picture) => {
  const png = await pngOf(picture);
  expect(
    (await render(png, 'webp')).equals(await imageOf(picture).webp({ quality: 80, effort: 2 }).toBuffer()),
  ).toBe(true);
  expect((await render(png, 'jpeg')).equals(await imageOf(picture).jpeg({ quality: 80 }).toBuffer())).toBe(
    true,
  );
  expect(
    (await render(png, 'avif')).equals(await imageOf(picture).avif({ quality: 50, effort: 2 }).toBuffer()),
  ).toBe(true);
});

test('graphics as JPEG keep the full resolution of their colours', async () => {
  const chroma = async (picture: Picture) =>
    (await sharp(await render(await pngOf(picture), 'jpeg')).metadata()).chromaSubsampling;
  expect(await chroma(pixelArt(32, 1))).toBe('4:4:4');
  expect(await chroma(pixelArt(300, 10))).toBe('4:4:4');
  expect(await chroma(photo(320, 240))).toBe('4:2:0');
});

test.each([2, 4, 16, 256])('a small palette of %d colours comes out as it is as AVIF', async (colours) => {
  const picture = swatches(colours);
  const { mean } = await differences(await render(await pngOf(picture), 'avif'), picture);
  expect(mean).toBeLessThan(0.5);
});

test('graphics are shrunk before they are encoded, and padded with their background', async () => {
  const thumbnail = await render(await pngOf(pixelArt(900, 300)), 'webp', {
    fit: 'contain',
    height: 160,
    background: '#00ff00',
  });
  expect(await sharp(thumbnail).metadata()).toMatchObject({ width: 320, height: 160 });
  expect([...(await levelsOf(thumbnail)).subarray(0, 3)]).toEqual([0, 255, 0]);
});
