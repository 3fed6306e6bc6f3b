import type { Raster } from './originals/original.ts';

/** Transparent pixels may hide colours, even a whole picture, which PNG and AVIF would keep. */
export const clearHiddenColours = ({ data, channels }: Raster): void => {
  if (channels % 2 !== 0) return;
  for (let alpha = channels - 1; alpha < data.byteLength; alpha += channels) {
    if (data[alpha] !== 0) continue;
    for (let sample = alpha - channels + 1; sample < alpha; sample += 1) data[sample] = 0;
  }
};
