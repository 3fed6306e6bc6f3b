import type { Conversion } from '../format.ts';
import { bt709, primariesByNumber } from './primaries.ts';
import { conversionFrom, type RgbSpace } from './rgb.ts';
import type { Depth } from './samples.ts';
import { bt1886, cameraTransfers, hlgNumber, pqNumber, srgb, transferByNumber } from './transfer.ts';

/** A colour space by its numbers in ITU-T H.273, as in a cICP chunk or an nclx box. */
export interface ColourSignal {
  readonly primaries: number;
  readonly transfer: number;
  /**
   * The light of the brightest colour in cd/m², for PQ and HLG: MaxCLL, else the maximum of the screen on
   * which the picture was made.
   *
   * @default - 1,000
   */
  readonly peak?: number | undefined;
}

/** ITU-T H.273, tables 2 and 3: known by other means, or not at all. */
const unspecified = 2;

/**
 * The colours of an AVIF that its nclx box signals. As in Chromium, an unspecified number means that of sRGB,
 * the curves of cameras mean that of sRGB, and unknown primaries those of sRGB.
 *
 * @returns undefined if it is sRGB, or the curve is unknown
 */
export const signalledColour = (signal: ColourSignal, depth: Depth): Conversion | undefined => {
  const transfer = signal.transfer === unspecified ? srgb : transferOf(signal, srgb);
  const primaries = primariesByNumber.get(signal.primaries) ?? bt709;
  return transfer && conversionFrom({ primaries, transfer, peak: signal.peak }, depth);
};

/**
 * The colours that a PNG's cICP chunk or the cicp tag of a profile signals.
 *
 * @returns undefined if Chromium does not know a number, and looks for another signal
 */
export const spaceOfCicp = (signal: ColourSignal): RgbSpace | undefined => {
  const primaries = primariesByNumber.get(signal.primaries);
  const transfer = transferOf(signal, bt1886);
  return primaries && transfer && { primaries, transfer, peak: signal.peak };
};

const transferOf = (
  { transfer }: ColourSignal,
  ofCameras: RgbSpace['transfer'],
): RgbSpace['transfer'] | undefined => {
  if (transfer === pqNumber) return 'pq';
  if (transfer === hlgNumber) return 'hlg';
  return cameraTransfers.has(transfer) ? ofCameras : transferByNumber.get(transfer);
};
