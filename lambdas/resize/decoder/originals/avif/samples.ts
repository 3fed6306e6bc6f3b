import type { Metadata } from 'sharp';
import { numbersOf, storedRgb } from '../colour/samples.ts';
import type { Conversion, Samples } from '../format.ts';
import type { Raster } from '../original.ts';

/** What libheif leaves undone when it decodes an AVIF. */
export interface Undone {
  /** Colours are multiplied by alpha. */
  readonly isPremultiplied: boolean;
  /** The picture is grey, and black is 16 and white 235 of 255. Where there is colour, libheif stretches it. */
  readonly isGreyLimited: boolean;
  /** The same for alpha. */
  readonly isAlphaLimited: boolean;
}

/** Does that to the reduced picture, and then what else is to be done with its colours. */
export const withUndone = (
  undone: Undone,
  { depth, icc }: Metadata,
  conversion: Conversion | undefined,
): Conversion | undefined => {
  if (!undone.isPremultiplied && !undone.isGreyLimited && !undone.isAlphaLimited) return conversion;
  return {
    samples: (image) => {
      if (conversion) return conversion.samples(image);
      return storedRgb(icc ? image.withIccProfile('srgb') : image, depth);
    },
    toSrgb: (samples) => {
      const sampleDepth = depth === 'ushort' ? 'ushort' : 'uchar';
      finish(undone, samples, sampleDepth);
      return conversion ? conversion.toSrgb(samples) : inBytes(samples, sampleDepth);
    },
  };
};

/** Changes the samples in place. */
const finish = (undone: Undone, samples: Samples, depth: Metadata['depth']): void => {
  const { channels } = samples;
  const { given, max } = numbersOf(samples, depth);
  const stretch = (at: number): void => {
    given[at] = clamp((((given[at] ?? 0) / max - 16 / 255) * 255 * max) / 219, max);
  };
  for (let at = 0; at < given.length; at += channels) {
    const alphaAt = at + channels - 1;
    const colours = channels === 4 ? 3 : channels;
    if (channels === 4 && undone.isAlphaLimited) stretch(alphaAt);
    const alpha = channels === 4 ? (given[alphaAt] ?? 0) / max : 1;
    for (let sample = at; sample < at + colours; sample += 1) {
      if (undone.isGreyLimited) stretch(sample);
      if (undone.isPremultiplied && alpha > 0) given[sample] = clamp((given[sample] ?? 0) / alpha, max);
    }
  }
};

const clamp = (number: number, max: number): number => Math.min(max, Math.max(0, Math.round(number)));

const inBytes = (samples: Samples, depth: Metadata['depth']): Raster => {
  const { width, height, channels } = samples;
  const { given, max } = numbersOf(samples, depth);
  const data = Buffer.from(given.map((number) => Math.round((number / max) * 255)));
  return { data, width, height, channels: channels === 4 ? 4 : 3 };
};
