import type { OutputInfo } from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';

/** A ThumbHash allows 100 pixels a side and keeps seven waves of them. With 32 a photo looks the same. */
const maxSide = 32;

/** Samples a side, evenly spread, whose mean is one pixel of the placeholder. More would hardly change it. */
const samplesPerSide = 4;

/** For each pixel along one side of the placeholder, the positions of its samples along the image. */
const samplePositions = (side: number, placeholderSide: number): readonly (readonly number[])[] => {
  const step = side / placeholderSide;
  const samples = Math.min(samplesPerSide, Math.ceil(step));
  return Array.from({ length: placeholderSide }, (_, pixel) =>
    Array.from({ length: samples }, (_, sample) => Math.floor((pixel + (sample + 0.5) / samples) * step)),
  );
};

/**
 * A blurred placeholder of an image: Base64 of a ThumbHash of its pixels. They are averaged here, because one
 * more pipeline of libvips costs ten times as much.
 */
export const placeholderOf = (data: Uint8Array, { width, height, channels }: OutputInfo): string => {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  const columns = samplePositions(width, Math.max(1, Math.round(width * scale)));
  const rows = samplePositions(height, Math.max(1, Math.round(height * scale)));
  const rgba = new Uint8Array(columns.length * rows.length * 4);
  let to = 0;
  for (const lines of rows) {
    for (const samples of columns) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let alpha = 0;
      for (const y of lines) {
        for (const x of samples) {
          const from = (y * width + x) * channels;
          // A transparent pixel has no colour.
          const weight = channels === 4 ? (data[from + 3] ?? 0) : 255;
          red += (data[from] ?? 0) * weight;
          green += (data[from + 1] ?? 0) * weight;
          blue += (data[from + 2] ?? 0) * weight;
          alpha += weight;
        }
      }
      rgba[to] = red / (alpha || 1);
      rgba[to + 1] = green / (alpha || 1);
      rgba[to + 2] = blue / (alpha || 1);
      rgba[to + 3] = alpha / (lines.length * samples.length);
      to += 4;
    }
  }
  return Buffer.from(rgbaToThumbHash(columns.length, rows.length, rgba)).toString('base64');
};
