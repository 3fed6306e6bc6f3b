import sharp from 'sharp';
import { variantsSchema } from '../../../../lambdas/image/variant.ts';
import { readHevcConfiguration } from '../../../../lambdas/resize/decoder/originals/heic/hevc.ts';
import { placementOf } from '../../../../lambdas/resize/decoder/originals/heic/placement.ts';
import { Shrinking } from '../../../../lambdas/resize/decoder/originals/heic/shrink.ts';
import { openHeic } from '../../../../lambdas/resize/decoder/originals/heic.ts';
import { propertiesOf, readIsoFile } from '../../../../lambdas/resize/decoder/originals/iso-boxes.ts';
import { renderImage } from '../../../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../../../lib/settings.ts';
import { heicFile } from '../../../heic-files.ts';
import { quarterColours, quarters } from '../../../images.ts';

const settings = readSettings({});
const png = variantsSchema.parse([{ name: 'thumbnail', width: 100, height: 100, format: 'png' }]);

const render = async (bytes: Buffer, limits: object = {}, variants = png) => {
  const { thumbnails, ...rest } = await renderImage(bytes, variants, { ...settings, ...limits });
  const [thumbnail] = thumbnails;
  if (thumbnail === undefined) throw new Error('There is no thumbnail.');
  return { ...rest, ...thumbnail, bytes: Buffer.from(thumbnail.bytes) };
};

/** The largest difference between the colours of the four quarters and those that were encoded. */
const distance = async (image: Buffer, expected: readonly (readonly number[])[]): Promise<number> => {
  const found = await quarterColours(image);
  return Math.max(
    ...expected.flatMap((colour, at) =>
      colour.map((level, channel) => Math.abs(level - (found[at]?.[channel] ?? Number.NaN))),
    ),
  );
};

const { red, green, blue, white } = quarters;
const upright = [red, green, blue, white];
/** As EXIF orientation 6 shows it: turned by a quarter, clockwise. */
const turned = [blue, red, white, green];

/** Writes into the first box of a type. */
const withinBox = (file: Buffer, type: string, write: (content: Buffer) => void): Buffer => {
  const changed = Buffer.from(file);
  write(changed.subarray(changed.indexOf(type, 0, 'latin1') + 4));
  return changed;
};

const box = (type: string, ...contents: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(contents);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + content.byteLength);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, content]);
};

const u16 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, 2 * at);
  return bytes;
};

const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
  return bytes;
};

test('shows the tiles of a photo upright and without a seam', async () => {
  const file = heicFile('tiles-without-thumbnail');
  const { original, width, height, bytes, damage } = await render(file);
  expect({ original, width, height, damage }).toEqual({
    original: { width: 192, height: 256 },
    width: 75,
    height: 100,
    damage: undefined,
  });
  expect(await distance(bytes, turned)).toBeLessThanOrEqual(6);
});

test('uses an embedded thumbnail that shows the same, and estimates only its cost', async () => {
  const size = { width: 75, height: 100 };
  const used = openHeic(heicFile('tiles')).estimateMilliseconds(size);
  expect(used).toBeLessThan(
    openHeic(heicFile('photo')).estimateMilliseconds({ width: 3000, height: 4000 }) / 20,
  );
  expect(await distance((await render(heicFile('tiles'))).bytes, turned)).toBeLessThanOrEqual(6);
});

test('does not use an embedded thumbnail that is smaller than a variant', () => {
  const photo = openHeic(heicFile('photo'));
  const small = photo.estimateMilliseconds({ width: 320, height: 240 });
  expect(photo.estimateMilliseconds({ width: 321, height: 241 })).toBeGreaterThan(20 * small);
});

test('does not use an embedded thumbnail with bars', async () => {
  const { bytes } = await render(heicFile('tiles-other-thumbnail'));
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  // Turned, the bars would be at the left and at the right.
  const middleLeft = (Math.floor(info.height / 4) * info.width + 1) * info.channels;
  expect(Math.abs((data[middleLeft + 2] ?? 0) - blue[2])).toBeLessThanOrEqual(8);
});

test('converts 10 bits of Display P3 to sRGB', async () => {
  const { bytes } = await render(heicFile('deep-p3'));
  // The numbers of the file, as Little CMS converts them.
  const colours = await quarterColours(bytes);
  expect(colours[0]?.[0]).toBeGreaterThan(210);
  expect(colours[0]?.[1]).toBeLessThan(15);
  expect(colours[1]?.[0]).toBe(0);
  expect(colours[3]?.every((level) => Math.abs(level - 250) <= 3)).toBe(true);
});

