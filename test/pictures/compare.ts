/** RGB and alpha of 8 bits, row by row. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

export interface Difference {
  /** Of all channels of all pixels, over white and over black. */
  readonly mean: number;
  /** The largest at one of the tested points, over white, over black or in alpha. */
  readonly most: number;
}

/** Levels of 255. */
export const allowed: Difference = { mean: 3, most: 6 };

/** A point in every square of so many pixels is tested, which lies in the square's middle. */
const squareSide = 10;

const isTested = (x: number, y: number): boolean =>
  x % squareSide === squareSide / 2 && y % squareSide === squareSide / 2;

/**
 * Compares two pictures of the same size.
 *
 * @param isPartial whether only what is visible in the other one counts
 */
export const differenceOf = (one: Pixels, other: Pixels, isPartial = false): Difference => {
  let sum = 0;
  let most = 0;
  let compared = 0;
  for (let at = 0; at < one.data.length; at += 4) {
    const pixel = at / 4;
    const tested = isTested(pixel % one.width, Math.floor(pixel / one.width));
    const alpha = one.data[at + 3] ?? 0;
    const otherAlpha = other.data[at + 3] ?? 0;
    if (isPartial && otherAlpha === 0) continue;
    compared += 1;
    if (tested) most = Math.max(most, Math.abs(alpha - otherAlpha));
    for (let channel = 0; channel < 3; channel += 1) {
      const sample = one.data[at + channel] ?? 0;
      const otherSample = other.data[at + channel] ?? 0;
      for (const background of [0, 255]) {
        const difference = Math.abs(
          (sample * alpha +
            background * (255 - alpha) -
            otherSample * otherAlpha -
            background * (255 - otherAlpha)) /
            255,
        );
        sum += difference;
        if (tested) most = Math.max(most, difference);
      }
    }
  }
  return { mean: compared === 0 ? 0 : sum / (compared * 6), most };
};

export const isAlike = ({ mean, most }: Difference): boolean => mean <= allowed.mean && most <= allowed.most;

/** Whether anything can be seen. */
export const isVisible = ({ data }: Pixels): boolean => {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 0) return true;
  return false;
};
