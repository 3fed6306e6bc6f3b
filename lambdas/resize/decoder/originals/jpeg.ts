import type { DamageKind } from '../../../image/damage.ts';
import type { Conversion, Format, Prepared } from './format.ts';

/*
 * Browsers and libvips decode JPEG with libjpeg-turbo, so what it makes of a damaged file is what a browser
 * shows. Only its first warning has a text, but it counts all of them.
 */

/** It may be repeated, and then with a larger number. */
const counted = /^read gave (\d+) warnings$/;

const countOf = (warnings: readonly string[]): number =>
  Math.max(0, ...warnings.map((warning) => Number(counted.exec(warning)?.[1] ?? 0)));

const badData = /Corrupt JPEG data/;

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
  if (serious > 1) return 'incomplete';
  // Only the first warning has a text, so that of the header hides this one.
  const isBadData = countOf(ofHeader) === 0 && warnings.some((warning) => badData.test(warning));
  if (isBadData) return 'damaged';
  // The missing end is the only warning.
  return scans.isComplete ? undefined : 'incomplete';
};

interface Segment {
  readonly marker: number;
  /** Where its marker is. */
  readonly start: number;
  readonly content: Buffer;
}

const endOfImage = 0xd9;
const startOfScan = 0xda;

/** Stuffed and fill bytes, restarts, the start of an image and TEM have no length. */
const isAlone = (marker: number): boolean =>
  marker <= 1 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd8);

/** Walks over the segments and the scans between them (ITU-T T.81, annex B), in time linear in the bytes. */
const segmentsOf = function* (bytes: Buffer): Generator<Segment> {
  for (let at = bytes.indexOf(0xff, 2); at !== -1; at = bytes.indexOf(0xff, at)) {
    const marker = bytes[at + 1] ?? 0xff;
    if (isAlone(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const length = at + 4 <= bytes.byteLength ? Math.max(2, bytes.readUInt16BE(at + 2)) : 2;
    yield { marker, start: at, content: bytes.subarray(at + 4, at + 2 + length) };
    if (marker === endOfImage) return;
    at += 2 + length;
  }
};

interface Scans {
  /** Every coefficient of every component has all of its bits. */
  readonly isComplete: boolean;
  /** There is an end of image (EOI). */
  readonly hasEnd: boolean;
}

const coefficients = 64;
const maxComponents = 4;

const scansOf = (bytes: Buffer): Scans => {
  let components = 0;
  let isProgressive = false;
  let firstScan = bytes.byteLength;
  /** By component and coefficient. */
  const isExact = new Map<number, Uint8Array>();
  const exactOf = (component: number): Uint8Array => {
    const known = isExact.get(component) ?? new Uint8Array(coefficients);
    isExact.set(component, known);
    return known;
  };
  for (const { marker, start, content } of segmentsOf(bytes)) {
    if (isFrame(marker)) {
      isProgressive = marker === 0xc2;
      components = Math.min(maxComponents, content[5] ?? 0);
    } else if (marker === startOfScan) {
      firstScan = Math.min(firstScan, start);
      const count = Math.min(maxComponents, content[0] ?? 0);
      // Baseline scans have all of the coefficients, whatever they say.
      const [first, last, low] = isProgressive
        ? [content[1 + 2 * count] ?? 0, content[2 + 2 * count] ?? 0, (content[3 + 2 * count] ?? 0) & 0xf]
        : [0, coefficients - 1, 0];
      for (let index = 0; index < count && low === 0; index += 1) {
        exactOf(content[1 + 2 * index] ?? 0).fill(1, first, last + 1);
      }
    }
  }
  return {
    // A segment by accident, in data that is wrong, may hide the end from the walk. No data contains it.
    hasEnd: bytes.includes(Buffer.from([0xff, endOfImage]), firstScan),
    isComplete: isExact.size === components && [...isExact.values()].every((exact) => !exact.includes(0)),
  };
};

const maxRepairs = 12;

/** libjpeg gives up at a segment that it cannot read. What the scans before it show is kept. */
const repairs = (bytes: Buffer): readonly (() => Prepared)[] => {
  const starts: number[] = [];
  let hasScan = false;
  for (const { marker, start } of segmentsOf(bytes)) {
    if (hasScan) starts.push(start);
    hasScan ||= marker === startOfScan;
  }
  return starts
    .slice(-maxRepairs)
    .reverse()
    .map((start) => () => ({
      bytes: Buffer.concat([bytes.subarray(0, start), Buffer.from([0xff, endOfImage])]),
    }));
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

/**
 * Chromium's way of showing CMYK without a profile: each ink takes its share of the light, and so does black.
 * libvips would assume a printing process.
 */
export const cmyk: Conversion = {
  samples: (image) => image.pipelineColourspace('cmyk').toColourspace('cmyk').raw(),
  toSrgb({ data, width, height }) {
    const rgb = Buffer.alloc(width * height * 3);
    for (let from = 0, to = 0; to < rgb.byteLength; from += 4) {
      const light = 255 - (data[from + 3] ?? 0);
      for (let ink = 0; ink < 3; ink += 1, to += 1) {
        rgb[to] = Math.round(((255 - (data[from + ink] ?? 0)) * light) / 255);
      }
    }
    return { data: rgb, width, height, channels: 3 };
  },
};

/** The marker DNL (ITU-T T.81, B.2.5). */
const defineLines = Buffer.from([0xff, 0xdc]);

/** Lossless frames and those of a hierarchy (ITU-T T.81, table B.1). Browsers do not show them either. */
const unsupportedFrames = new Set([0xc3, 0xc5, 0xc6, 0xc7, 0xcb, 0xcd, 0xce, 0xcf]);

/** Names what libjpeg lacks. A damaged file may have any marker later. */
const unsupported = (error: string, bytes: Buffer): string | undefined => {
  for (const { marker } of segmentsOf(bytes)) {
    if (unsupportedFrames.has(marker)) return 'a lossless or hierarchical JPEG';
    if (isFrame(marker)) break;
  }
  if (/arithmetic/i.test(error)) return 'a JPEG with arithmetic coding';
  if (/Unsupported JPEG data precision/i.test(error)) return 'a JPEG with more than 8 bits';
  if (/DNL not supported/.test(error) && bytes.includes(defineLines)) {
    return 'a JPEG that tells its height after the picture';
  }
  return undefined;
};

export const jpeg: Format = {
  damageOf,
  repairs,
  // The most common height of a minimum coded unit (MCU).
  fill: { isFill, blockRows: 16 },
  conversionOf: (_, { space, hasProfile }) => (space === 'cmyk' && !hasProfile ? cmyk : undefined),
  unsupported,
};