test('keeps transparency', async () => {
  const { bytes } = await render(heicFile('alpha'));
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const alphaAt = (x: number): number | undefined =>
    data[(Math.floor(info.height / 2) * info.width + Math.floor(info.width * x)) * 4 + 3];
  expect(info.channels).toBe(4);
  expect([alphaAt(0.2), alphaAt(0.8)]).toEqual([255, 0]);
});

test('shows the first picture of a sequence', async () => {
  const file = heicFile('deep-p3');
  const { items } = readIsoFile(file) ?? {};
  const [item] = items ? [...items.items.values()].filter(({ type }) => type === 'hvc1') : [];
  const hvcC = item && propertiesOf(item, 'hvcC')[0];
  const extent = item?.location?.extents[0];
  if (hvcC === undefined || extent === undefined) throw new Error('The file has no picture.');
  const coded = file.subarray(extent.offset, extent.offset + extent.length);
  const matrix = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
  // ISO/IEC 14496-12, "Movie structure".
  const entry = box(
    'hvc1',
    Buffer.concat([u32(0), u16(0, 1), u32(0, 0, 0, 0), u16(160, 120), u32(0x480000, 0x480000, 0), u16(1)]),
    Buffer.alloc(32),
    u16(24, 0xffff),
    hvcC.bytes,
  );
  const sequence = (offset: number): Buffer =>
    Buffer.concat([
      box('ftyp', Buffer.from('msf1\0\0\0\0msf1hevc', 'latin1')),
      box(
        'moov',
        box(
          'mvhd',
          u32(0, 0, 0, 1000, 1000, 0x10000),
          u16(0x100, 0),
          u32(0, 0),
          matrix,
          Buffer.alloc(24),
          u32(2),
        ),
        box(
          'trak',
          box('tkhd', u32(7, 0, 0, 1, 0, 1000, 0, 0, 0, 0), matrix, u32(160 << 16, 120 << 16)),
          box(
            'mdia',
            box('mdhd', u32(0, 0, 0, 1000, 1000, 0)),
            box('hdlr', u32(0, 0), Buffer.from('pict\0\0\0\0\0\0\0\0\0\0\0\0\0', 'latin1')),
            box(
              'minf',
              box('vmhd', u32(1, 0, 0)),
              box('dinf', box('dref', u32(0, 1), box('url ', u32(1)))),
              box(
                'stbl',
                box('stsd', u32(0, 1), entry),
                box('stts', u32(0, 1, 1, 1000)),
                box('stsc', u32(0, 1, 1, 1, 1)),
                box('stsz', u32(0, 0, 1, coded.byteLength)),
                box('stco', u32(0, 1, offset)),
              ),
            ),
          ),
        ),
      ),
    ]);
  const head = sequence(0).byteLength;
  const { original, bytes } = await render(Buffer.concat([sequence(head + 8), box('mdat', coded)]));
  expect(original).toEqual({ width: 160, height: 120 });
  expect(await distance(bytes, upright)).toBeLessThanOrEqual(12);
});

test('shows what is left of a file that was cut off, and nothing where tiles are missing', async () => {
  const file = heicFile('tiles-without-thumbnail');
  const { items } = readIsoFile(file) ?? {};
  const tiles = items ? [...items.items.values()].filter(({ type }) => type === 'hvc1') : [];
  const ninth = tiles[8]?.location?.extents[0]?.offset;
  const { damage, bytes } = await render(file.subarray(0, ninth));
  expect(damage?.kind).toBe('incomplete');
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  // The last of the three rows of tiles is at the left once it is turned.
  const alphaAt = (x: number): number | undefined =>
    data[(50 * info.width + Math.floor(info.width * x)) * info.channels + 3];
  expect([alphaAt(0.1), alphaAt(0.8)]).toEqual([0, 255]);
});

test.each([
  ['maxPixels', { maxPixels: 192 * 256 - 1 }],
  ['maxSidePixels', { maxSidePixels: 255 }],
])('refuses a picture beyond %s by its header', async (_, limits) => {
  // Its pixels could not be decoded.
  const headerOnly = withinBox(heicFile('tiles'), 'mdat', (content) => content.fill(0));
  await expect(render(headerOnly, limits)).rejects.toMatchObject({ code: 'image-too-large' });
});

test('applies the limits to what is decoded, not to the part that is shown', () => {
  const clap = box('clap', u32(10, 1, 10, 1, 0, 1, 0, 1));
  const coded = { width: 40_000, height: 30_000 };
  const properties = [...iterate(clap)];
  expect(placementOf(coded, properties)?.upright).toEqual({ width: 10, height: 10 });
  expect(openHeic(heicFile('tiles')).coded).toEqual({ width: 256, height: 192 });
});

const iterate = function* (bytes: Buffer) {
  yield {
    type: bytes.toString('latin1', 4, 8),
    bytes,
    content: bytes.subarray(8),
    isCut: false,
    isEssential: true,
  };
};

