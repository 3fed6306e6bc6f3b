import { rgbaToThumbHash } from 'thumbhash';
import type { Raster } from './originals/original.ts';

/** A ThumbHash allows 100 pixels a side and keeps seven waves of them. With 32 a photo looks the same. */
const maxSide = 32;

/** Samples a side, evenly spread, whose mean is one pixel of the placeholder. More would hardly change it. */
const maxSamples = 4;

/**
 * A blurred placeholder of an image: Base64 of a ThumbHash of its pixels. They are averaged here, because one
 * more pipeline of libvips costs ten times as much.
 */
export const placeholderOf = ({ data, width, height, channels }: Raster): string => {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  const columns = Math.max(1, Math.round(width * scale));
  const rows = Math.max(1, Math.round(height * scale));
  const rgba = new Uint8Array(columns * rows * 4);
  const stepX = width / columns;
  const stepY = height / rows;
  const samplesX = Math.min(maxSamples, Math.ceil(stepX));
  const samplesY = Math.min(maxSamples, Math.ceil(stepY));
  for (let row = 0, to = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1, to += 4) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let alpha = 0;
      for (let sampleY = 0; sampleY < samplesY; sampleY += 1) {
        const line = Math.floor((row + (sampleY + 0.5) / samplesY) * stepY) * width;
        for (let sampleX = 0; sampleX < samplesX; sampleX += 1) {
          const from = (line + Math.floor((column + (sampleX + 0.5) / samplesX) * stepX)) * channels;
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
      rgba[to + 3] = alpha / (samplesX * samplesY);
    }
  }
  return Buffer.from(rgbaToThumbHash(columns, rows, rgba)).toString('base64');
};
