import type { Metadata } from 'sharp';
import type { Conversion, Samples } from '../format.ts';
import type { Raster } from '../original.ts';
import { curveOf } from './curve.ts';
import { type Triple, transpose } from './matrix.ts';
import { bt709, d50 } from './primaries.ts';
import { conversionFrom, conversionOfLight } from './rgb.ts';
import { type Depth, numbersOf } from './samples.ts';
import { spaceOfCicp } from './signal.ts';
import { hlgNumber, pqNumber, srgb, type Transfer } from './transfer.ts';

/*
 * Profiles with which sharp alone makes wrong colours: it converts numbers of 16 bits to Display P3, and no
 * grey image whose profile is for RGB. Profiles of other images are its work.
 */

/** ICC.1:2022, 7.2 and 7.3. */
const headerBytes = 128;
const tagBytes = 12;

/** Chromium reads versions 2 to 4. */
const endOfVersions = 0x5000000;

/** Chromium requires that the light of the connection space is about that of D50. */
const d50Tolerance = 0.01;

interface Profile {
  /** The four letters of the samples' space, such as "RGB ". */
  readonly space: string;
  readonly tag: (name: string) => Buffer | undefined;
}

/** @returns undefined for bytes that Chromium ignores */
const readProfile = (icc: Buffer): Profile | undefined => {
  if (icc.byteLength < headerBytes + 4 || icc.toString('latin1', 36, 40) !== 'acsp') return undefined;
  const size = icc.readUInt32BE(0);
  const firstTag = headerBytes + 4;
  const endOfTags = firstTag + icc.readUInt32BE(headerBytes) * tagBytes;
  if (size > icc.byteLength || endOfTags > size || icc.readUInt32BE(8) >= endOfVersions) return undefined;
  const isD50 = d50.every(
    (component, index) => Math.abs(icc.readInt32BE(68 + 4 * index) / 65_536 - component) < d50Tolerance,
  );
  if (!isD50) return undefined;
  const tags = new Map<string, Buffer>();
  for (let at = firstTag; at < endOfTags; at += tagBytes) {
    const name = icc.toString('latin1', at, at + 4);
    const start = icc.readUInt32BE(at + 4);
    const end = start + icc.readUInt32BE(at + 8);
    if (end > size) return undefined;
    if (!tags.has(name)) tags.set(name, icc.subarray(start, end));
  }
  return { space: icc.toString('latin1', 16, 20), tag: (name) => tags.get(name) };
};

/** Whether Chromium and libvips can use the profile at all. */
export const isReadableProfile = (icc: Buffer): boolean => readProfile(icc) !== undefined;

/** @returns undefined if libvips shows the colours as browsers do */
export const conversionOfProfile = ({
  icc,
  depth,
  space,
  format,
  channels,
}: Pick<Metadata, 'icc' | 'depth' | 'space' | 'format' | 'channels'>): Conversion | undefined => {
  // A TIFF may have channels that are no colour.
  if (icc === undefined || channels > 4) return undefined;
  const isGrey = space === 'b-w' || space === 'grey16';
  if (!isGrey && space !== 'srgb' && space !== 'rgb16') return undefined;
  const profile = readProfile(icc);
  if (profile === undefined) return asSrgb;
  const hdr = hdrSpaceOf(profile);
  if (hdr) return conversionFrom(hdr, depth);
  switch (profile.space) {
    case 'RGB ':
      if (space === 'rgb16') return hasTable(profile) ? throughProfile : conversionOfMatrix(profile, depth);
      // ImageMagick and Pillow, after which TIFFs are modelled, do not apply such a profile to grey.
      return !isGrey || format === 'tiff' ? undefined : conversionOfGrey(profile.tag('gTRC'), depth);
    case 'GRAY':
      // libvips converts grey of 8 bits.
      return space === 'grey16' ? conversionOfGrey(profile.tag('kTRC'), depth) : undefined;
    default:
      return asSrgb;
  }
};

/** Only the curve of a profile changes grey: white is white in all of them. */
const conversionOfGrey = (tag: Buffer | undefined, depth: Depth): Conversion | undefined => {
  const transfer = tag && curveOf(tag);
  if (transfer === undefined || isAlmostSrgb(transfer)) return undefined;
  return conversionFrom({ primaries: bt709, transfer }, depth);
};

/** A table takes precedence over curves and a matrix. */
const hasTable = ({ tag }: Profile): boolean => tag('A2B0') !== undefined || tag('A2B1') !== undefined;

/**
 * Most profiles are three curves and a matrix. Little CMS replaces them by a coarse table in 16 bits, which
 * is wrong by 20 levels in saturated colours.
 */
const conversionOfMatrix = ({ tag }: Profile, depth: Depth): Conversion => {
  const [red, green, blue] = ['rTRC', 'gTRC', 'bTRC'].map((name) => curveOf(tag(name) ?? none));
  const [x, y, z] = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => colourOf(tag(name) ?? none));
  if (!(red && green && blue && x && y && z)) return asSrgb;
  return (
    conversionOfLight({ toConnection: transpose([x, y, z]), curves: [red, green, blue] }, depth) ?? asSrgb
  );
};

const none = Buffer.alloc(0);

/** ICC.1:2022, 10.31. */
const colourOf = (tag: Buffer): Triple | undefined => {
  if (tag.toString('latin1', 0, 4) !== 'XYZ ' || tag.byteLength < 20) return undefined;
  const component = (at: number): number => tag.readInt32BE(at) / 65_536;
  return [component(8), component(12), component(16)];
};

/** Takes samples for sRGB, whatever their profile says. */
export const asSrgb: Conversion = {
  samples: (image) => image.toColourspace('srgb').raw(),
  toSrgb: ({ data, width, height, channels }) => ({ data, width, height, channels: channels === 4 ? 4 : 3 }),
};

/** Converts the reduced image with Little CMS, in 16 bits. */
const throughProfile: Conversion = {
  samples: (image) => image.toColourspace('rgb16').withIccProfile('srgb').raw({ depth: 'ushort' }),
  toSrgb: (samples) => inBytes(samples),
};

const inBytes = (samples: Samples): Raster => {
  const { width, height, channels } = samples;
  const { given, max } = numbersOf(samples, 'ushort');
  const data = Buffer.from(given.map((number) => Math.round((number / max) * 255)));
  return { data, width, height, channels: channels === 4 ? 4 : 3 };
};

/** ICC.1:2022, 9.2.17: the numbers of ITU-T H.273. Browsers prefer them to the profile's other tags. */
const hdrSpaceOf = ({ tag }: Profile) => {
  const cicp = tag('cicp');
  if (cicp === undefined || cicp.byteLength < 12) return undefined;
  const [primaries = 0, transfer = 0, matrix, isFullRange] = cicp.subarray(8);
  const isHdr = transfer === pqNumber || transfer === hlgNumber;
  return isHdr && matrix === 0 && isFullRange === 1 ? spaceOfCicp({ primaries, transfer }) : undefined;
};

/** A device has no curve with waves, so a few points are enough. */
const isAlmostSrgb = (transfer: Transfer): boolean =>
  [1, 2, 3, 5, 8, 11, 14].every(
    (sixteenths) => Math.abs(transfer(sixteenths / 16) - srgb(sixteenths / 16)) < 0.002,
  );