test.each([
  [[], { width: 40, height: 30 }, { left: 0, top: 0, width: 40, height: 30 }],
  [[box('irot', Buffer.from([1]))], { width: 30, height: 40 }, { left: 0, top: 0, width: 40, height: 30 }],
  [
    [box('clap', u32(20, 1, 10, 1, 0, 1, 0, 1)), box('irot', Buffer.from([3]))],
    { width: 10, height: 20 },
    { left: 10, top: 10, width: 20, height: 10 },
  ],
  [
    // Turned first, so that the crop is in turned coordinates.
    [box('irot', Buffer.from([1])), box('clap', u32(10, 1, 40, 1, 0xfffffff6, 1, 0, 1))],
    { width: 10, height: 40 },
    { left: 0, top: 0, width: 40, height: 10 },
  ],
])('applies cropping and turning in their order (%#)', (boxes, upright, area) => {
  const placement = placementOf(
    { width: 40, height: 30 },
    boxes.flatMap((bytes) => [...iterate(bytes)]),
  );
  expect(placement).toMatchObject({ upright, area });
});

test.each([
  ['no width', u32(0, 1, 10, 1, 0, 1, 0, 1)],
  ['a denominator of 0', u32(10, 0, 10, 1, 0, 1, 0, 1)],
  ['a place outside', u32(10, 1, 10, 1, 1000, 1, 0, 1)],
  ['no end', u32(10, 1)],
])('leaves nothing of a picture that is cropped with %s', (_, content) => {
  expect(placementOf({ width: 40, height: 30 }, [...iterate(box('clap', content))])).toBeUndefined();
});

test('refuses a coding that libheif-js lacks as unsupported, by its name', async () => {
  const file = Buffer.from(heicFile('deep-p3').toString('latin1').replaceAll('hvc1', 'vvc1'), 'latin1');
  await expect(render(file)).rejects.toMatchObject({
    code: 'unsupported-type',
    message: expect.stringMatching(/VVC/i),
  });
});

test.each(['pitm', 'ispe', 'hvcC', 'iprp', 'iloc'])('refuses a file whose box %s is lost', async (type) => {
  const file = Buffer.from(heicFile('deep-p3').toString('latin1').replaceAll(type, 'free'), 'latin1');
  await expect(render(file)).rejects.toMatchObject({ code: 'image-corrupt' });
});

test('refuses a picture whose coded size is larger than a decoder should hold at once', async () => {
  const lie = withinBox(heicFile('deep-p3'), 'ispe', (content) => content.writeUInt32BE(20_000, 4));
  const larger = withinBox(lie, 'ispe', (content) => content.writeUInt32BE(20_000, 8));
  const limits = { maxPixels: 1_000_000_000, maxSidePixels: 100_000 };
  await expect(render(larger, limits)).rejects.toMatchObject({
    code: 'image-too-large',
    message: expect.stringContaining('in one piece'),
  });
});

test('reads the size of the coded picture from the parameters of HEVC', () => {
  const file = heicFile('deep-p3');
  const at = file.indexOf('hvcC', 0, 'latin1');
  const content = file.subarray(at + 4, at - 4 + file.readUInt32BE(at - 4));
  expect(readHevcConfiguration(content)).toMatchObject({ depth: 10, coded: { width: 160, height: 120 } });
  for (let length = 0; length < content.byteLength; length += 1) {
    expect(() => readHevcConfiguration(content.subarray(0, length))).not.toThrow();
  }
});

test('refuses HEIC where it is switched off, and says how to enable it', async () => {
  await expect(render(heicFile('tiles'), { heic: false })).rejects.toMatchObject({
    code: 'unsupported-type',
    message: expect.stringMatching(
      /"heic": true in cdk\.json enables it\. Accepted are JPEG, PNG, .*TIFF\.$/,
    ),
  });
});

test('shrinks blocks to the means of their areas, across the edges of blocks', () => {
  const shrinking = new Shrinking({
    area: { left: 0, top: 0, width: 5, height: 1 },
    target: { width: 2, height: 1 },
    channels: 3,
    depth: 8,
    isPremultiplied: false,
  });
  const block = (left: number, ...levels: readonly number[]) => ({
    left,
    top: 0,
    width: levels.length,
    height: 1,
    stride: levels.length * 3,
    samples: Uint8Array.from(levels.flatMap((level) => [level, level, level])),
  });
  shrinking.add(block(0, 10, 20, 30));
  shrinking.add(block(3, 40, 50, 60));
  const { samples } = shrinking.finish({ a: 1, b: 0, c: 0, d: 1 });
  expect([samples[0], samples[3]]).toEqual([18, 42]);
});
