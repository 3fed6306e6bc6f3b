import { apply, concat, invert, type Matrix, scale, type Triple, transpose } from './matrix.ts';

type Chromaticity = readonly [x: number, y: number];

/** The colours of pure red, green, blue and white, in CIE 1931 x and y. */
export interface Primaries {
  readonly red: Chromaticity;
  readonly green: Chromaticity;
  readonly blue: Chromaticity;
  readonly white: Chromaticity;
}

const d65 = [0.3127, 0.329] as const;
const illuminantC = [0.31, 0.316] as const;

export const bt709: Primaries = { red: [0.64, 0.33], green: [0.3, 0.6], blue: [0.15, 0.06], white: d65 };
export const bt2020: Primaries = {
  red: [0.708, 0.292],
  green: [0.17, 0.797],
  blue: [0.131, 0.046],
  white: d65,
};
const smpte170: Primaries = { red: [0.63, 0.34], green: [0.31, 0.595], blue: [0.155, 0.07], white: d65 };
const p3 = { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06] } as const;

/** ITU-T H.273, table 2. The other numbers are reserved or unspecified. */
export const primariesByNumber: ReadonlyMap<number, Primaries> = new Map([
  [1, bt709],
  [4, { red: [0.67, 0.33], green: [0.21, 0.71], blue: [0.14, 0.08], white: illuminantC }],
  [5, { red: [0.64, 0.33], green: [0.29, 0.6], blue: [0.15, 0.06], white: d65 }],
  [6, smpte170],
  [7, smpte170],
  [8, { red: [0.681, 0.319], green: [0.243, 0.692], blue: [0.145, 0.049], white: illuminantC }],
  [9, bt2020],
  [10, { red: [1, 0], green: [0, 1], blue: [0, 0], white: [1 / 3, 1 / 3] }],
  [11, { ...p3, white: [0.314, 0.351] }],
  [12, { ...p3, white: d65 }],
  [22, { red: [0.63, 0.34], green: [0.295, 0.605], blue: [0.155, 0.077], white: d65 }],
]);

/** Colours of luminance 1. */
const xyzOf = ([x, y]: Chromaticity): Triple => [x / y, 1, (1 - x - y) / y];

/** The connection space of ICC profiles (ICC.1:2022, 7.2.16). */
export const d50: Triple = [0.9642, 1, 0.8249];

/** ICC.1:2022, annex E.3. */
const bradford: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

/** Makes `white` the white of the connection space. */
const adaptationFrom = (white: Triple): Matrix | undefined => {
  const [l, m, s] = apply(bradford, white);
  const [l50, m50, s50] = apply(bradford, d50);
  const back = invert(bradford);
  return back && concat(back, concat(scale([l50 / l, m50 / m, s50 / s]), bradford));
};

/** Light of these primaries to XYZ, or undefined if they do not span a space. The second row is luminance. */
export const toXyz = ({ red, green, blue, white }: Primaries): Matrix | undefined => {
  const withZ = ([x, y]: Chromaticity): Triple => [x, y, 1 - x - y];
  const unscaled = transpose([withZ(red), withZ(green), withZ(blue)]);
  const inverse = invert(unscaled);
  return inverse && concat(unscaled, scale(apply(inverse, xyzOf(white))));
};

/** The same, adapted to D50, so that the whites of all primaries are equal. */
export const toXyzD50 = (primaries: Primaries): Matrix | undefined => {
  const matrix = toXyz(primaries);
  const adaptation = adaptationFrom(xyzOf(primaries.white));
  const adapted = matrix && adaptation && concat(adaptation, matrix);
  return adapted?.flat().every(Number.isFinite) ? adapted : undefined;
};
