import sharp from 'sharp';
import { ImageError } from '../../../../../lambdas/image/errors.ts';
import { expectedOf, verifyThumbnail } from '../../../../../lambdas/image/thumbnail-file.ts';
import { variantsSchema } from '../../../../../lambdas/image/variant.ts';
import { ExceedsEstimate, renderImage } from '../../../../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../../../../lib/settings.ts';
import { apng, blue, type Colour, clear, gif, green, red, webp } from './animations.ts';

const settings = readSettings({});
const canvas = { width: 40, height: 30 };
const whole = { left: 0, top: 0, ...canvas };
const corner = { left: 0, top: 0, width: 20, height: 10 };
const middle = { left: 10, top: 10, width: 20, height: 10 };

const render = async (image: Buffer, options: object = {}, given: object = {}) => {
  const variants = variantsSchema.parse([{ name: 'thumbnail', animation: 'keep', ...options }]);
  const { thumbnails } = await renderImage(image, variants, { ...settings, ...given });
  const [thumbnail] = thumbnails;
  if (thumbnail === undefined) throw new Error('There is no thumbnail.');
  verifyThumbnail(thumbnail.bytes, expectedOf(variants[0]));
  return { ...thumbnail, bytes: Buffer.from(thumbnail.bytes) };
};

/** What a player shows: the pixels of each frame, how long, and how often. */
const played = async (bytes: Buffer) => {
  const { pages = 1, pageHeight, delay, loop } = await sharp(bytes, { pages: -1 }).metadata();
  const { data, info } = await sharp(bytes, { pages: -1 })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const height = pageHeight ?? info.height;
  const at = (page: number, x: number, y: number): readonly number[] => {
    const start = ((page * height + y) * info.width + x) * 4;
    return [...data.subarray(start, start + 4)];
  };
  return { pages, delay, loop, at };
};

const renderAndPlay = async (image: Buffer, options?: object) => played((await render(image, options)).bytes);

const expectColours = (seen: readonly (readonly number[])[], colours: readonly Colour[]) => {
  expect(seen).toEqual(colours.map((colour) => [...colour]));
};

const threeColours = gif(
  canvas,
  [
    { ...whole, colour: red },
    { ...corner, colour: green },
    { ...middle, colour: blue },
  ],
  0,
);

