import type { PictureJob } from './job.ts';
import type { LibheifPicture } from './libheif.ts';
import { upright } from './placement.ts';
import { type Samples, Shrinking } from './shrink.ts';

/*
 * Whether an embedded thumbnail shows the same as its picture. The header has been compared before: size,
 * rotation, cropping and colours agree. Old cameras put bars above and below, though, and programs edit a
 * picture without its thumbnail.
 */

/** A tile is compared by the means of so many fields across and down, which sampling hardly changes. */
const fieldsAcross = 6;

/** The least spread of these means, of 255, for which their agreement proves something. */
const minSpread = 4;

/** Their mean difference at most, of 255 and of their spread. */
const maxDifference = 5;
const maxRelativeDifference = 0.35;

/** The spread along an edge, of 255, below which the edge may be a bar. */
const maxBarSpread = 3;

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly samples: Samples;
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * Compares one tile at the border of the picture, the one with the strongest contrast in the thumbnail: bars,
 * shifts and other pictures differ there. Of a picture without tiles no part can be decoded alone, so there
 * only a thumbnail with an edge that may be a bar is refused.
 */
export const isSamePicture = (handle: LibheifPicture, picture: PictureJob, thumbnail: Shrinking): boolean => {
  const small = thumbnail.finish(upright);
  const { columns, rows, tile } = handle.tiling;
  if (columns * rows === 1) return !hasBar(small);
  const { area } = picture;
  let best: { readonly column: number; readonly row: number; readonly rectangle: Rectangle } | undefined;
  let bestSpread = minSpread;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const isAtBorder = row === 0 || column === 0 || row === rows - 1 || column === columns - 1;
      if (!isAtBorder) continue;
      // Whole pixels of the thumbnail within the tile.
      const across = small.width / area.width;
      const down = small.height / area.height;
      const rectangle = {
        left: Math.max(0, Math.ceil((column * tile.width - area.left) * across)),
        top: Math.max(0, Math.ceil((row * tile.height - area.top) * down)),
        right: Math.min(small.width, Math.floor(((column + 1) * tile.width - area.left) * across)),
        bottom: Math.min(small.height, Math.floor(((row + 1) * tile.height - area.top) * down)),
      };
      if (
        rectangle.right - rectangle.left < fieldsAcross ||
        rectangle.bottom - rectangle.top < fieldsAcross
      ) {
        continue;
      }
      const spread = spreadOf(fieldMeans(small, rectangle));
      if (spread <= bestSpread) continue;
      best = { column, row, rectangle };
      bestSpread = spread;
    }
  }
  if (best === undefined) return false;
  const { column, row, rectangle } = best;
  const large = handle.withTile(column, row, picture, (decoded) => {
    const shrinking = new Shrinking({ ...picture, target: small, depth: decoded.depth });
    shrinking.add({ ...decoded, left: column * tile.width, top: row * tile.height });
    return shrinking.finish(upright);
  });
  const difference = meanDifference(fieldMeans(small, rectangle), fieldMeans(large, rectangle));
  return difference <= maxDifference && difference <= maxRelativeDifference * bestSpread;
};

/** Means of red, green and blue, of 255, in fields that cover the rectangle. */
const fieldMeans = (
  { samples, width }: Pixels,
  { left, top, right, bottom }: Rectangle,
): readonly number[] => {
  const full = samples instanceof Uint16Array ? 65_535 : 255;
  const means: number[] = [];
  const edge = (from: number, to: number, field: number): number =>
    from + Math.floor(((to - from) * field) / fieldsAcross);
  for (let down = 0; down < fieldsAcross; down += 1) {
    for (let across = 0; across < fieldsAcross; across += 1) {
      const [x0, x1] = [edge(left, right, across), edge(left, right, across + 1)];
      const [y0, y1] = [edge(top, bottom, down), edge(top, bottom, down + 1)];
      for (let channel = 0; channel < 3; channel += 1) {
        let sum = 0;
        for (let y = y0; y < y1; y += 1) {
          for (let x = x0; x < x1; x += 1) sum += samples[(y * width + x) * 3 + channel] ?? 0;
        }
        means.push((sum / ((x1 - x0) * (y1 - y0))) * (255 / full));
      }
    }
  }
  return means;
};

/** The standard deviation of each channel's means, on average. */
const spreadOf = (means: readonly number[]): number => {
  const count = means.length / 3;
  let total = 0;
  for (let channel = 0; channel < 3; channel += 1) {
    let sum = 0;
    let squares = 0;
    for (let at = channel; at < means.length; at += 3) {
      const mean = means[at] ?? 0;
      sum += mean;
      squares += mean ** 2;
    }
    total += Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  }
  return total / 3;
};

const meanDifference = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, mean, at) => sum + Math.abs(mean - (other[at] ?? 0)), 0) / one.length;

/** Whether a row or column at an edge has one colour all along. */
const hasBar = (pixels: Pixels): boolean => {
  const { width, height } = pixels;
  const rows = [0, height - 1].map((y) => lineOf(pixels, y * width, 1, width));
  const columns = [0, width - 1].map((x) => lineOf(pixels, x, width, height));
  return [...rows, ...columns].some((line) => spreadOf(line) <= maxBarSpread);
};

const lineOf = ({ samples }: Pixels, start: number, step: number, count: number): readonly number[] => {
  const full = samples instanceof Uint16Array ? 65_535 : 255;
  const line: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = (start + index * step) * 3;
    for (let channel = 0; channel < 3; channel += 1) line.push(((samples[at + channel] ?? 0) * 255) / full);
  }
  return line;
};
