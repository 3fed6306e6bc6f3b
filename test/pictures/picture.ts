import sharp, { type Sharp } from 'sharp';

export type Rgb = readonly [red: number, green: number, blue: number];

export const width = 160;
export const height = 120;
export const patchSide = 40;

/** Saturated and pale colours, greys, nearly black and nearly white: four in a row. */
export const patches: readonly Rgb[] = [
  [150, 44, 36],
  [40, 150, 62],
  [36, 60, 168],
  [236, 232, 226],
  [214, 176, 40],
  [128, 128, 128],
  [90, 180, 200],
  [24, 22, 28],
  [190, 120, 170],
  [70, 90, 40],
  [240, 130, 90],
  [60, 40, 110],
];

/** The number of the patch at a point. */
export const patchAt = (x: number, y: number): number =>
  4 * Math.floor(y / patchSide) + Math.floor(x / patchSide);

/** Patches, each a little brighter to its right, so that a shift shows. At most 96 different colours. */
export const rgbAt = (x: number, y: number): Rgb => {
  const [red, green, blue] = patches[patchAt(x, y)] ?? [0, 0, 0];
  const step = Math.floor((x % patchSide) / 5) - 4;
  return [red + 2 * step, green + 2 * step, blue + 2 * step];
};

/** BT.709's weights, on the coded values. */
export const greyAt = (x: number, y: number): number => {
  const [red, green, blue] = rgbAt(x, y);
  return Math.round(0.2126 * red + 0.7152 * green + 0.0722 * blue);
};

/** Opaque on the left, transparent on the right, four steps in all. */
export const alphaAt = (x: number): number => [255, 170, 64, 0][Math.floor(x / patchSide)] ?? 0;

/** Row by row. */
export const pixels = (samplesAt: (x: number, y: number) => readonly number[]): Buffer => {
  const all: number[] = [];
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) all.push(...samplesAt(x, y));
  return Buffer.from(all);
};

export const picture = (): Sharp => sharp(pixels(rgbAt), { raw: { width, height, channels: 3 } });

export const greyPicture = (): Sharp =>
  sharp(
    pixels((x, y) => [greyAt(x, y)]),
    { raw: { width, height, channels: 1 } },
  ).toColourspace('b-w');

export const transparentPicture = (): Sharp =>
  sharp(
    pixels((x, y) => [...rgbAt(x, y), alphaAt(x)]),
    { raw: { width, height, channels: 4 } },
  );
