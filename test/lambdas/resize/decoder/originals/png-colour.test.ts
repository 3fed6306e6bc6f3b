import { deflateSync } from 'node:zlib';
import { chunkOf } from '../../../../../lambdas/resize/decoder/originals/png/chunks.ts';
import { decoded, expectColour, pngOf, tile, uint32, withWrongCheck } from './png-files.ts';
import { adobeRgb, cicp as cicpTag, grey, parametric, power, profile, sampled } from './profiles.ts';

/*
 * The expected colours are what Chromium 156 shows of these files.
 */

const cicp = (primaries: number, transfer: number, matrix = 0, range = 1): Buffer =>
  chunkOf('cICP', Buffer.from([primaries, transfer, matrix, range]));
const gama = (steps: number): Buffer => chunkOf('gAMA', uint32(steps));
const chrm = (...steps: readonly number[]): Buffer => chunkOf('cHRM', uint32(...steps));
const srgb = (intent = 0): Buffer => chunkOf('sRGB', Buffer.from([intent]));
const iccp = (icc: Buffer): Buffer =>
  chunkOf('iCCP', Buffer.concat([Buffer.from('profile\0\0', 'latin1'), deflateSync(icc)]));
const brightest = (nits: number): Buffer => chunkOf('cLLI', uint32(nits * 10_000, 0));
const screen = (nits: number): Buffer =>
  chunkOf('mDCV', Buffer.concat([Buffer.alloc(16), uint32(nits * 10_000, 0)]));
const displayP3 = [31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000];

const colour = [180, 120, 60] as const;

const shownOf = async (...chunks: readonly Buffer[]): Promise<readonly number[]> =>
  (await decoded(pngOf(tile('rgb', colour), ...chunks))).pixel(3, 3);

describe('the cICP chunk', () => {
  test.each([
    [1, 13, colour],
    [12, 13, [190, 117, 45]],
    [4, 13, [203, 115, 46]],
    [10, 13, [255, 0, 57]],
    [22, 13, [181, 120, 59]],
    [1, 1, [176, 113, 49]],
    [1, 5, [165, 98, 36]],
    [1, 7, [188, 134, 77]],
    [1, 8, [219, 183, 133]],
    [1, 17, [177, 109, 44]],
  ])('with primaries %i and transfer %i', async (primaries, transfer, expected) => {
    expectColour(await shownOf(cicp(primaries, transfer)), expected);
  });

  test.each([
    ['unknown primaries', cicp(3, 8)],
    ['an unspecified transfer', cicp(12, 2)],
    ['a matrix', cicp(12, 13, 1)],
    ['a limited range', cicp(12, 13, 0, 0)],
    ['a wrong check', withWrongCheck(cicp(12, 13))],
  ])('is ignored with %s', async (_, chunk) => {
    expectColour(await shownOf(chunk), colour);
    expectColour(await shownOf(chunk, gama(100_000)), [219, 183, 133]);
  });
});

describe('colours for HDR screens are dimmed', () => {
  test.each([
    [[120, 100, 80], 'PQ', [cicp(9, 16)], [133, 70, 41]],
    [[120, 100, 80], 'PQ of P3', [cicp(12, 16)], [121, 74, 42]],
    [[120, 100, 80], 'HLG', [cicp(9, 18)], [99, 73, 58]],
    [[150, 150, 150], 'PQ', [cicp(9, 16)], [193, 193, 193]],
    [[150, 150, 150], 'PQ of 400 cd/m²', [cicp(9, 16), brightest(400)], [235, 235, 235]],
    [[200, 180, 160], 'PQ', [cicp(9, 16)], [255, 174, 122]],
    [[200, 180, 160], 'PQ of a screen with 4000 cd/m²', [cicp(9, 16), screen(4000)], [255, 158, 110]],
    [[200, 180, 160], 'HLG', [cicp(9, 18)], [218, 161, 135]],
    [[200, 180, 160], 'HLG that is no brighter than white', [cicp(9, 18), brightest(203)], [255, 223, 187]],
    [[255, 255, 255], 'PQ', [cicp(9, 16)], [255, 255, 255]],
  ])('%j in %s', async (samples, _, chunks, expected) => {
    const { pixel } = await decoded(pngOf(tile('rgb', samples), ...chunks));
    expectColour(pixel(0, 0), expected);
  });

  test('a profile can say it as well', async () => {
    const hdr = adobeRgb(power(2.2), { cicp: cicpTag(9, 16) });
    const { pixel } = await decoded(pngOf(tile('rgb', [120, 100, 80]), iccp(hdr)));
    expectColour(pixel(0, 0), [133, 70, 41]);
  });
});

