import sharp from 'sharp';
import { conversionOfProfile } from '../../../../../lambdas/resize/decoder/originals/colour/profile.ts';
import { signalledColour } from '../../../../../lambdas/resize/decoder/originals/colour/signal.ts';
import { toneMapGain } from '../../../../../lambdas/resize/decoder/originals/colour/tone-map.ts';
import { decoded, expectColour } from './png-files.ts';
import { adobeRgb, cicp, grey, parametric, power, profile } from './profiles.ts';

const colour = [180, 120, 60];

/** Converts one pixel, without a file. */
const converted = async (signal: Parameters<typeof signalledColour>[0], samples = colour) => {
  const conversion = signalledColour(signal, 'uchar');
  const data = Buffer.from(samples);
  const raster = await conversion?.toSrgb({ data, width: 1, height: 1, channels: samples.length });
  return raster && [...raster.data];
};

describe('the nclx box of an AVIF, as Chromium 156 shows it', () => {
  test.each([
    [12, 13, [190, 117, 45]],
    [12, 1, [190, 117, 45]],
    [12, 2, [190, 117, 45]],
    [2, 8, [219, 183, 133]],
    [99, 8, [219, 183, 133]],
    [9, 16, [255, 0, 0]],
    [9, 18, [185, 85, 32]],
  ])('with primaries %i and transfer %i', async (primaries, transfer, expected) => {
    expectColour((await converted({ primaries, transfer })) ?? [], expected);
  });

  test.each([
    [1, 13],
    [1, 1],
    [1, 6],
    [2, 2],
    [12, 3],
    [9, 19],
  ])('is sRGB with primaries %i and transfer %i', (primaries, transfer) => {
    expect(signalledColour({ primaries, transfer }, 'uchar')).toBeUndefined();
  });

  test('keeps alpha', async () => {
    expectColour(
      (await converted({ primaries: 12, transfer: 13 }, [...colour, 77])) ?? [],
      [190, 117, 45, 77],
    );
  });

  test('may say how bright the picture is', async () => {
    const grey = [150, 150, 150];
    const shown = async (peak?: number) =>
      (await converted({ primaries: 9, transfer: 16, peak }, grey)) ?? [];
    expectColour(await shown(), [193, 193, 193]);
    expectColour(await shown(1000), [193, 193, 193]);
    expectColour(await shown(400), [235, 235, 235]);
  });

  test('is read in 16 bits', async () => {
    const conversion = signalledColour({ primaries: 12, transfer: 13 }, 'ushort');
    const pixel = new Uint16Array(colour.map((level) => level * 257));
    const image = sharp(pixel, { raw: { width: 1, height: 1, channels: 3 } });
    const { data, info } = (await conversion
      ?.samples(image.toColourspace('rgb16'))
      .toBuffer({ resolveWithObject: true })) ?? { data: Buffer.alloc(0), info: undefined };
    expect(info).toMatchObject({ width: 1, height: 1, channels: 3 });
    const raster = await conversion?.toSrgb({ data, width: 1, height: 1, channels: 3 });
    expectColour([...(raster?.data ?? [])], [190, 117, 45]);
  });
});

test('tone mapping dims continuously, and nothing beyond white', () => {
  for (const peak of [203, 250, 400, 1000, 4000, 10_000]) {
    const gain = toneMapGain(peak);
    let before = 0;
    for (let light = 0.1; light < 60; light *= 1.05) {
      const shown = light * gain(light);
      expect(shown).toBeGreaterThanOrEqual(before - 1e-9);
      if (peak > 203) expect(shown).toBeLessThanOrEqual(1 + 1e-9);
      before = shown;
    }
  }
  expect(toneMapGain(100)(7)).toBe(1);
  expect(toneMapGain()(1)).toBe(0.5);
});

const entry = (tag: number, type: 3 | 4 | 7, count: number, value: number): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.writeUInt32LE(count, 4);
  bytes.writeUInt32LE(value, 8);
  return bytes;
};

/** A TIFF of 2 x 2 pixels with 16 bits, with a profile. */
const tiff = (icc: Buffer, pixel: readonly number[]): Buffer => {
  const samples = new Uint16Array([...pixel, ...pixel, ...pixel, ...pixel].map((level) => level * 257));
  const data = Buffer.from(samples.buffer);
  const bits = Buffer.from(new Uint16Array([16, 16, 16, 0]).buffer);
  const isGrey = pixel.length === 1;
  const start = 8 + 2 + 11 * 12 + 4;
  const iccStart = start + bits.byteLength;
  const dataStart = iccStart + icc.byteLength;
  const entries = [
    entry(256, 4, 1, 2),
    entry(257, 4, 1, 2),
    isGrey ? entry(258, 3, 1, 16) : entry(258, 3, 3, start),
    entry(259, 3, 1, 1),
    entry(262, 3, 1, isGrey ? 1 : 2),
    entry(273, 4, 1, dataStart),
    entry(277, 3, 1, pixel.length),
    entry(278, 4, 1, 2),
    entry(279, 4, 1, data.byteLength),
    entry(284, 3, 1, 1),
    entry(34675, 7, icc.byteLength, iccStart),
  ];
  // Little-endian, with a directory of 11 entries at byte 8.
  const head = Buffer.from('49492a00080000000b00', 'hex');
  return Buffer.concat([head, ...entries, Buffer.alloc(4), bits, icc, data]);
};

describe('a TIFF of 16 bits with a profile, as Pillow converts it', () => {
  test.each([
    ['RGB', adobeRgb(), colour, [199, 121, 53]],
    ['grey', grey(power(1.8)), [120], [139, 139, 139]],
    ['grey with a profile for RGB, which does not apply', adobeRgb(power(1)), [120], [120, 120, 120]],
  ])('%s', async (_, icc, pixel, expected) => {
    expectColour((await decoded(tiff(icc, pixel))).pixel(1, 1), expected);
  });
});

describe('a profile is left to libvips', () => {
  const rgb = { depth: 'uchar', space: 'srgb', format: 'jpeg', channels: 3 } as const;
  const greyOf = { depth: 'uchar', space: 'b-w', format: 'jpeg', channels: 1 } as const;

  test('if the image has 8 bits in the colours of the profile', () => {
    expect(conversionOfProfile({ ...rgb, icc: adobeRgb() })).toBeUndefined();
    expect(conversionOfProfile({ ...greyOf, icc: grey(power(1.8)) })).toBeUndefined();
    expect(
      conversionOfProfile({ ...rgb, icc: adobeRgb(power(2.2), { cicp: cicp(12, 13) }) }),
    ).toBeUndefined();
  });

  test('if it does not change the image', () => {
    const curve = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045);
    expect(conversionOfProfile({ ...greyOf, icc: adobeRgb(curve) })).toBeUndefined();
  });

  test('if the image is for print, or there is none', () => {
    const cmyk = profile('CMYK', { A2B0: Buffer.alloc(40) });
    expect(conversionOfProfile({ ...rgb, space: 'cmyk', icc: cmyk })).toBeUndefined();
    expect(conversionOfProfile({ ...rgb, icc: undefined })).toBeUndefined();
  });
});
