import sharp, { type Sharp } from 'sharp';
import { thumbHashToRGBA } from 'thumbhash';
import { type Variants, variantsSchema } from '../../../../lambdas/image/variant.ts';
import { renderImage } from '../../../../lambdas/resize/decoder/render.ts';
import type { ImageLimits } from '../../../../lambdas/resize/environment.ts';
import { readSettings } from '../../../../lib/settings.ts';
import {
  cameraPicture,
  corruptJpeg,
  quarterColours,
  quarteredPicture,
  quarters,
  svg,
} from '../../../images.ts';

const variants = (...given: readonly object[]): Variants => variantsSchema.parse(given);
const thumbnail = variants({ name: 'thumbnail' });

const limits = readSettings({});

const render = async (bytes: Buffer, wanted: Variants = thumbnail, given: Partial<ImageLimits> = {}) => {
  const { thumbnails } = await renderImage(bytes, wanted, { ...limits, ...given });
  return thumbnails.map((made, index) => ({
    ...made,
    bytes: Buffer.from(made.bytes),
    name: wanted[index]?.name,
  }));
};

/** An animation of 50 x 40 pixels. */
const threeFrames = async (format: 'gif' | 'webp'): Promise<Buffer> => {
  const frames = await Promise.all(
    [0, 120, 240].map((level) =>
      sharp({ create: { width: 50, height: 40, channels: 3, background: { r: level, g: 0, b: 0 } } })
        .png()
        .toBuffer(),
    ),
  );
  return sharp(frames, { join: { animated: true } })
    .toFormat(format)
    .toBuffer();
};

const expectUpright = async (image: Buffer) => {
  const colours = await quarterColours(image);
  Object.values(quarters).forEach((expected, quarter) => {
    const seen = colours[quarter] ?? [];
    expected.forEach((level, channel) => {
      expect(Math.abs((seen[channel] ?? Number.NaN) - level)).toBeLessThan(12);
    });
  });
};