describe('an animation is kept', () => {
  test('as a GIF plays it', async () => {
    const { pages, delay, loop, at } = await renderAndPlay(threeColours);
    expect({ pages, delay, loop }).toEqual({ pages: 3, delay: [100, 100, 100], loop: 0 });
    expectColours([at(0, 5, 5), at(0, 15, 15), at(0, 35, 25)], [red, red, red]);
    expectColours([at(1, 5, 5), at(1, 15, 15), at(1, 35, 25)], [green, red, red]);
    expectColours([at(2, 5, 5), at(2, 15, 15), at(2, 35, 25)], [green, blue, red]);
  });

  test('only where a variant says so', async () => {
    const { bytes } = await render(threeColours, { animation: 'first' });
    expect((await sharp(bytes).metadata()).pages).toBeUndefined();
  });

  test('beside still variants, with the placeholder of its first frame', async () => {
    const variants = variantsSchema.parse([
      { name: 'moving', animation: 'keep' },
      { name: 'small', animation: 'keep', width: 20 },
      { name: 'still', format: 'png' },
    ]);
    const { thumbnails, thumbhash } = await renderImage(threeColours, variants, settings);
    const pages = await Promise.all(
      thumbnails.map(async ({ bytes }) => (await sharp(bytes).metadata()).pages),
    );
    expect(pages).toEqual([3, 3, undefined]);
    expect(thumbnails.map(({ width, height }) => [width, height])).toEqual([
      [40, 30],
      [20, 15],
      [40, 30],
    ]);
    const still = await renderImage(await sharp(threeColours).png().toBuffer(), variants, settings);
    expect(thumbhash).toBe(still.thumbhash);
  });

  test.each([
    [0, 100],
    [1, 100],
    [2, 20],
    [25, 250],
  ])('with the time that browsers give a GIF of %d hundredths', async (hundredths, milliseconds) => {
    const image = gif(canvas, [
      { ...whole, colour: red, delay: hundredths },
      { ...whole, colour: blue, delay: 50 },
    ]);
    expect((await renderAndPlay(image)).delay).toEqual([milliseconds, 500]);
  });

  test.each([
    [undefined, 1],
    [0, 0],
    [1, 2],
    [3, 4],
    [65_535, 65_535],
  ])('for as many plays as a GIF with %p repeats', async (repeats, plays) => {
    const image = gif(
      canvas,
      [
        { ...whole, colour: red },
        { ...whole, colour: blue },
      ],
      repeats,
    );
    expect((await renderAndPlay(image)).loop).toBe(plays);
  });

  test('with what a frame leaves behind', async () => {
    const image = gif(canvas, [
      { ...whole, colour: red },
      { ...corner, colour: green, disposal: 3 },
      { ...middle, colour: blue, disposal: 2 },
      { left: 38, top: 28, width: 2, height: 2, colour: green },
    ]);
    const { at } = await renderAndPlay(image);
    expectColours([at(1, 5, 5), at(1, 25, 15)], [green, red]);
    expectColours([at(2, 5, 5), at(2, 25, 15)], [red, blue]);
    expectColours([at(3, 5, 5), at(3, 25, 15), at(3, 39, 29)], [red, clear, green]);
  });

  test('with transparency where no frame has been', async () => {
    const image = gif(canvas, [
      { ...middle, colour: red },
      { ...corner, colour: blue },
    ]);
    const { at } = await renderAndPlay(image);
    expectColours([at(0, 15, 15), at(0, 5, 5), at(0, 39, 0)], [red, clear, clear]);
    expectColours([at(1, 15, 15), at(1, 5, 5), at(1, 39, 0)], [red, blue, clear]);
  });

  test('without what lies outside its canvas', async () => {
    const image = gif(canvas, [
      { ...whole, colour: red },
      { left: 30, top: 20, width: 30, height: 30, colour: blue },
    ]);
    const { at } = await renderAndPlay(image);
    expectColours([at(1, 35, 25), at(1, 29, 25)], [blue, red]);
  });

  test('of a WebP, with half transparent frames over others', async () => {
    const half: Colour = [0, 0, 255, 128];
    const image = await webp(
      canvas,
      [
        { ...whole, colour: red, milliseconds: 250 },
        { ...corner, colour: half, isBlended: true },
        { ...middle, colour: half, isCleared: true },
        { ...corner, colour: green },
      ],
      2,
    );
    const { pages, delay, loop, at } = await renderAndPlay(image);
    expect({ pages, delay, loop }).toEqual({ pages: 4, delay: [250, 100, 100, 100], loop: 2 });
    expectColours([at(1, 5, 5), at(2, 25, 15), at(3, 25, 15)], [[127, 0, 128, 255], half, clear]);
  });

  test('of a lossy WebP', async () => {
    const image = await webp(canvas, [
      { ...whole, colour: red, isLossless: false },
      { ...whole, colour: [0, 0, 255, 128], isLossless: false },
    ]);
    const { pages, at } = await renderAndPlay(image);
    expect(pages).toBe(2);
    expect(Math.abs((at(1, 20, 15)[3] ?? 0) - 128)).toBeLessThan(4);
  });

  test('of a PNG, without a first picture that is no part of it', async () => {
    const image = apng(
      canvas,
      [
        { ...whole, colour: red, delay: [1, 60] },
        { ...corner, colour: [0, 255, 0, 128], isBlended: true, disposal: 2, delay: [1, 60] },
        { ...middle, colour: blue, disposal: 1, delay: [1, 60] },
        { left: 38, top: 28, width: 2, height: 2, colour: green, delay: [1, 0] },
      ],
      { plays: 3, still: green },
    );
    const { pages, delay, loop, at } = await renderAndPlay(image);
    // A sixtieth of a second is 16.7 ms. Without a denominator the numbers are hundredths.
    expect({ pages, delay, loop }).toEqual({ pages: 4, delay: [17, 16, 17, 100], loop: 3 });
    expectColours([at(0, 5, 5), at(1, 5, 5), at(2, 5, 5)], [red, [127, 128, 0, 255], red]);
    expectColours([at(2, 15, 15), at(3, 15, 15), at(3, 39, 29)], [blue, clear, green]);
  });

  test('with one frame for several that look alike', async () => {
    const image = gif(canvas, [
      { ...whole, colour: red },
      { ...corner, colour: red, delay: 30 },
      { ...whole, colour: blue },
      { ...middle, colour: blue },
    ]);
    const { pages, delay } = await renderAndPlay(image);
    expect({ pages, delay }).toEqual({ pages: 2, delay: [400, 200] });
  });

  test.each([
    ['inside', {}, 40, 30],
    ['inside', { width: 20, height: 20 }, 20, 15],
    ['cover', { width: 20, height: 20 }, 20, 20],
    ['cover', { width: 20, height: 20, position: 'left top' }, 20, 20],
    ['cover', { width: 20, height: 20, position: 'attention' }, 20, 20],
    ['cover', { width: 20, height: 20, position: 'entropy' }, 20, 20],
    ['contain', { width: 60, height: 40, background: '#00ff00' }, 60, 40],
  ])('fit %s %p', async (fit, options, width, height) => {
    const thumbnail = await render(threeColours, { fit, ...options });
    expect(thumbnail).toMatchObject({ width, height });
    const { pages, at } = await played(thumbnail.bytes);
    expect(pages).toBe(3);
    if (fit === 'contain') expectColours([at(0, 1, 1), at(2, 1, 1)], [green, green]);
    const x = width / 2;
    const y = Math.floor(height / 2);
    expect(at(0, x, y)[0]).toBeGreaterThan(200);
    expect(at(2, x, y)[2]).toBeGreaterThan(200);
  });

  test.each(['attention', 'entropy'])('cropped at the place of the first frame: %s', async (position) => {
    // Detail on the left at first, and on the right as well later.
    const pixels = Buffer.alloc(120 * 60 * 3, Buffer.from([255, 0, 0]));
    for (let y = 0; y < 60; y += 1) {
      for (let x = 0; x < 120; x += 1) {
        const isDetail = x < 30 || (y >= 30 && x >= 90);
        if (isDetail && (Math.floor(x / 3) + Math.floor(y / 3)) % 2 === 0) {
          pixels.set(x < 30 ? [0, 255, 0] : [0, 0, 255], (y * 120 + x) * 3);
        }
      }
    }
    const moving = await sharp(pixels, { raw: { width: 120, height: 60, channels: 3, pageHeight: 30 } })
      .webp({ lossless: true })
      .toBuffer();
    const variants = variantsSchema.parse([
      { name: 'moving', animation: 'keep', fit: 'cover', width: 60, height: 30, position },
    ]);
    const { thumbnails } = await renderImage(moving, variants, settings);
    // Nothing changes within the crop of the first frame, so a still is enough.
    expect(thumbnails[0]).toMatchObject({ width: 60, height: 30 });
    expect((await sharp(thumbnails[0]?.bytes).metadata()).pages).toBeUndefined();
  });
});

