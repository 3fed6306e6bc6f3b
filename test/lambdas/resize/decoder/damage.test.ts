import sharp from 'sharp';
import { damageKinds, damageSentences, nothingToShow } from '../../../../lambdas/image/damage.ts';
import { variantsSchema } from '../../../../lambdas/image/variant.ts';
import { renderImage } from '../../../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../../../lib/settings.ts';
import { type GifFrame, gifColours, gifFrame, gifHeader, gifOf, gifTrailer } from '../../../gif-file.ts';
import { cameraPicture, corruptJpeg, quarteredPicture, quarters } from '../../../images.ts';

const { damaged: _, ...limits } = readSettings({});

type Pixel = readonly number[];

/** Renders an image at its own size, and gives access to the pixels of the thumbnail. */
const shown = async (bytes: Buffer, damaged: 'render' | 'refuse' = 'render', side = 2000) => {
  const variants = variantsSchema.parse([{ name: 'whole', width: side, height: side, format: 'png' }]);
  const { thumbnails, damage } = await renderImage(bytes, variants, { ...limits, damaged });
  const { data, info } = await sharp(thumbnails[0]?.bytes)
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): Pixel => {
    const position = (y * info.width + x) * 4;
    return [...data.subarray(position, position + 4)];
  };
  return { at, damage, width: info.width, height: info.height, data };
};

const refused = async (bytes: Buffer, damaged: 'render' | 'refuse' = 'render') => {
  const error: unknown = await shown(bytes, damaged).catch((reason) => reason);
  if (!(error instanceof Error)) throw new Error('It was not refused.');
  return error;
};

const transparent = [0, 0, 0, 0];

const expectColour = (seen: Pixel, [r, g, b]: Pixel, within = 6) => {
  [r, g, b, 255].forEach((level, channel) => {
    expect(Math.abs((seen[channel] ?? Number.NaN) - (level ?? Number.NaN))).toBeLessThanOrEqual(within);
  });
};