describe('one thumbnail', () => {
  test('fits inside the box and keeps the proportions', async () => {
    const [only] = await render(await quarteredPicture(1200, 800).jpeg().toBuffer());
    expect(only).toMatchObject({ name: 'thumbnail', width: 320, height: 213 });
    const metadata = await sharp(only?.bytes).metadata();
    expect(metadata).toMatchObject({ format: 'webp', width: 320, height: 213, space: 'srgb' });
  });

  test('is never larger than the original', async () => {
    const [only] = await render(await quarteredPicture(40, 30).png().toBuffer());
    expect(only).toMatchObject({ width: 40, height: 30 });
  });

  test('of an extremely narrow image is at least one pixel wide', async () => {
    const [only] = await render(await quarteredPicture(2, 4000).png().toBuffer());
    expect(only).toMatchObject({ width: 1, height: 320 });
  });

  test.each(['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const)('is made of a %s', async (format) => {
    const [only] = await render(await quarteredPicture(400, 300).toFormat(format).toBuffer());
    expect(only).toMatchObject({ width: 320, height: 240 });
    await expectUpright(only?.bytes ?? Buffer.alloc(0));
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('stands upright for EXIF orientation %i', async (orientation) => {
    const [only] = await render(
      await (await cameraPicture(600, 400, orientation)).jpeg({ quality: 95 }).toBuffer(),
    );
    expect(only).toMatchObject({ width: 320, height: 213 });
    await expectUpright(only?.bytes ?? Buffer.alloc(0));
  });

  test('carries no metadata', async () => {
    const original = await (await cameraPicture(600, 400, 6)).jpeg().toBuffer();
    expect((await sharp(original).metadata()).exif).toBeDefined();
    const [only] = await render(original);
    const { exif, xmp, iptc, icc, orientation } = await sharp(only?.bytes).metadata();
    expect({ exif, xmp, iptc, icc, orientation }).toEqual({});
  });

  test('of an animation shows the first frame', async () => {
    const gif = await threeFrames('gif');
    const [only] = await render(gif);
    expect(only).toMatchObject({ width: 50, height: 40 });
    expect((await sharp(only?.bytes).metadata()).pages).toBeUndefined();
  });
});

describe('several variants', () => {
  const all = variants(
    { name: 'small', width: 100, height: 100 },
    { name: 'square', width: 128, height: 128, fit: 'cover', format: 'jpeg', quality: 90 },
    { name: 'padded', width: 200, height: 100, fit: 'contain', background: '#0000ff', format: 'png' },
    { name: 'large', width: 640, height: 640, format: 'avif' },
  );

  test('come out of one decode in their own sizes and formats', async () => {
    const rendered = await render(await (await cameraPicture(900, 600, 6)).jpeg().toBuffer(), all);
    expect(rendered.map(({ name, width, height }) => ({ name, width, height }))).toEqual([
      { name: 'small', width: 100, height: 67 },
      { name: 'square', width: 128, height: 128 },
      { name: 'padded', width: 200, height: 100 },
      { name: 'large', width: 640, height: 427 },
    ]);
    const formats = await Promise.all(
      rendered.map(async ({ bytes }) => (await sharp(bytes).metadata()).format),
    );
    expect(formats).toEqual(['webp', 'jpeg', 'png', 'heif']);
    for (const { name, bytes } of rendered) if (name !== 'padded') await expectUpright(bytes);
  });

  test('that cover a box larger than the image stay within the image', async () => {
    const rendered = await render(await quarteredPicture(90, 60).png().toBuffer(), all);
    expect(rendered.map(({ width, height }) => [width, height])).toEqual([
      [90, 60],
      [90, 60],
      [200, 100],
      [90, 60],
    ]);
  });

  test('pad with the background, and lay it under transparency where the format has none', async () => {
    const transparent = await sharp({
      create: { width: 50, height: 50, channels: 4, background: '#00000000' },
    })
      .png()
      .toBuffer();
    const [padded, flattened] = await render(
      transparent,
      variants(
        { name: 'padded', width: 100, height: 50, fit: 'contain', background: '#ff0000', format: 'png' },
        { name: 'flattened', format: 'jpeg', background: '#00ff00' },
      ),
    );
    const edge = await sharp(padded?.bytes)
      .extract({ left: 2, top: 20, width: 1, height: 1 })
      .raw()
      .toBuffer();
    expect([...edge.subarray(0, 3)]).toEqual([255, 0, 0]);
    const middle = await sharp(flattened?.bytes)
      .extract({ left: 25, top: 25, width: 1, height: 1 })
      .raw()
      .toBuffer();
    expect(middle[1]).toBeGreaterThan(250);
  });
});

describe('refuses', () => {
  test('a JPEG header followed by rubbish is corrupt', async () => {
    await expect(render(corruptJpeg())).rejects.toMatchObject({ code: 'image-corrupt' });
  });

  test.each([
    ['an empty file', Buffer.alloc(0), 'empty'],
    ['an SVG', svg(), 'SVG'],
  ])('%s is not opened', async (_, bytes, name) => {
    await expect(render(bytes)).rejects.toMatchObject({
      code: 'unsupported-type',
      message: expect.stringContaining(name),
    });
  });

  test('an image with a side over 16,384 pixels is too large', async () => {
    const long = await sharp({ create: { width: 1, height: 16_385, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(render(long)).rejects.toMatchObject({
      code: 'image-too-large',
      message: expect.stringContaining('1 x 16385'),
    });
  });

  test('an image with over 100 million pixels is too large', async () => {
    const large = await sharp({ create: { width: 10_100, height: 10_000, channels: 3, background: 'red' } })
      .png({ compressionLevel: 1 })
      .toBuffer();
    await expect(render(large)).rejects.toMatchObject({ code: 'image-too-large' });
  });

  test.each(['gif', 'webp'] as const)(
    'a %s animation with too many pixels in all its frames is too large',
    async (format) => {
      const animation = await threeFrames(format);
      await expect(render(animation, thumbnail, { maxAnimationPixels: 6000 })).resolves.toHaveLength(1);
      await expect(render(animation, thumbnail, { maxAnimationPixels: 5999 })).rejects.toMatchObject({
        code: 'image-too-large',
        message: expect.stringContaining('3 frames of 50 x 40'),
      });
      await expect(render(animation, thumbnail, { maxFrames: 2 })).rejects.toMatchObject({
        code: 'image-too-large',
        message: 'The image has 3 frames. At most 2 are accepted.',
      });
    },
  );
});

describe('colours', () => {
  test('of a greyscale, a 16-bit and a palette image come out as sRGB', async () => {
    const grey = sharp({
      create: { width: 90, height: 60, channels: 3, background: { r: 128, g: 128, b: 128 } },
    });
    const originals = await Promise.all([
      grey.clone().greyscale().jpeg({ quality: 100 }).toBuffer(),
      grey.clone().toColourspace('rgb16').png().toBuffer(),
      grey.clone().png({ palette: true }).toBuffer(),
    ]);
    for (const original of originals) {
      const [only] = await render(original, variants({ name: 'a', format: 'png' }));
      const { data, info } = await sharp(only?.bytes)
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(info.channels).toBe(3);
      for (const level of data.subarray(0, 3)) expect(Math.abs(level - 128)).toBeLessThanOrEqual(2);
    }
  });

  test('of a Display-P3 photo are converted, not merely relabelled', async () => {
    // A colour inside both gamuts: written through the P3 profile, it must come back as itself.
    const colour = { r: 180, g: 90, b: 60 };
    const original = await sharp({ create: { width: 90, height: 60, channels: 3, background: colour } })
      .withIccProfile('p3')
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const stored = await sharp(original, { ignoreIcc: true }).raw().toBuffer();
    expect(Math.abs((stored[0] ?? 0) - colour.r)).toBeGreaterThan(4);
    const [only] = await render(original, variants({ name: 'a', format: 'png' }));
    const [r = 0, g = 0, b = 0] = await sharp(only?.bytes).raw().toBuffer();
    expect(
      [Math.abs(r - colour.r), Math.abs(g - colour.g), Math.abs(b - colour.b)].every((error) => error <= 3),
    ).toBe(true);
    expect((await sharp(only?.bytes).metadata()).icc).toBeUndefined();
  });

  test('of a CMYK JPEG are converted to sRGB', async () => {
    const original = await sharp({
      create: { width: 90, height: 60, channels: 3, background: { r: 200, g: 60, b: 40 } },
    })
      .withIccProfile('cmyk')
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(original).metadata()).space).toBe('cmyk');
    const [only] = await render(original, variants({ name: 'a', format: 'png' }));
    expect(await sharp(only?.bytes).metadata()).toMatchObject({ space: 'srgb', channels: 3 });
    const [r = 0, g = 0, b = 0] = await sharp(only?.bytes).raw().toBuffer();
    expect([Math.abs(r - 200), Math.abs(g - 60), Math.abs(b - 40)].every((error) => error <= 20)).toBe(true);
  });
});

describe('channels other than colours', () => {
  const size = { width: 500, height: 400 };

  const channel = (level: number): Promise<Buffer> =>
    sharp({ create: { ...size, channels: 3, background: { r: level, g: level, b: level } } })
      .extractChannel(0)
      .raw()
      .toBuffer();

  /** Adds a transparency and a mask to a picture. */
  const withMask = async (picture: Sharp, mask: number, space: 'srgb' | 'b-w'): Promise<Buffer> =>
    picture
      .joinChannel(await Promise.all([255, mask].map(channel)), { raw: { ...size, channels: 1 } })
      .toColourspace(space)
      .tiff({ compression: 'none' })
      .toBuffer();

  test.each([0, 128, 255])(
    'of a TIFF with colours, mask of level %i, leave the picture as it is',
    async (mask) => {
      // GIVEN
      const original = await withMask(quarteredPicture(size.width, size.height), mask, 'srgb');
      expect(await sharp(original).metadata()).toMatchObject({ channels: 5, space: 'srgb' });
      // WHEN
      const [small, whole] = await render(
        original,
        variants({ name: 'small' }, { name: 'whole', width: 500, height: 500, format: 'png' }),
      );
      // THEN
      expect(small).toMatchObject({ width: 320, height: 256 });
      expect(whole).toMatchObject(size);
      for (const made of [small, whole]) {
        const bytes = made?.bytes ?? Buffer.alloc(0);
        await expectUpright(bytes);
        expect((await sharp(bytes).stats()).isOpaque).toBe(true);
      }
    },
  );

  test('of a greyscale TIFF leave the picture as it is', async () => {
    // GIVEN
    const grey = sharp(await channel(77), { raw: { ...size, channels: 1 } });
    const original = await withMask(grey, 0, 'b-w');
    expect(await sharp(original).metadata()).toMatchObject({ channels: 3, space: 'b-w' });
    // WHEN
    const [only] = await render(original, variants({ name: 'a', format: 'png' }));
    // THEN
    expect([...(await sharp(only?.bytes).raw().toBuffer()).subarray(0, 3)]).toEqual([77, 77, 77]);
  });
});

describe('hidden colours', () => {
  /** A picture that is transparent everywhere, with a colour beneath. */
  const hidden = (width: number, height: number): Promise<Buffer> =>
    sharp(Buffer.alloc(width * height * 4, Buffer.from([200, 100, 50, 0])), {
      raw: { width, height, channels: 4 },
    })
      .png()
      .toBuffer();

  test.each([
    ['png', 40, 30],
    ['png', 900, 700],
    ['webp', 40, 30],
    ['avif', 40, 30],
  ] as const)('are not in a %s thumbnail of %i x %i pixels', async (format, width, height) => {
    const [only] = await render(
      await hidden(width, height),
      variants({ name: 'any', format, quality: format === 'png' ? undefined : 100 }),
    );
    const pixels = await sharp(only?.bytes).raw().toBuffer();
    expect(pixels.byteLength).toBeGreaterThan(0);
    expect(pixels.every((sample) => sample === 0)).toBe(true);
  });

  test('visible pixels keep their colours', async () => {
    const pixels = Buffer.concat([Buffer.from([200, 100, 50, 0]), Buffer.from([200, 100, 50, 255])]);
    const image = await sharp(pixels, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    const [only] = await render(image, variants({ name: 'any', format: 'png' }));
    expect([...(await sharp(only?.bytes).raw().toBuffer())]).toEqual([0, 0, 0, 0, 200, 100, 50, 255]);
  });
});

describe('metadata', () => {
  const comment = Buffer.concat([Buffer.from('fffe0012', 'hex'), Buffer.from('a secret comment')]);

  test.each(['jpeg', 'png', 'webp', 'avif', 'tiff'] as const)(
    'of a %s is nowhere in any format of thumbnail',
    async (format) => {
      let original = await (await cameraPicture(300, 200, 6))
        .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret/></x:xmpmeta>')
        .toFormat(format)
        .toBuffer();
      if (format === 'jpeg')
        original = Buffer.concat([original.subarray(0, 2), comment, original.subarray(2)]);
      const { exif: given, xmp: alsoGiven } = await sharp(original).metadata();
      expect(given ?? alsoGiven).toBeDefined();
      const all = variants(
        { name: 'webp' },
        { name: 'jpeg', format: 'jpeg' },
        { name: 'png', format: 'png' },
        { name: 'avif', format: 'avif' },
      );
      for (const { bytes } of await render(original, all)) {
        const { exif, xmp, iptc, icc, orientation, comments } = await sharp(bytes).metadata();
        expect({ exif, xmp, iptc, icc, orientation, comments }).toEqual({});
        expect(bytes.includes('secret')).toBe(false);
        expect(bytes.includes('Example')).toBe(false);
      }
    },
  );

  test.each(['jpeg', 'png', 'webp'] as const)(
    'of a %s turns it to one and the same picture',
    async (format) => {
      const pictures: Buffer[] = [];
      for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
        const original = await (await cameraPicture(640, 480, orientation))
          .toFormat(format, { quality: 100 })
          .toBuffer();
        const [only] = await render(
          original,
          variants({ name: 'a', format: 'png', width: 160, height: 160 }),
        );
        expect(only).toMatchObject({ width: 160, height: 120 });
        await expectUpright(only?.bytes ?? Buffer.alloc(0));
        pictures.push(await sharp(only?.bytes).raw().toBuffer());
      }
      const [first, ...others] = pictures;
      // Resampling from the other side may round the other way; a lossy original costs more, along its edges.
      const mostOff = format === 'png' ? 1 : 12;
      for (const other of others) {
        const off = other.reduce(
          (most, level, at) => Math.max(most, Math.abs(level - (first?.[at] ?? 0))),
          0,
        );
        expect(off).toBeLessThanOrEqual(mostOff);
      }
    },
  );
});

describe('the placeholder', () => {
  test('is a ThumbHash of the upright picture', async () => {
    const bytes = await (await cameraPicture(300, 200, 6)).jpeg().toBuffer();
    const { thumbhash, original } = await renderImage(bytes, thumbnail, limits);
    expect(original).toEqual({ width: 300, height: 200 });
    const { w, h, rgba } = thumbHashToRGBA(Buffer.from(thumbhash, 'base64'));
    expect(w).toBeGreaterThan(h);
    // Top left is red, bottom left blue.
    expect(rgba[0]).toBeGreaterThan(rgba[2] ?? 255);
    const bottomLeft = (h - 1) * w * 4;
    expect(rgba[bottomLeft + 2]).toBeGreaterThan(rgba[bottomLeft] ?? 255);
  });
});