describe('the first frame is shown', () => {
  const expectFirst = async (image: Buffer, options?: object, given?: object) => {
    const { bytes } = await render(image, options, given);
    expect((await sharp(bytes).metadata()).pages).toBeUndefined();
    const [r, g, b] = await sharp(bytes).raw().toBuffer();
    expect([r, g, b].map((level) => Math.round((level ?? 0) / 255))).toEqual([1, 0, 0]);
  };

  const twoFrames = apng(canvas, [
    { ...whole, colour: red },
    { ...whole, colour: blue },
  ]);

  test('of an animation of more bytes than the variant allows', async () => {
    let state = 1;
    const noise = Buffer.alloc(200 * 200 * 3 * 4).map((_, at) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return at < 200 * 200 * 3 ? (at % 3 === 0 ? 255 : 0) : state >>> 24;
    });
    const image = await sharp(noise, { raw: { width: 200, height: 800, channels: 3, pageHeight: 200 } })
      .webp({ lossless: true })
      .toBuffer();
    expect((await renderAndPlay(image)).pages).toBe(4);
    await expectFirst(image, { maxAnimationBytes: 10_000 });
  });

  test('of an animated PNG beyond the limits for animations', async () => {
    expect((await renderAndPlay(twoFrames)).pages).toBe(2);
    await expectFirst(twoFrames, {}, { maxFrames: 1 });
    await expectFirst(twoFrames, {}, { maxAnimationPixels: 2 * 40 * 30 - 1 });
  });

  test('of one that is turned by EXIF', async () => {
    const image = await sharp(threeColours, { pages: -1 }).withMetadata({ orientation: 6 }).webp().toBuffer();
    const { width, height, bytes } = await render(image);
    expect({ width, height }).toEqual({ width: 30, height: 40 });
    expect((await sharp(bytes).metadata()).pages).toBeUndefined();
  });

  test('of one whose second frame is damaged', async () => {
    const frames = [
      { ...whole, colour: red },
      { ...whole, colour: blue },
    ];
    const image = gif(canvas, frames);
    await expectFirst(image.subarray(0, image.byteLength - 100));
  });

  test('of one that takes longer than any lane allows', async () => {
    const variants = variantsSchema.parse([{ name: 'a', animation: 'keep' }]);
    const pagesWithin = async (milliseconds: number) => {
      const { thumbnails } = await renderImage(threeColours, variants, settings, undefined, milliseconds);
      return (await sharp(thumbnails[0]?.bytes).metadata()).pages;
    };
    expect(await pagesWithin(1000)).toBe(3);
    expect(await pagesWithin(2)).toBeUndefined();
  });
});

