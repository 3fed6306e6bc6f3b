import type { Property } from '../iso-boxes.ts';
import type { Size } from '../original.ts';

/** A part of the coded picture. */
export interface Area extends Size {
  readonly left: number;
  readonly top: number;
}

/**
 * Where a pixel of the upright picture comes from, as a matrix of -1, 0 and 1: (x, y) is at
 * (ax + by, cx + dy) in the part that is shown, from the corner at which its axes begin.
 */
export interface Orientation {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** As it is stored. */
export const upright: Orientation = { a: 1, b: 0, c: 0, d: 1 };

/** Which part of a coded picture is shown, and how it is turned. */
export interface Placement {
  readonly area: Area;
  readonly orientation: Orientation;
  /** The size when it is shown. */
  readonly upright: Size;
}

/** A pixel (x, y) of the picture so far is at (ax + by + left, cx + dy + top) of the coded one. */
interface Mapping extends Orientation, Area {}

/**
 * Applies the transformations of a picture in their order: the boxes `clap`, `irot` and `imir` (ISO/IEC
 * 23008-12, 6.5.8, 6.5.9 and 6.5.10).
 *
 * @returns undefined if nothing is left of the picture
 */
export const placementOf = (coded: Size, properties: readonly Property[]): Placement | undefined => {
  let mapping: Mapping | undefined = { ...coded, a: 1, b: 0, c: 0, d: 1, left: 0, top: 0 };
  for (const { type, content } of properties) {
    if (mapping === undefined) return undefined;
    if (type === 'clap') mapping = cropped(mapping, content);
    else if (type === 'irot') mapping = turned(mapping, (content[0] ?? 0) & 3);
    else if (type === 'imir') mapping = mirrored(mapping, (content[0] ?? 0) & 1);
  }
  if (mapping === undefined) return undefined;
  const { a, b, c, d, left, top, width, height } = mapping;
  const endX = left + a * (width - 1) + b * (height - 1);
  const endY = top + c * (width - 1) + d * (height - 1);
  return {
    orientation: { a, b, c, d },
    upright: { width, height },
    area: {
      left: Math.min(left, endX),
      top: Math.min(top, endY),
      width: Math.abs(endX - left) + 1,
      height: Math.abs(endY - top) + 1,
    },
  };
};

/** The size of something of this size once it is turned, or before. */
export const turnedSize = ({ width, height }: Size, { a }: Orientation): Size =>
  a === 0 ? { width: height, height: width } : { width, height };

/** By quarters of a turn, anticlockwise. */
const turned = (mapping: Mapping, quarters: number): Mapping => {
  let { a, b, c, d, left, top, width, height } = mapping;
  for (let left90 = quarters; left90 > 0; left90 -= 1) {
    // (x, y) was at (width - 1 - y, x).
    left += a * (width - 1);
    top += c * (width - 1);
    [a, b, c, d] = [b, -a, d, -c];
    [width, height] = [height, width];
  }
  return { a, b, c, d, left, top, width, height };
};

/** Axis 0 exchanges top and bottom, 1 left and right. */
const mirrored = (mapping: Mapping, axis: number): Mapping => {
  const { a, b, c, d, left, top, width, height } = mapping;
  return axis === 0
    ? { ...mapping, b: -b, d: -d, left: left + b * (height - 1), top: top + d * (height - 1) }
    : { ...mapping, a: -a, c: -c, left: left + a * (width - 1), top: top + c * (width - 1) };
};

/** Rounded as by libheif, so that sizes are the same. */
const cropped = (mapping: Mapping, content: Buffer): Mapping | undefined => {
  if (content.byteLength < 32) return undefined;
  const fraction = (at: number, isSigned: boolean): number =>
    (isSigned ? content.readInt32BE(at) : content.readUInt32BE(at)) / content.readUInt32BE(at + 4);
  const spanOf = (size: number, kept: number, offset: number) => {
    const first = offset + (size - 1) / 2 - (kept - 1) / 2;
    return { first, last: kept - 1 };
  };
  const across = spanOf(mapping.width, fraction(0, false), fraction(16, true));
  const down = spanOf(mapping.height, fraction(8, false), fraction(24, true));
  const left = Math.max(0, Math.floor(across.first));
  const top = Math.max(0, Math.round(down.first));
  const right = Math.min(mapping.width - 1, Math.round(Math.floor(across.first) + across.last));
  const bottom = Math.min(mapping.height - 1, Math.round(Math.round(down.first) + down.last));
  // Divisions by 0 fail here as well.
  if (!(left <= right && top <= bottom)) return undefined;
  return {
    ...mapping,
    left: mapping.left + mapping.a * left + mapping.b * top,
    top: mapping.top + mapping.c * left + mapping.d * top,
    width: right - left + 1,
    height: bottom - top + 1,
  };
};
