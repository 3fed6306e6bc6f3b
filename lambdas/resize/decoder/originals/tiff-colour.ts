import { tiffTags } from './tiff-directory.ts';
import type { TiffHeader } from './tiff-header.ts';

/** What the samples of one picture become: values from 0 to 1, without transparency. */
export interface TiffColours {
  readonly channels: 1 | 3 | 4;
  /** The profile, if it describes these channels. */
  readonly profile: Buffer | undefined;
  /** Turns the mean samples of one pixel into its colour. */
  readonly convert: (samples: Float32Array, colour: Float32Array) => void;
}

/** ICC.1:2022, section 7.2: a signature, and the space of the colours that the profile describes. */
export const profileFor = ({ profile }: TiffHeader, space: 'GRAY' | 'RGB ' | 'CMYK'): Buffer | undefined =>
  profile?.toString('latin1', 36, 40) === 'acsp' && profile.toString('latin1', 16, 20) === space
    ? profile
    : undefined;

export const coloursOf = (header: TiffHeader): TiffColours => {
  const profile = profileFor(header, 'RGB ');
  switch (header.colour) {
    case 'grey':
      return { channels: 1, profile: profileFor(header, 'GRAY'), convert: greyConversion(header) };
    case 'rgb':
    case 'palette':
    case 'log-luv':
      return { channels: 3, profile, convert: copy };
    case 'ycbcr':
      return { channels: 3, profile, convert: ycbcrConversion(header) };
    case 'cmyk': {
      const inks = header.colours === 4 ? profileFor(header, 'CMYK') : undefined;
      return inks
        ? { channels: 4, profile: inks, convert: copy }
        : { channels: 3, profile: undefined, convert: cmykToRgb };
    }
    case 'log-grey':
      return { channels: 1, profile: undefined, convert: copy };
    case 'cie-lab':
    case 'icc-lab':
      return { channels: 3, profile: undefined, convert: labToRgb };
  }
};

const copy = (samples: Float32Array, colour: Float32Array): void => {
  for (let index = 0; index < colour.length; index += 1) colour[index] = samples[index] ?? 0;
};

/** ImageMagick and Pillow leave floating point as it is, because 0 is black to those who write it. */
const greyConversion = ({ isMinWhite, number }: TiffHeader): TiffColours['convert'] =>
  isMinWhite && number !== 'float'
    ? (samples, colour) => {
        colour[0] = 1 - (samples[0] ?? 0);
      }
    : copy;

const defaultCoefficients = [0.299, 0.587, 0.114] as const;
const defaultReference = [0, 255, 128, 255, 128, 255] as const;

/** TIFF 6.0, sections 20 (ReferenceBlackWhite) and 21. */
const ycbcrConversion = ({ directory }: TiffHeader): TiffColours['convert'] => {
  const given = directory.numbers(tiffTags.ycbcrCoefficients, 3);
  const [red, green, blue] =
    given.length === 3 && given.every((each) => each > 0 && each < 1) ? given : defaultCoefficients;
  const reference = directory.numbers(tiffTags.referenceBlackWhite, 6);
  const [yBlack = 0, yWhite = 255, bBlack = 128, bWhite = 255, rBlack = 128, rWhite = 255] =
    reference.length === 6 ? reference : defaultReference;
  const [lumaRed, lumaGreen, lumaBlue] = [red ?? 0.299, green ?? 0.587, blue ?? 0.114];
  const range = (black: number, white: number) => white - black || 1;
  return (samples, colour) => {
    const y = (255 * (samples[0] ?? 0) - yBlack) / range(yBlack, yWhite);
    const b = ((255 * (samples[1] ?? 0) - bBlack) / range(bBlack, bWhite)) * (127 / 255);
    const r = ((255 * (samples[2] ?? 0) - rBlack) / range(rBlack, rWhite)) * (127 / 255);
    const toRed = y + r * (2 - 2 * lumaRed);
    const toBlue = y + b * (2 - 2 * lumaBlue);
    colour[0] = toRed;
    colour[1] = (y - lumaRed * toRed - lumaBlue * toBlue) / lumaGreen;
    colour[2] = toBlue;
  };
};

/** Without a profile, as ImageMagick and Pillow do it: each ink takes away its complement. */
const cmykToRgb = (inks: Float32Array, colour: Float32Array): void => {
  const light = 1 - (inks[3] ?? 0);
  for (let index = 0; index < 3; index += 1) colour[index] = (1 - (inks[index] ?? 0)) * light;
};

/** CIE 15, from L*a*b* to XYZ relative to its white: the inverse of the cube root with a linear part. */
const inverseCubeRoot = (value: number): number =>
  value > 6 / 29 ? value ** 3 : 3 * (6 / 29) ** 2 * (value - 4 / 29);

/** IEC 61966-2-1. */
const encodeSrgb = (linear: number): number =>
  linear <= 0.003_130_8 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;

/** L* from 0 to 1; a* and b* in units of 128. Relative to D50 (ICC.1:2022), adapted to D65 (Bradford). */
const labToRgb = (lab: Float32Array, colour: Float32Array): void => {
  const y = (100 * (lab[0] ?? 0) + 16) / 116;
  const X = 0.964_22 * inverseCubeRoot(y + (128 * (lab[1] ?? 0)) / 500);
  const Y = inverseCubeRoot(y);
  const Z = 0.825_21 * inverseCubeRoot(y - (128 * (lab[2] ?? 0)) / 200);
  colour[0] = encodeSrgb(3.133_856 * X - 1.616_867 * Y - 0.490_615 * Z);
  colour[1] = encodeSrgb(-0.978_768 * X + 1.916_142 * Y + 0.033_454 * Z);
  colour[2] = encodeSrgb(0.071_945 * X - 0.228_991 * Y + 1.405_243 * Z);
};