describe('a JPEG', () => {
  const width = 320;
  const height = 240;
  const baseline = (): Promise<Buffer> => quarteredPicture(width, height).jpeg({ quality: 90 }).toBuffer();

  /** A picture whose data has about the same length in each row. */
  const busy = async (progressive = false): Promise<Buffer> => {
    const pixels = Buffer.from(
      Array.from({ length: width * height * 3 }, (_, at) => 60 + ((at * 7919) % 97) + ((at * 31) % 53)),
    );
    return sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg({ progressive })
      .toBuffer();
  };
  const dataStart = (jpeg: Buffer): number => jpeg.indexOf(Buffer.from([0xff, 0xda])) + 14;
  const cut = (jpeg: Buffer, share: number): Buffer =>
    jpeg.subarray(0, Math.round(dataStart(jpeg) + (jpeg.byteLength - dataStart(jpeg)) * share));
  const withSegment = (jpeg: Buffer, ...bytes: readonly number[]): Buffer =>
    Buffer.concat([jpeg.subarray(0, 2), Buffer.from(bytes), jpeg.subarray(2)]);

  const harmless: readonly (readonly [string, (jpeg: Buffer) => Buffer])[] = [
    ['junk between its segments', (jpeg) => withSegment(jpeg, 0xff, 0xe5, 0, 3, 1, 9, 9, 9, 9)],
    ['fill bytes between its segments', (jpeg) => withSegment(jpeg, 0xff, 0xff, 0xff)],
    [
      'an unknown revision of JFIF',
      (jpeg) => {
        const other = Buffer.from(jpeg);
        other[11] = 2;
        return other;
      },
    ],
    ['a segment that is longer than its length', (jpeg) => withSegment(jpeg, 0xff, 0xe1, 0, 4, 0, 0, 7, 7)],
    [
      "Samsung's parameters of a scan",
      (jpeg) => {
        const other = Buffer.from(jpeg);
        other[dataStart(jpeg) - 2] = 0;
        return other;
      },
    ],
    ['no end', (jpeg) => jpeg.subarray(0, -2)],
    [
      'junk between its segments and no end',
      (jpeg) => withSegment(jpeg, 0xff, 0xe5, 0, 3, 1, 9).subarray(0, -2),
    ],
    ['another picture after its end', (jpeg) => Buffer.concat([jpeg, Buffer.alloc(50), jpeg])],
  ];

  test.each(harmless)('with %s is whole', async (_, change) => {
    const { at, damage } = await shown(change(await baseline()), 'refuse');
    expect(damage).toBeUndefined();
    expectColour(at(40, 40), quarters.red);
    expectColour(at(280, 230), quarters.white);
  });

  test('that is progressive and has no end is whole', async () => {
    const jpeg = await quarteredPicture(width, height).jpeg({ progressive: true }).toBuffer();
    expect((await shown(jpeg.subarray(0, -2))).damage).toBeUndefined();
  });

  test('that is progressive is incomplete without its last scans', async () => {
    const jpeg = await busy(true);
    const lastTables = jpeg.lastIndexOf(Buffer.from([0xff, 0xc4]));
    expect((await shown(jpeg.subarray(0, lastTables))).damage).toMatchObject({ kind: 'incomplete' });
  });

  test.each([0.2, 0.35, 0.5, 0.65, 0.8, 0.95])(
    'of which %f has arrived shows the rows that have',
    async (share) => {
      const jpeg = await busy();
      const whole = await shown(jpeg);
      const { at, damage } = await shown(cut(jpeg, share));
      expect(damage).toEqual({
        kind: 'incomplete',
        reason: expect.stringContaining('premature end of JPEG'),
      });
      expect(at(0, 0)).toEqual(whole.at(0, 0));
      expect(at(width - 1, Math.floor(height * share) - 24)).toEqual(
        whole.at(width - 1, Math.floor(height * share) - 24),
      );
      expect(at(0, height - 1)).toEqual(transparent);
      const rows = Array.from({ length: height }, (_, y) => (at(0, y)[3] ?? 0) > 0).filter(Boolean).length;
      expect(Math.abs(rows - height * share)).toBeLessThan(24);
    },
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'that breaks off misses the right part for orientation %i',
    async (orientation) => {
      // GIVEN
      const jpeg = await (await cameraPicture(width, height, orientation)).jpeg({ quality: 95 }).toBuffer();
      const stored = await sharp(jpeg).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const part = cut(jpeg, 0.5);
      // WHEN
      const { at, damage } = await shown(part);
      // THEN: the stored first pixel shows, and the last one is missing.
      expect(damage).toMatchObject({ kind: 'incomplete' });
      const corners = [at(0, 0), at(width - 1, 0), at(0, height - 1), at(width - 1, height - 1)];
      const first = [...stored.data.subarray(0, 3)];
      const last = [...stored.data.subarray(-3)];
      const isNear = (seen: Pixel, colour: Pixel) =>
        seen[3] === 255 && colour.every((level, channel) => Math.abs(level - (seen[channel] ?? 0)) < 12);
      expect(corners.filter((corner) => isNear(corner, first))).toHaveLength(1);
      expect(corners.filter((corner) => isNear(corner, last))).toHaveLength(0);
      expect(corners.filter((corner) => corner[3] === 0)).toHaveLength(2);
    },
  );

  test('that breaks off looks the same when it is shrunk', async () => {
    const jpeg = cut(
      await sharp(await busy())
        .resize(1600, 1200, { kernel: 'nearest' })
        .jpeg()
        .toBuffer(),
      0.5,
    );
    const { at, width: smallWidth, height: smallHeight } = await shown(jpeg, 'render', 100);
    expect([smallWidth, smallHeight]).toEqual([100, 75]);
    expect(at(50, 5)[3]).toBe(255);
    expect(at(50, 70)).toEqual(transparent);
  });

  test('with a wrong part says so, and shows the rest', async () => {
    const jpeg = await busy();
    const whole = await shown(jpeg);
    jpeg.fill(0xff, dataStart(jpeg) + 3000, dataStart(jpeg) + 3020);
    jpeg.fill(0, dataStart(jpeg) + 3020, dataStart(jpeg) + 6000);
    const { at, damage } = await shown(jpeg);
    expect(damage).toMatchObject({ kind: 'damaged', reason: expect.stringContaining('Corrupt JPEG data') });
    expect(at(0, 0)).toEqual(whole.at(0, 0));
  });

  test('keeps the scans before a segment that cannot be read', async () => {
    const jpeg = await quarteredPicture(width, height).jpeg({ progressive: true, quality: 90 }).toBuffer();
    const tables = jpeg.lastIndexOf(Buffer.from([0xff, 0xc4]));
    const { at, damage } = await shown(
      Buffer.concat([jpeg.subarray(0, tables), Buffer.from([0xff, 0x98, 0, 2]), jpeg.subarray(tables)]),
    );
    expect(damage).toMatchObject({ kind: 'damaged' });
    expectColour(at(40, 40), quarters.red);
    expectColour(at(280, 200), quarters.white);
  });

  test('that ends before its picture is corrupt', async () => {
    const jpeg = await baseline();
    for (const part of [jpeg.subarray(0, 300), jpeg.subarray(0, dataStart(jpeg))]) {
      expect(await refused(part)).toMatchObject({ code: 'image-corrupt', message: nothingToShow.incomplete });
    }
  });

  test('of which nothing can be decoded is corrupt, with the reason for the log', async () => {
    const { message, cause } = await refused(corruptJpeg());
    expect(message).toBe(nothingToShow.incomplete);
    expect(cause).toMatch(/VipsJpeg/);
    expect(cause).not.toMatch(/\p{C}/u);
  });

  test.each([
    ['more than 8 bits', 12, 0xc1, 'a JPEG with more than 8 bits'],
    ['hierarchical frames', 8, 0xc5, 'a lossless or hierarchical JPEG'],
  ])('with %s is sound but not supported', async (_, bits, marker, name) => {
    const jpeg = await baseline();
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    jpeg[frame + 1] = marker;
    jpeg[frame + 4] = bits;
    expect(await refused(jpeg)).toMatchObject({ code: 'unsupported-type', message: `The image is ${name}.` });
  });

  test('with CMYK and no profile has the colours that Chromium shows', async () => {
    const inks = [0, 100, 200, 50];
    const pixels = Buffer.alloc(64 * 64 * 4, Buffer.from(inks));
    const jpeg = await sharp(pixels, { raw: { width: 64, height: 64, channels: 4 } })
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    const { channels, space } = await sharp(jpeg).metadata();
    expect({ channels, space }).toEqual({ channels: 4, space: 'cmyk' });
    const stored = await sharp(jpeg, { ignoreIcc: true })
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .raw()
      .toBuffer();
    const [cyan = 0, magenta = 0, yellow = 0, black = 0] = stored;
    const light = (255 - black) / 255;
    const { at } = await shown(jpeg);
    expectColour(at(30, 30), [(255 - cyan) * light, (255 - magenta) * light, (255 - yellow) * light], 1);
  });
});

