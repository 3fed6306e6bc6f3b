/** Makes light of a sample; both are from 0 to 1, where 1 is white. */
export type Transfer = (sample: number) => number;

export const gamma =
  (power: number): Transfer =>
  (sample) =>
    sample ** power;

/** IEC 61966-2-1. */
export const srgb: Transfer = (sample) =>
  sample < 0.04045 ? sample / 12.92 : ((sample + 0.055) / 1.055) ** 2.4;

/** The inverse of `srgb`. */
export const toSrgbSample = (light: number): number =>
  light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;

/** SMPTE ST 240. */
const smpte240: Transfer = (sample) =>
  sample < 0.0912864 ? sample / 4 : ((sample + 0.1115724) / 1.1115724) ** (1 / 0.45);

/** SMPTE ST 428-1: white is 48 cd/m² of 52.37. */
const smpte428: Transfer = (sample) => (52.37 / 48) * sample ** 2.6;

/** ITU-T H.273, table 3, without the curves of cameras, PQ and HLG. Browsers know no other number. */
export const transferByNumber: ReadonlyMap<number, Transfer> = new Map([
  [4, gamma(2.2)],
  [5, gamma(2.8)],
  [7, smpte240],
  [8, gamma(1)],
  [13, srgb],
  [17, smpte428],
]);

/**
 * The numbers of curves by which cameras make samples of light: ITU-R BT.709, BT.601, xvYCC and BT.2020. No
 * browser inverts them, because screens are not made for that.
 */
export const cameraTransfers: ReadonlySet<number> = new Set([1, 6, 11, 14, 15]);

/** How a screen shows samples of a camera (ITU-R BT.1886). */
export const bt1886 = gamma(2.4);

export const pqNumber = 16;
export const hlgNumber = 18;

/** Light of white in a picture for HDR screens, in cd/m² (ITU-R BT.2408). */
export const hdrWhite = 203;

/** ITU-R BT.2100, table 4, relative to `hdrWhite`. */
export const pq: Transfer = (sample) => {
  const power = sample ** (32 / 2523);
  const ratio = Math.max(power - 107 / 128, 0) / (2413 / 128 - (2392 / 128) * power);
  return (10_000 / hdrWhite) * ratio ** (8192 / 1305);
};

/** ITU-R BT.2100, table 5: light of the scene, from 0 to 1. */
export const hlg: Transfer = (sample) =>
  sample <= 0.5 ? sample ** 2 / 3 : (Math.exp((sample - 0.55991073) / 0.17883277) + 0.28466892) / 12;

/** A screen for HLG shows a scene brighter, the more light it has (ITU-R BT.2100, table 5, OOTF). */
export const hlgScreenGain = (sceneLuminance: number): number => (1000 / hdrWhite) * sceneLuminance ** 0.2;