describe('gAMA and cHRM', () => {
  test.each([
    ['a linear gamma', [gama(100_000)], [219, 183, 133]],
    ['a gamma of 1.8', [gama(55_556)], [193, 139, 77]],
    ['the usual gamma', [gama(45_455)], colour],
    ['no gamma', [gama(0)], colour],
    ['the usual gamma and primaries', [gama(45_455), chrm(...displayP3)], [192, 117, 40]],
    ['primaries without gamma', [chrm(...displayP3)], colour],
    ['impossible primaries', [gama(100_000), chrm(0, 0, 0, 0, 0, 0, 0, 0)], colour],
    ['primaries beyond 1', [gama(100_000), chrm(31270, 32900, 200_000, 0, 0, 0, 0, 0)], colour],
    ['a short gamma', [chunkOf('gAMA', Buffer.from([1, 2, 3]))], colour],
    ['two gammas', [gama(100_000), gama(45_455)], [219, 183, 133]],
  ])('%s', async (_, chunks, expected) => {
    expectColour(await shownOf(...chunks), expected);
  });

  test('apply to grey, palettes and transparent colours', async () => {
    const shownAs = async (picture: Parameters<typeof pngOf>[0], ...chunks: readonly Buffer[]) =>
      (await decoded(pngOf(picture, gama(100_000), ...chunks))).pixel(0, 0);
    expectColour(await shownAs(tile('grey', [120])), [183, 183, 183]);
    expectColour(await shownAs(tile('greyAlpha', [120, 90])), [183, 183, 183, 90]);
    expectColour(await shownAs(tile('rgba', [...colour, 90])), [219, 183, 133, 90]);
    expectColour(await shownAs(tile('rgba', [...colour, 90], 16)), [219, 183, 133, 90]);
    const palette = chunkOf('PLTE', Buffer.from([0, 0, 0, ...colour]));
    const transparency = chunkOf('tRNS', Buffer.from([255, 90]));
    expectColour(await shownAs({ ...tile('palette', [1]), depth: 4 }, palette), [219, 183, 133]);
    expectColour(await shownAs(tile('palette', [1]), palette, transparency), [219, 183, 133, 90]);
  });
});

describe('the first signal that can be read counts', () => {
  const all = [iccp(adobeRgb()), srgb(), gama(100_000)];

  test.each([
    ['cICP before all others', [cicp(12, 13), ...all], [190, 117, 45]],
    ['cICP for sRGB before a profile', [cicp(1, 13), ...all], colour],
    ['a profile before sRGB', all, [199, 121, 53]],
    ['sRGB before gAMA', [srgb(), gama(100_000)], colour],
    ['gAMA instead of a malformed sRGB', [srgb(4), gama(100_000)], [219, 183, 133]],
    ['gAMA instead of a malformed profile', [iccp(Buffer.alloc(300, 7)), gama(100_000)], [219, 183, 133]],
    ['gAMA instead of a damaged profile', [withWrongCheck(iccp(adobeRgb())), gama(100_000)], [219, 183, 133]],
  ])('%s', async (_, chunks, expected) => {
    expectColour(await shownOf(...chunks), expected);
  });
});

describe('a profile', () => {
  const adobe = [199, 121, 53];

  test.each([8, 16] as const)('is applied to %i bits', async (depth) => {
    const shown = async (picture: Parameters<typeof pngOf>[0], icc: Buffer) =>
      (await decoded(pngOf(picture, iccp(icc)))).pixel(0, 0);
    expectColour(await shown(tile('rgb', colour, depth), adobeRgb()), adobe);
    expectColour(await shown(tile('rgba', [...colour, 128], depth), adobeRgb()), [...adobe, 128]);
    expectColour(await shown(tile('grey', [120], depth), grey(power(1.8))), [139, 139, 139]);
    expectColour(await shown(tile('greyAlpha', [120, 7], depth), grey(power(1.8))), [139, 139, 139, 7]);
    // A profile for RGB makes grey of grey.
    expectColour(await shown(tile('grey', [120], depth), adobeRgb()), [121, 121, 121]);
    expectColour(await shown(tile('grey', [120], depth), adobeRgb(power(1))), [183, 183, 183]);
  });

  test('may have any kind of curve', async () => {
    const shown = async (curve: Buffer) =>
      (await decoded(pngOf(tile('rgb', colour, 16), iccp(adobeRgb(curve))))).pixel(0, 0);
    const square = adobeRgb(power(2));
    const expected = (await decoded(pngOf(tile('rgb', colour), iccp(square)))).pixel(0, 0);
    const points = Array.from({ length: 256 }, (_, index) => (index / 255) ** 2);
    expectColour(await shown(sampled(points)), expected);
    expectColour(await shown(parametric(0, 2)), expected);
    expectColour(await shown(parametric(1, 2, 1, 0)), expected);
    expectColour(await shown(parametric(2, 2, 1, 0, 0)), expected);
    expectColour(await shown(parametric(3, 2, 1, 0, 1, 0)), expected);
    expectColour(await shown(parametric(4, 2, 1, 0, 1, 0, 0, 0)), expected);
  });

  test.each([
    ['is for grey', grey(power(1.8))],
    ['is for ink', profile('CMYK', { A2B0: Buffer.alloc(40) })],
    ['is garbage', Buffer.alloc(300, 0xa5)],
    ['is cut off', adobeRgb().subarray(0, 200)],
    ['has more tags than bytes', Object.assign(adobeRgb(), { 131: 255 })],
    ['has no curve', profile('RGB ', {})],
    ['is empty', Buffer.alloc(0)],
  ])('is ignored if it %s', async (_, icc) => {
    for (const depth of [8, 16] as const) {
      const { pixel } = await decoded(pngOf(tile('rgb', colour, depth), iccp(icc)));
      expectColour(pixel(0, 0), colour);
    }
  });
});
