import type { Raster } from './originals/original.ts';

/*
 * Photos change softly, and their neighbours are hardly ever equal. Icons, charts, pixel art and screenshots
 * have flat areas that end in jumps. The lossy formats smear such jumps, WebP most of all, because it stores
 * colours at half the resolution. docs/pictures.md, "Graphics", has the figures behind these limits.
 */

/** A picture that may be closer to its original, at about the same size, when it is encoded otherwise. */
export interface Graphics {
  /** The most bytes that its exact encoding may have, given those of the usual one. */
  readonly maxExactBytes: (usualBytes: number) => number;
  /** Whether its colours need the full resolution in any format. */
  readonly needsFullChroma: boolean;
}

/** Enough to tell the kinds apart; the time does not grow with the picture. */
const maxSamples = 512;

/** After so many, a picture with hardly any equal neighbours is a photo: most photos end here. */
const firstSamples = 128;
const minFlatPairs = 10;

/** Levels between neighbours, above which a step is a jump. */
const jumpLevels = 16;
const colourJumpLevels = 32;

/** Pictures of so few pixels cost next to nothing, so each is tried. */
const tinyPixels = 64 * 64;

/** Knuth's multiplicative hash spreads the samples, so that no pattern in the picture can hide from them. */
const hashFactor = 2_654_435_761;

interface Steps {
  /** Share of neighbours that are equal. */
  readonly flat: number;
  /** Shares of the others: steps of any kind, and of colour instead of brightness. */
  readonly jumps: number;
  readonly colourJumps: number;
}

/** @returns undefined for a photo, which is encoded as usual */
export const graphicsOf = (raster: Raster): Graphics | undefined => {
  const { flat, jumps, colourJumps } = stepsOf(raster);
  const isTiny = raster.width * raster.height <= tinyPixels;
  // The edge of a frame around a tiny photo is a large part of it.
  if (flat >= 0.1 && colourJumps >= (isTiny ? 0.3 : 0.1)) {
    // Overexposed photos may have so many jumps as well. Their exact encoding is always too large.
    const needsFullChroma = colourJumps >= 0.3 || (flat >= 0.5 && colourJumps >= 0.15);
    return { maxExactBytes: (usual) => 1.5 * usual + 1024, needsFullChroma };
  }
  if ((flat >= 0.35 && jumps >= 0.5) || flat >= 0.97) {
    return { maxExactBytes: (usual) => 1.4 * usual, needsFullChroma: false };
  }
  return isTiny ? { maxExactBytes: (usual) => usual, needsFullChroma: false } : undefined;
};

/**
 * Compares pixels with their neighbours on the left and above. The edge of what is visible does not count:
 * photos are cut out as well.
 */
const stepsOf = ({ data, width, height, channels }: Raster): Steps => {
  const pixels = width * height;
  const samples = Math.min(pixels, maxSamples);
  const isColoured = channels >= 3;
  const hasAlpha = channels % 2 === 0;
  let pairs = 0;
  let flat = 0;
  let jumps = 0;
  let colourJumps = 0;
  for (let sample = 0; sample < samples; sample += 1) {
    if (sample === firstSamples && flat < minFlatPairs) break;
    const pixel =
      samples === pixels ? sample : Math.floor(((Math.imul(sample, hashFactor) >>> 0) / 2 ** 32) * pixels);
    const at = pixel * channels;
    for (let direction = 0; direction < 2; direction += 1) {
      if (direction === 0 ? pixel % width === 0 : pixel < width) continue;
      const other = at - (direction === 0 ? channels : width * channels);
      if (hasAlpha && (data[at + channels - 1] === 0) !== (data[other + channels - 1] === 0)) continue;
      let step = 0;
      for (let channel = 0; channel < channels; channel += 1) {
        const difference = Math.abs((data[at + channel] ?? 0) - (data[other + channel] ?? 0));
        if (difference > step) step = difference;
      }
      pairs += 1;
      if (step === 0) flat += 1;
      else if (step > jumpLevels) {
        jumps += 1;
        if (isColoured && colourStep(data, at, other) > colourJumpLevels) colourJumps += 1;
      }
    }
  }
  const changes = pairs - flat || 1;
  return { flat: flat / (pairs || 1), jumps: jumps / changes, colourJumps: colourJumps / changes };
};

/** How much the difference of red or blue from green changes. Grey pixels have none. */
const colourStep = (data: Buffer, at: number, other: number): number => {
  const green = (data[at + 1] ?? 0) - (data[other + 1] ?? 0);
  const red = (data[at] ?? 0) - (data[other] ?? 0) - green;
  const blue = (data[at + 2] ?? 0) - (data[other + 2] ?? 0) - green;
  return Math.max(Math.abs(red), Math.abs(blue));
};
