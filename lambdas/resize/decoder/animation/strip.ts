import sharp from 'sharp';
import type { Variant } from '../../../image/variant.ts';
import { type Crop, encodePixels, fitted, scaled, scaleFor } from '../encode.ts';
import { graphicsOf } from '../graphics.ts';
import { clearHiddenColours } from '../hidden-colours.ts';
import type { Raster, Size } from '../originals/original.ts';
import type { RenderedThumbnail } from '../protocol.ts';
import { type WrittenFrame, writeAnimatedWebp } from './animated-webp.ts';

/** The frames of one variant's thumbnail, as far as they are made. */
export interface Strip {
  /**
   * Adds what the canvas shows, and for how long.
   *
   * @returns how many pixels were encoded, because they changed
   */
  add(canvas: Raster, milliseconds: number): Promise<number>;
  /** @returns undefined if it has only one frame, or too many bytes */
  finish(plays: number): RenderedThumbnail | undefined;
}

/** The headers of a file, and those of a frame, at most. */
const fileBytes = 44;
const frameBytes = 50;

const channels = 4;

export const createStrip = (original: Size, variant: Variant): Strip => {
  const { maxAnimationBytes = 0 } = variant;
  const frames: WrittenFrame[] = [];
  const fitCanvas = createFit(original, variant);
  let last: Raster | undefined;
  let bytes = fileBytes;
  let endsAt = 0;

  /** The last frame stays longer. */
  const prolong = (): void => {
    const frame = frames.pop();
    if (frame) frames.push({ ...frame, endsAt });
  };

  return {
    async add(canvas, milliseconds) {
      if (bytes > maxAnimationBytes) return 0;
      endsAt += milliseconds;
      const shown = await fitCanvas(canvas);
      const area = changedArea(last, shown);
      last = shown;
      if (area === undefined) {
        prolong();
        return 0;
      }
      const part = cropped(shown, area);
      const { data, ...raw } = part;
      const still = await encodePixels(sharp(data, { raw }), variant, graphicsOf(part));
      bytes += frameBytes + still.bytes.byteLength;
      frames.push({ ...area, still: Buffer.from(still.bytes), endsAt });
      return area.width * area.height;
    },

    finish(plays) {
      if (last === undefined || frames.length < 2) return undefined;
      const written = writeAnimatedWebp(last, plays, frames);
      if (written.byteLength > maxAnimationBytes) return undefined;
      return { bytes: written, width: last.width, height: last.height };
    },
  };
};

/** Fits each picture alike: where the content of the first one is cropped decides for all. */
const createFit = (original: Size, variant: Variant) => {
  const isCroppedByContent = variant.position === 'attention' || variant.position === 'entropy';
  let crop: Crop | undefined;
  return async (canvas: Raster): Promise<Raster> => {
    if (isCroppedByContent) crop ??= await cropOf(canvas, original, variant);
    const { data, info } = await pixelsOf(canvas, original, variant, crop);
    const raster = { data, width: info.width, height: info.height, channels } as const;
    clearHiddenColours(raster);
    return raster;
  };
};

const pixelsOf = ({ data, ...raw }: Raster, original: Size, variant: Variant, crop?: Crop) =>
  fitted(sharp(data, { raw }), original, variant, crop)
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });

const cropOf = async (canvas: Raster, original: Size, variant: Variant): Promise<Crop> => {
  const { info } = await pixelsOf(canvas, original, variant);
  const inner = scaled(original, scaleFor(original, variant));
  const within = (offset: number | undefined, room: number) =>
    Math.max(0, Math.min(Math.abs(offset ?? 0), room));
  return {
    left: within(info.cropOffsetLeft, inner.width - info.width),
    top: within(info.cropOffsetTop, inner.height - info.height),
  };
};

interface Area extends Size {
  readonly left: number;
  readonly top: number;
}

/**
 * The smallest part of a picture outside of which nothing has changed. It begins at an even column and row,
 * because WebP halves them.
 *
 * @returns undefined if nothing has changed
 */
const changedArea = (before: Raster | undefined, now: Raster): Area | undefined => {
  const { width, height } = now;
  if (before === undefined) return { left: 0, top: 0, width, height };
  const rowBytes = width * channels;
  const isSame = (row: number): boolean =>
    now.data.compare(
      before.data,
      row * rowBytes,
      (row + 1) * rowBytes,
      row * rowBytes,
      (row + 1) * rowBytes,
    ) === 0;
  let top = 0;
  while (top < height && isSame(top)) top += 1;
  if (top === height) return undefined;
  let bottom = height;
  while (isSame(bottom - 1)) bottom -= 1;
  let left = width;
  let right = 0;
  for (let row = top; row < bottom; row += 1) {
    const start = row * rowBytes;
    const differs = (at: number): boolean => now.data[start + at] !== before.data[start + at];
    let first = 0;
    while (first < left * channels && !differs(first)) first += 1;
    left = Math.min(left, Math.floor(first / channels));
    let end = rowBytes;
    while (end > right * channels && !differs(end - 1)) end -= 1;
    right = Math.max(right, Math.ceil(end / channels));
  }
  left -= left % 2;
  top -= top % 2;
  return { left, top, width: right - left, height: bottom - top };
};

const cropped = ({ data, width }: Raster, area: Area): Raster => {
  const rows = Array.from({ length: area.height }, (_, row) => {
    const start = ((area.top + row) * width + area.left) * channels;
    return data.subarray(start, start + area.width * channels);
  });
  return { data: Buffer.concat(rows), width: area.width, height: area.height, channels };
};
