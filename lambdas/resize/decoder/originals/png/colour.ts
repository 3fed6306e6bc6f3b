import { inflateSync } from 'node:zlib';
import type { Metadata } from 'sharp';
import type { Primaries } from '../colour/primaries.ts';
import { bt709 } from '../colour/primaries.ts';
import { asSrgb, conversionOfProfile, isReadableProfile } from '../colour/profile.ts';
import { conversionFrom, type RgbSpace } from '../colour/rgb.ts';
import { spaceOfCicp } from '../colour/signal.ts';
import { gamma } from '../colour/transfer.ts';
import type { Conversion } from '../format.ts';
import { type Head, readHead } from './head.ts';

/** Chromium drops the lower half of samples of 16 bits before it converts them. */
const depth = 'uchar';

/**
 * The colours of a PNG, by the first of its signals that can be read: cICP, iCCP, sRGB, then gAMA with cHRM
 * (PNG specification, third edition, 4.3). Chromium ignores cHRM without gAMA.
 */
export const conversionOf = (bytes: Buffer, metadata: Metadata): Conversion | undefined => {
  const head = readHead(bytes);
  if (head === undefined) return undefined;
  const cicp = spaceOfCicpChunk(head);
  const plain = metadata.icc && asSrgb;
  if (cicp) return conversionFrom(cicp, depth) ?? plain;
  const icc = profileOf(head, metadata);
  if (icc) return conversionOfProfile({ ...metadata, icc, depth });
  return (isMarkedSrgb(head) ? undefined : conversionOfGamma(head)) ?? plain;
};

/** 11.3.2.6 and 11.3.2.7. */
const spaceOfCicpChunk = ({ chunk, chunks }: Head): RgbSpace | undefined => {
  const cicp = chunk('cICP');
  const [first] = chunks.filter(({ type }) => type === 'cICP' || type === 'PLTE');
  if (cicp?.byteLength !== 4 || first?.type !== 'cICP') return undefined;
  const [primaries = 0, transfer = 0, matrix, isFullRange] = cicp;
  if (matrix !== 0 || isFullRange !== 1) return undefined;
  return spaceOfCicp({ primaries, transfer, peak: peakOf(chunk('cLLI'), 0) ?? peakOf(chunk('mDCV'), 16) });
};

/** 11.3.2.7 and 11.3.2.8: luminance in steps of 0.0001 cd/m², or zero where it is unknown. */
const peakOf = (data: Buffer | undefined, at: number): number | undefined => {
  const steps = data && data.byteLength >= at + 8 ? data.readUInt32BE(at) : 0;
  return steps === 0 ? undefined : steps / 10_000;
};

/** Most profiles have less than 10 kB. */
const maxProfileBytes = 4_000_000;

/** 11.3.2.3: a name, a zero, the method, and the profile in a zlib stream. */
const profileOf = ({ chunk }: Head, { icc }: Metadata): Buffer | undefined => {
  // libvips reads damaged chunks, and drops a profile that does not fit, such as one for RGB on grey.
  const iccp = chunk('iCCP');
  const end = iccp?.indexOf(0) ?? -1;
  if (iccp === undefined || end === -1) return undefined;
  const profile = icc ?? inflated(iccp.subarray(end + 2));
  return profile && isReadableProfile(profile) ? profile : undefined;
};

const inflated = (data: Buffer): Buffer | undefined => {
  try {
    return inflateSync(data, { maxOutputLength: maxProfileBytes });
  } catch {
    return undefined;
  }
};

/** 11.3.2.5: one of four rendering intents. */
const isMarkedSrgb = ({ chunk }: Head): boolean => {
  const srgb = chunk('sRGB');
  return srgb?.byteLength === 1 && (srgb[0] ?? 4) < 4;
};

/** gAMA and cHRM are in steps of 0.00001 (11.3.2.1 and 11.3.2.2). */
const step = 100_000;

/** libpng and Chromium take such gammas for that of sRGB, unless there are primaries as well. */
const isNeutral = (exponent: number): boolean => Math.abs(exponent * 2.2 - 1) < 0.05;

const conversionOfGamma = ({ chunk }: Head): Conversion | undefined => {
  const gama = chunk('gAMA');
  const exponent = gama?.byteLength === 4 ? gama.readUInt32BE(0) / step : 0;
  if (exponent === 0) return undefined;
  const chrm = chunk('cHRM');
  if (chrm?.byteLength !== 32) {
    return isNeutral(exponent)
      ? undefined
      : conversionFrom({ primaries: bt709, transfer: gamma(1 / exponent) }, depth);
  }
  const primaries = primariesOf(chrm);
  return primaries && conversionFrom({ primaries, transfer: gamma(1 / exponent) }, depth);
};

/** @returns undefined if they are no chromaticities */
const primariesOf = (chrm: Buffer): Primaries | undefined => {
  const [whiteX = 0, whiteY = 0, redX = 0, redY = 0, greenX = 0, greenY = 0, blueX = 0, blueY = 0] =
    Array.from({ length: 8 }, (_, index) => chrm.readUInt32BE(4 * index) / step);
  if (Math.max(whiteX, whiteY, redX, redY, greenX, greenY, blueX, blueY) > 1) return undefined;
  return {
    white: [whiteX, whiteY],
    red: [redX, redY],
    green: [greenX, greenY],
    blue: [blueX, blueY],
  };
};