test('frames before a damaged one are kept', async () => {
  const frames = [red, green, blue].map((colour) => ({ ...whole, colour }));
  const image = gif(canvas, frames);
  expect((await renderAndPlay(image.subarray(0, image.byteLength - 100))).pages).toBe(2);
});

test('an animation that takes long moves to the slow lane', async () => {
  const frames = Array.from({ length: 60 }, (_, index) => ({ ...whole, colour: index % 2 ? red : blue }));
  const image = gif(canvas, frames);
  const [still, moving] = [{ name: 'a' }, { name: 'a', animation: 'keep' }].map((variant) =>
    variantsSchema.parse([variant]),
  );
  if (still === undefined || moving === undefined) throw new Error('There are no variants.');
  await expect(renderImage(image, still, settings, 250)).resolves.toBeDefined();
  await expect(renderImage(image, moving, settings, 250)).rejects.toThrow(ExceedsEstimate);
});

test('the colour profile of a WebP is ignored if it is animated, as Chromium does', async () => {
  const colour: Colour = [200, 30, 30, 255];
  const plain = await webp(canvas, [
    { ...whole, colour },
    { ...middle, colour: blue },
  ]);
  const image = await sharp(plain, { pages: -1, ignoreIcc: true })
    .withIccProfile('p3')
    .webp({ lossless: true })
    .toBuffer();
  const [r, g, b] = await sharp(image, { ignoreIcc: true }).raw().toBuffer();
  expect([r, g, b]).not.toEqual([200, 30, 30]);
  expect((await renderAndPlay(image)).at(0, 0, 0)).toEqual([r, g, b, 255]);
});

test('metadata and hidden colours are left out', async () => {
  const image = await sharp(threeColours, { pages: -1 })
    .withExif({ IFD0: { Copyright: 'secret' } })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret/></x:xmpmeta>')
    .webp()
    .toBuffer();
  expect(image.includes('secret')).toBe(true);
  const { bytes } = await render(image);
  expect(bytes.includes('secret')).toBe(false);
  const hidden = await webp(canvas, [
    { ...whole, colour: [9, 9, 9, 255] },
    { ...middle, colour: [200, 100, 50, 0] },
  ]);
  expectColours([(await renderAndPlay(hidden)).at(1, 15, 15)], [clear]);
});

test('damaged or hostile animations are shown or refused, and nothing else', async () => {
  let state = 7;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const images = [
    threeColours,
    await webp(canvas, [
      { ...whole, colour: red },
      { ...middle, colour: blue, isBlended: true },
    ]),
    apng(canvas, [
      { ...whole, colour: red },
      { ...middle, colour: blue, isBlended: true },
    ]),
  ];
  for (let trial = 0; trial < 240; trial += 1) {
    const damaged = Buffer.from(images[trial % 3] ?? []);
    for (let change = 0; change <= trial % 4; change += 1) damaged[next(damaged.byteLength)] = next(256);
    const image = trial % 5 === 0 ? damaged.subarray(0, next(damaged.byteLength)) : damaged;
    try {
      await render(image);
    } catch (error) {
      expect(error).toBeInstanceOf(ImageError);
    }
  }
});