describe('a GIF', () => {
  const [red, green, blue, black] = gifColours;
  const flat = (width: number, height: number, index: number): readonly number[] =>
    Array.from({ length: width * height }, () => index);
  const whole: GifFrame = { width: 20, height: 16, indices: flat(20, 16, 0) };

  test('is transparent where no frame is', async () => {
    const inner = { left: 4, top: 2, width: 8, height: 6, indices: flat(8, 6, 1) };
    const { at, damage, data } = await shown(gifOf(20, 16, inner));
    expect(damage).toBeUndefined();
    expect(at(4, 2)).toEqual([...green, 255]);
    expect(at(11, 7)).toEqual([...green, 255]);
    for (const [x, y] of [
      [3, 2],
      [4, 1],
      [12, 7],
      [11, 8],
      [19, 15],
    ] as const)
      expect(at(x, y)).toEqual(transparent);
    expect(data.filter((_, position) => position % 4 === 3).filter((alpha) => alpha === 255)).toHaveLength(
      48,
    );
  });

  test('is transparent there although a later frame covers it, and its frames are counted', async () => {
    const inner = { width: 8, height: 6, indices: flat(8, 6, 1) };
    const gif = gifOf(20, 16, inner, whole, whole);
    expect((await shown(gif)).at(19, 15)).toEqual(transparent);
    const variants = variantsSchema.parse([{ name: 'any' }]);
    await expect(
      renderImage(gif, variants, { ...limits, damaged: 'render', maxFrames: 2 }),
    ).rejects.toMatchObject({ message: 'The image has 3 frames. At most 2 are accepted.' });
  });

  test('has the size of its canvas, also above 2048 pixels', async () => {
    const small = { left: 1000, top: 900, width: 400, height: 300, indices: flat(400, 300, 1) };
    const { at, width, height, damage } = await shown(gifOf(2600, 2100, small));
    // The thumbnail of this test has at most 2000 pixels a side.
    expect([width, height, damage]).toEqual([2000, 1615, undefined]);
    expect(at(920, 770)).toEqual([...green, 255]);
    expect(at(1990, 1610)).toEqual(transparent);
  });

  test('with a canvas over the limit is refused on its header', async () => {
    const huge = gifOf(42_536, 61_982, { width: 40, height: 30, indices: flat(40, 10, 1) });
    await expect(shown(huge)).rejects.toMatchObject({ code: 'image-too-large' });
  });

  test('grows to its first frame, and keeps its transparency', async () => {
    const outside = { left: 10, top: 10, width: 20, height: 16, transparent: 2, indices: flat(20, 16, 1) };
    const first = { ...outside, indices: outside.indices.map((index, at) => (at === 0 ? 2 : index)) };
    const seen = await shown(gifOf(20, 16, first));
    expect([seen.width, seen.height]).toEqual([30, 26]);
    expect(seen.at(10, 10)).toEqual(transparent);
    expect(seen.at(29, 25)).toEqual([...green, 255]);
    expect(seen.at(0, 0)).toEqual(transparent);
  });

  test.each([
    ['without a canvas', gifOf(0, 0, whole)],
    ['without a trailer', gifOf(20, 16, whole).subarray(0, -1)],
    ['without the end of its data', gifOf(20, 16, whole).subarray(0, -2)],
    ['with zeros for a trailer', Buffer.concat([gifOf(20, 16, whole).subarray(0, -1), Buffer.alloc(30)])],
    [
      'whose second frame breaks off',
      Buffer.concat([gifHeader(20, 16), gifFrame(whole), gifFrame(whole).subarray(0, 30)]),
    ],
    [
      'with junk for a second frame',
      Buffer.concat([gifOf(20, 16, whole).subarray(0, -1), Buffer.from('junk')]),
    ],
  ])('%s is whole', async (_, gif) => {
    const { at, damage, width, height } = await shown(gif, 'refuse');
    expect(damage).toBeUndefined();
    expect([width, height]).toEqual([20, 16]);
    expect(at(19, 15)).toEqual([...red, 255]);
  });

  test('that is black at the end is whole', async () => {
    const { at, damage } = await shown(gifOf(20, 16, { ...whole, indices: flat(20, 16, 3) }));
    expect(damage).toBeUndefined();
    expect(at(19, 15)).toEqual([...black, 255]);
  });

  test('that breaks off shows every pixel that it has', async () => {
    const gif = gifOf(20, 16, whole);
    const { at, damage } = await shown(gif.subarray(0, -80));
    expect(damage).toMatchObject({ kind: 'incomplete', reason: expect.stringMatching(/^\d+ of 320 pixels/) });
    expect(at(0, 0)).toEqual([...red, 255]);
    expect(at(19, 15)).toEqual(transparent);
  });

  test.each([0.25, 0.5, 0.75])('of %f of its bytes shows the same pixels as the whole one', async (share) => {
    // GIVEN an encoder that uses long codes
    const pixels = Buffer.from(Array.from({ length: 90 * 70 * 3 }, (_, at) => ((at * 7919) % 251) & 0xf0));
    const gif = await sharp(pixels, { raw: { width: 90, height: 70, channels: 3 } })
      .gif({ dither: 0 })
      .toBuffer();
    const complete = await shown(gif);
    // WHEN
    const part = await shown(gif.subarray(0, Math.round(gif.length * share)));
    // THEN
    expect(part.damage).toMatchObject({ kind: 'incomplete' });
    const count = Number(/^(\d+) of 6300 pixels/.exec(part.damage?.reason ?? '')?.[1]);
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThan(6300);
    expect(part.data.subarray(0, count * 4).equals(complete.data.subarray(0, count * 4))).toBe(true);
    expect(part.data.subarray(count * 4).every((sample) => sample === 0)).toBe(true);
  });

  test('with too few pixels shows those, and is damaged', async () => {
    const { at, damage } = await shown(gifOf(20, 16, { ...whole, indices: flat(20, 7, 0) }));
    expect(damage).toMatchObject({ kind: 'damaged' });
    expect(at(19, 6)).toEqual([...red, 255]);
    expect(at(0, 7)).toEqual(transparent);
  });

  test('with a wrong code shows the pixels before it', async () => {
    const gif = gifOf(20, 16, whole);
    gif.fill(0xff, gif.length - 60, gif.length - 30);
    const { at, damage } = await shown(gif);
    expect(damage).toMatchObject({ kind: 'damaged' });
    expect(at(0, 0)).toEqual([...red, 255]);
    expect(at(19, 15)).toEqual(transparent);
  });

  test('that is interlaced and breaks off repeats the rows of the passes that it has', async () => {
    const rows = (colour: number, count: number) => flat(20, count, colour);
    // 2 rows of the first pass, 2 of the second and 1 of the third; the other 11 are missing.
    const indices = [...rows(0, 2), ...rows(1, 2), ...rows(2, 1)];
    const { at, damage } = await shown(gifOf(20, 16, { ...whole, isInterlaced: true, indices }));
    expect(damage).toMatchObject({ kind: 'damaged' });
    const column = Array.from({ length: 16 }, (_, y) => at(0, y));
    const [r, g, b] = [red, green, blue].map((colour) => [...colour, 255]);
    expect(column).toEqual([r, r, b, b, g, g, g, g, r, r, r, r, g, g, g, g]);
  });

  test.each([
    ['without a frame', Buffer.concat([gifHeader(20, 16), gifTrailer]), 'damaged'],
    ['that ends in its header', gifHeader(20, 16).subarray(0, 15), 'incomplete'],
    ['without a pixel', Buffer.concat([gifHeader(20, 16), gifFrame({ ...whole, indices: [] })]), 'damaged'],
  ] as const)('%s is corrupt', async (_, gif, kind) => {
    expect(await refused(gif)).toMatchObject({ code: 'image-corrupt', message: nothingToShow[kind] });
  });
});

