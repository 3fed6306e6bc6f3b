import type { Conversion, Samples } from '../format.ts';
import type { Raster } from '../original.ts';
import { apply, concat, dot, invert, type Matrix, type Triple } from './matrix.ts';
import { bt709, bt2020, type Primaries, toXyz, toXyzD50 } from './primaries.ts';
import { type Depth, numbersOf, storedRgb } from './samples.ts';
import { toneMapGain } from './tone-map.ts';
import { hlg, hlgScreenGain, pq, srgb, type Transfer, toSrgbSample } from './transfer.ts';

/** What the samples of an image mean. */
export interface RgbSpace {
  readonly primaries: Primaries;
  readonly transfer: Transfer | 'pq' | 'hlg';
  /** The light of the brightest colour in cd/m², for PQ and HLG. @default - 1,000 */
  readonly peak?: number | undefined;
}

/**
 * Makes sRGB of an image whose samples are in another space.
 *
 * The image is resized before that, so samples are averaged and not light, as in browsers.
 *
 * @returns undefined if the samples are sRGB, or the primaries span no space
 */
export const conversionFrom = (space: RgbSpace, depth: Depth): Conversion | undefined => {
  const toConnection = toXyzD50(space.primaries);
  if (toConnection === undefined) return undefined;
  if (space.transfer === srgb && isAlmostSrgb(toConnection)) return undefined;
  const curve = curveOf(space);
  return conversionOfLight({ toConnection, curves: [curve, curve, curve], gain: gainOf(space) }, depth);
};

/** Light by which an image was made. */
export interface Light {
  /** To XYZ under D50. */
  readonly toConnection: Matrix;
  /** Of red, green and blue. */
  readonly curves: readonly [Transfer, Transfer, Transfer];
  /** The factor by which light is dimmed or brightened for the screen. @default - it is shown as it is */
  readonly gain?: ((light: Triple) => number) | undefined;
}

/** Makes sRGB of an image by its curves and its primaries. */
export const conversionOfLight = (light: Light, depth: Depth): Conversion | undefined => {
  const srgbToConnection = toXyzD50(bt709);
  const toSrgb = srgbToConnection && invert(srgbToConnection);
  if (toSrgb === undefined) return undefined;
  const matrix = concat(toSrgb, light.toConnection);
  return {
    samples: (image) => storedRgb(image, depth),
    toSrgb: (samples) => converted(samples, depth, light, matrix),
  };
};

/** The tolerance with which browsers take primaries for those of sRGB. */
const tolerance = 0.01;

const isAlmostSrgb = (matrix: Matrix): boolean => {
  const expected = toXyzD50(bt709)?.flat() ?? [];
  return matrix.flat().every((number, index) => Math.abs(number - (expected[index] ?? 0)) < tolerance);
};

const gainOf = ({ primaries, transfer, peak }: RgbSpace): Light['gain'] => {
  if (transfer !== 'pq' && transfer !== 'hlg') return undefined;
  const toConnection = toXyzD50(primaries);
  const wideToConnection = toXyzD50(bt2020);
  const toWide = wideToConnection && invert(wideToConnection);
  const luminance = toXyz(primaries)?.[1];
  if (toConnection === undefined || toWide === undefined || luminance === undefined) return undefined;
  const matrix = concat(toWide, toConnection);
  const toneMap = toneMapGain(peak);
  return (light) => {
    const shown = transfer === 'hlg' ? hlgScreenGain(dot(luminance, light)) : 1;
    return shown * toneMap(shown * Math.max(...apply(matrix, light)));
  };
};

const curveOf = ({ transfer }: RgbSpace): Transfer => {
  if (transfer === 'pq') return pq;
  return transfer === 'hlg' ? hlg : transfer;
};

/** Fine enough for dark colours, where a step is a fifth of a byte's level. */
const maxStep = 16_384;

/** Bytes of sRGB for light from 0 to 1. */
const srgbBytes = (): Uint8Array =>
  Uint8Array.from({ length: maxStep + 1 }, (_, step) => Math.round(toSrgbSample(step / maxStep) * 255));

const converted = (
  samples: Samples,
  depth: Depth,
  { curves, gain }: Light,
  [redRow, greenRow, blueRow]: Matrix,
): Raster => {
  const { width, height } = samples;
  const channels = samples.channels === 4 ? 4 : 3;
  const { given, max } = numbersOf(samples, depth);
  const tableOf = (curve: Transfer): Float64Array =>
    Float64Array.from({ length: max + 1 }, (_, sample) => curve(sample / max));
  const red = tableOf(curves[0]);
  const green = curves[1] === curves[0] ? red : tableOf(curves[1]);
  const blue = curves[2] === curves[0] ? red : tableOf(curves[2]);
  const light = (table: Float64Array, offset: number): number => table[given[offset] ?? 0] ?? 0;
  const bytes = srgbBytes();
  // What sRGB cannot show is clipped.
  const byte = (amount: number): number => bytes[Math.round(Math.min(1, Math.max(0, amount)) * maxStep)] ?? 0;
  const data = Buffer.alloc(width * height * channels);
  for (let at = 0; at < data.byteLength; at += channels) {
    const colour: Triple = [light(red, at), light(green, at + 1), light(blue, at + 2)];
    const factor = gain === undefined ? 1 : gain(colour);
    data[at] = byte(factor * dot(redRow, colour));
    data[at + 1] = byte(factor * dot(greenRow, colour));
    data[at + 2] = byte(factor * dot(blueRow, colour));
    if (channels === 4) data[at + 3] = Math.round(((given[at + 3] ?? 0) / max) * 255);
  }
  return { data, width, height, channels };
};
