import type { DamageKind } from '../../../image/damage.ts';
import type { Format } from './format.ts';

/*
 * Browsers and libvips decode JPEG with libjpeg-turbo, so what it makes of a damaged file is what a browser
 * shows. Only its first warning has a text, but it counts all of them.
 */

/** It may be repeated, and then with a larger number. */
const counted = /^read gave (\d+) warnings$/;

const countOf = (warnings: readonly string[]): number =>
  Math.max(0, ...warnings.map((warning) => Number(counted.exec(warning)?.[1] ?? 0)));

/** The bytes ran out. What was missing until then is counted as another warning. */
const ranOut = /premature end of JPEG (image|file)/i;

/** Cameras of Samsung write such parameters in baseline files, where they mean nothing. */
const oddScan = /Invalid SOS parameters/;

const damageOf = (
  warnings: readonly string[],
  bytes: Buffer,
  ofHeader: readonly string[],
): DamageKind | undefined => {
  // Every pixel is right after a warning about the header, such as rubbish between segments.
  let serious = countOf(warnings) - countOf(ofHeader);
  if (serious > 0 && warnings.some((warning) => oddScan.test(warning))) serious -= 1;
  if (serious <= 0) return undefined;
  const scans = scansOf(bytes);
  if (scans.hasEnd) return 'damaged';
  // The missing end is one of the warnings.
  if (serious === 1) return scans.isComplete ? undefined : 'incomplete';
  const isFirst = warnings.some((warning) => ranOut.test(warning));
  return isFirst || countOf(ofHeader) > 0 ? 'incomplete' : 'damaged';
};

interface Scans {
  /** Every coefficient of every component has all of its bits. */
  readonly isComplete: boolean;
  /** There is an end of image (EOI). */
  readonly hasEnd: boolean;
}

const coefficients = 64;
const maxComponents = 4;

/** Walks over the segments (ITU-T T.81, annex B), in time linear in the bytes. */
const scansOf = (bytes: Buffer): Scans => {
  let components = 0;
  let isProgressive = false;
  /** By component and coefficient. */
  const isExact = new Map<number, Uint8Array>();
  const exactOf = (component: number): Uint8Array => {
    const known = isExact.get(component) ?? new Uint8Array(coefficients);
    isExact.set(component, known);
    return known;
  };
  const scans = (hasEnd: boolean): Scans => ({
    hasEnd,
    isComplete: isExact.size === components && [...isExact.values()].every((exact) => !exact.includes(0)),
  });

  for (let at = 2; at + 4 <= bytes.byteLength + 2; ) {
    at = bytes.indexOf(0xff, at);
    if (at === -1) break;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xd9) return scans(true);
    // Stuffed and fill bytes, restarts, and the start of the image have no length.
    if (marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd8) || marker === 0x01) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const length = at + 4 <= bytes.byteLength ? bytes.readUInt16BE(at + 2) : 2;
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (isFrame(marker)) {
      isProgressive = marker === 0xc2;
      components = Math.min(maxComponents, segment[5] ?? 0);
    } else if (marker === 0xda) {
      const count = Math.min(maxComponents, segment[0] ?? 0);
      // Baseline scans have all of the coefficients, whatever they say.
      const [first, last, low] = isProgressive
        ? [segment[1 + 2 * count] ?? 0, segment[2 + 2 * count] ?? 0, (segment[3 + 2 * count] ?? 0) & 0xf]
        : [0, coefficients - 1, 0];
      for (let index = 0; index < count && low === 0; index += 1) {
        exactOf(segment[1 + 2 * index] ?? 0).fill(1, first, last + 1);
      }
    }
    at += 2 + Math.max(2, length);
  }
  return scans(false);
};

/** Start of a frame: C0 to CF without the tables C4 and CC, and C8, which is reserved. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Without data a sample is in the middle of its range: a grey, which colour management may shift. */
const isFill = ([red = 0, green = red, blue = red]: Uint8Array): boolean => {
  const darkest = Math.min(red, green, blue);
  const brightest = Math.max(red, green, blue);
  return brightest - darkest <= 12 && darkest >= 40 && brightest <= 165;
};

const unsupportedParts = [
  [/arithmetic/i, 'a JPEG with arithmetic coding'],
  [/Unsupported JPEG data precision (\d+)/i, 'a JPEG with more than 8 bits'],
  [/Unsupported JPEG process/i, 'a lossless or hierarchical JPEG'],
] as const;

export const jpeg: Format = {
  damageOf,
  // The most common height of a minimum coded unit (MCU).
  fill: { isFill, blockRows: 16 },
  unsupported: (error) => unsupportedParts.find(([pattern]) => pattern.test(error))?.[1],
};
