import sharp, { type Metadata } from 'sharp';
import { type Depth, numbersOf, storedRgb } from '../colour/samples.ts';
import type { Conversion, Samples } from '../format.ts';
import { srgbRasterOf } from '../heic/colour.ts';
import { isoBox } from './still-picture.ts';

/** What libheif leaves undone when it decodes an AVIF. */
export interface Undone {
  /**
   * A file with the alpha by which colours are multiplied, and which is no part of the decoded picture:
   * libvips would multiply colours once more before it shrinks them.
   *
   * @default - colours are not multiplied
   */
  readonly multipliedBy: Buffer | undefined;
  /** The picture is grey, and black is 16 and white 235 of 255. libheif stretches only colours. */
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
  if (!undone.multipliedBy && !undone.isGreyLimited && !undone.isAlphaLimited) return conversion;
  const stored: Depth = depth === 'ushort' ? 'ushort' : 'uchar';
  return {
    samples: (image) => storedRgb(image, stored),
    async toSrgb(samples) {
      const all = undone.multipliedBy ? await withAlpha(samples, undone.multipliedBy, stored) : samples;
      finish(undone, all, stored);
      if (conversion && !icc) return conversion.toSrgb(all);
      const { width, height, channels } = all;
      const decoded = {
        kind: 'decoded' as const,
        samples: numbersOf(all, stored).given,
        width,
        height,
        channels: channels === 4 ? (4 as const) : (3 as const),
      };
      return srgbRasterOf(decoded, icc ? [profileBox(icc)] : [], { width, height });
    },
  };
};

const profileBox = (icc: Buffer) => {
  const content = Buffer.concat([Buffer.from('prof', 'latin1'), icc]);
  return { type: 'colr', bytes: isoBox('colr', content), content, isCut: false };
};

/** Shrinks alpha to the size of the colours, and puts it beside them. */
const withAlpha = async (samples: Samples, alphaFile: Buffer, depth: Depth): Promise<Samples> => {
  const { width, height, channels } = samples;
  const alpha = await storedRgb(
    sharp(alphaFile, { limitInputPixels: false, sequentialRead: true }).resize({
      width,
      height,
      fit: 'fill',
    }),
    depth,
  ).toBuffer();
  const { given: colours } = numbersOf(samples, depth);
  const { given: levels } = numbersOf({ data: alpha, width, height, channels: 3 }, depth);
  const bytesPerSample = colours.BYTES_PER_ELEMENT;
  const data = Buffer.alloc(width * height * 4 * bytesPerSample);
  const joined = { data, width, height, channels: 4 };
  const { given } = numbersOf(joined, depth);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let colour = 0; colour < 3; colour += 1) {
      given[4 * pixel + colour] = colours[channels * pixel + (channels < 3 ? 0 : colour)] ?? 0;
    }
    given[4 * pixel + 3] = levels[3 * pixel] ?? 0;
  }
  return joined;
};

/** Changes the samples in place. */
const finish = (undone: Undone, samples: Samples, depth: Depth): void => {
  const { channels } = samples;
  const { given, max } = numbersOf(samples, depth);
  const stretch = (at: number): void => {
    given[at] = clamp((((given[at] ?? 0) / max - 16 / 255) * 255 * max) / 219, max);
  };
  for (let at = 0; at < given.length; at += channels) {
    const alphaAt = at + channels - 1;
    if (channels === 4 && undone.isAlphaLimited) stretch(alphaAt);
    const alpha = channels === 4 ? (given[alphaAt] ?? 0) / max : 1;
    for (let sample = at; sample < at + Math.min(channels, 3); sample += 1) {
      if (undone.isGreyLimited) stretch(sample);
      if (undone.multipliedBy && alpha > 0) given[sample] = clamp((given[sample] ?? 0) / alpha, max);
    }
  }
};

const clamp = (number: number, max: number): number => Math.min(max, Math.max(0, Math.round(number)));