describe('a WebP', () => {
  const size = { width: 200, height: 160 };
  const noise = Buffer.from(
    Array.from(
      { length: size.width * size.height * 3 },
      (_, at) => 60 + ((at * 7919) % 97) + ((at * 31) % 53),
    ),
  );
  const picture = (lossless: boolean): Promise<Buffer> =>
    sharp(noise, { raw: { ...size, channels: 3 } })
      .webp({ lossless, quality: 80 })
      .toBuffer();
  const animation = async (): Promise<Buffer> => {
    const frames = await Promise.all([40, 41].map(() => quarteredPicture(60, 40).png().toBuffer()));
    const other = await quarteredPicture(60, 40).negate().png().toBuffer();
    return sharp([...frames.slice(0, 1), other], { join: { animated: true } })
      .webp({ quality: 90 })
      .toBuffer();
  };

  test.each([
    ['lossy', false],
    ['lossless', true],
  ])('that is %s and breaks off shows the rows that it has', async (_, lossless) => {
    const webp = await picture(lossless);
    const whole = await shown(webp);
    const { at, damage } = await shown(webp.subarray(0, Math.round(webp.length * 0.7)));
    expect(damage).toMatchObject({ kind: 'incomplete' });
    for (const y of [0, 20, 40]) expect(at(120, y)).toEqual(whole.at(120, y));
    expect(at(120, size.height - 1)).toEqual(transparent);
  });

  test('that is lossless and that libvips refuses shows the rows before the damage', async () => {
    // GIVEN
    const webp = await sharp('photo.jpg').resize(150, 200).webp({ lossless: true }).toBuffer();
    const whole = await shown(webp);
    const start = Math.round(webp.length * 0.8);
    const candidates = Array.from({ length: 40 }, (_, at) => {
      const damaged = Buffer.from(webp);
      damaged.fill(at * 6 + 1, start + at, start + at + 8);
      return damaged;
    });
    const isRefused = async (bytes: Buffer) => {
      try {
        await sharp(bytes, { failOn: 'none' }).raw().toBuffer();
        return false;
      } catch {
        return true;
      }
    };
    const refusals = await Promise.all(candidates.map(isRefused));
    const refusedOne = candidates[refusals.indexOf(true)];
    if (refusedOne === undefined) throw new Error('libvips decodes all of them.');
    // WHEN
    const { at, damage } = await shown(refusedOne);
    // THEN
    expect(damage).toMatchObject({
      kind: 'damaged',
      reason: expect.stringContaining('unable to read pixels'),
    });
    for (const y of [0, 20, 40]) expect(at(70, y)).toEqual(whole.at(70, y));
  });

  test.each([
    ['with a size that is too large', 1000],
    ['with a size that is too small', -100],
  ])('%s is whole', async (_, difference) => {
    const webp = await picture(false);
    const { data } = await shown(webp);
    webp.writeUInt32LE(webp.readUInt32LE(4) + difference, 4);
    const seen = await shown(webp, 'refuse');
    expect(seen.damage).toBeUndefined();
    expect(seen.data.equals(data)).toBe(true);
  });

  test('with other bytes after its end is whole', async () => {
    const webp = Buffer.concat([await picture(false), Buffer.from('other bytes')]);
    expect((await shown(webp, 'refuse')).damage).toBeUndefined();
  });

  test('whose second frame breaks off shows the first one', async () => {
    const webp = await animation();
    const { at, damage } = await shown(webp.subarray(0, -20), 'refuse');
    expect(damage).toBeUndefined();
    expectColour(at(10, 10), quarters.red, 12);
  });

  test('that ends before its picture is corrupt', async () => {
    expect(await refused((await picture(false)).subarray(0, 40))).toMatchObject({ code: 'image-corrupt' });
  });
});

describe('with damaged "refuse"', () => {
  test('a damaged file is corrupt, and its detail is the sentence', async () => {
    const jpeg = await quarteredPicture(320, 240).jpeg().toBuffer();
    const error = await refused(jpeg.subarray(0, Math.round(jpeg.length * 0.8)), 'refuse');
    expect(error).toMatchObject({ code: 'image-corrupt', message: damageSentences.incomplete });
    expect(error.cause).toMatch(/premature end/);
  });
});

test('each kind of damage is told in sentences', () => {
  for (const kind of damageKinds) {
    expect(damageSentences[kind]).toMatch(/^[A-Z].*[.?]$/);
    expect(nothingToShow[kind]).toMatch(/^[A-Z].*[.?]$/);
  }
});
