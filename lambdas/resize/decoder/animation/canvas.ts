import type { Raster, Size } from '../originals/original.ts';
import type { Frame } from './frames.ts';

/** What an animation shows at one moment: 8-bit sRGB with alpha, transparent at first. */
export interface Canvas {
  readonly raster: Raster;
  /** Draws the next frame, after what the one before left behind. */
  draw(frame: Frame, picture: Raster): void;
}

interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const bytesPerPixel = 4;

export const createCanvas = ({ width, height }: Size): Canvas => {
  const data = Buffer.alloc(width * height * bytesPerPixel);
  let dispose = (): void => {};

  const rowsOf = ({ left, top, right, bottom }: Area): readonly Buffer[] =>
    Array.from({ length: Math.max(0, bottom - top) }, (_, row) => {
      const start = ((top + row) * width + left) * bytesPerPixel;
      return data.subarray(start, start + Math.max(0, right - left) * bytesPerPixel);
    });

  /** How to undo a frame. Called before it is drawn. */
  const disposalOf = (disposal: Frame['disposal'], area: Area): (() => void) => {
    if (disposal === 'keep') return () => {};
    const rows = rowsOf(area);
    if (disposal === 'clear') {
      return () => {
        for (const row of rows) row.fill(0);
      };
    }
    const before = rows.map((row) => Buffer.from(row));
    return () => {
      for (const [index, row] of rows.entries()) before[index]?.copy(row);
    };
  };

  return {
    raster: { data, width, height, channels: bytesPerPixel },
    draw(frame, picture) {
      dispose();
      const area = {
        left: Math.min(frame.left, width),
        top: Math.min(frame.top, height),
        right: Math.min(frame.left + picture.width, width),
        bottom: Math.min(frame.top + picture.height, height),
      };
      dispose = disposalOf(frame.disposal, area);
      for (const [line, row] of rowsOf(area).entries()) drawRow(row, picture, line, frame.isBlended);
    },
  };
};

/** Colours are not multiplied by alpha. */
const drawRow = (row: Buffer, { data, width, channels }: Raster, line: number, isBlended: boolean): void => {
  const hasAlpha = channels % 2 === 0;
  const isColoured = channels >= 3;
  let from = line * width * channels;
  for (let to = 0; to < row.byteLength; to += bytesPerPixel, from += channels) {
    const alpha = hasAlpha ? (data[from + channels - 1] ?? 0) : 255;
    if (alpha === 0) {
      // Colours that nobody can see are left out.
      if (!isBlended) row.fill(0, to, to + bytesPerPixel);
      continue;
    }
    const red = data[from] ?? 0;
    const green = isColoured ? (data[from + 1] ?? 0) : red;
    const blue = isColoured ? (data[from + 2] ?? 0) : red;
    const below = isBlended ? Math.round(((row[to + 3] ?? 0) * (255 - alpha)) / 255) : 0;
    if (below === 0) {
      row[to] = red;
      row[to + 1] = green;
      row[to + 2] = blue;
      row[to + 3] = alpha;
      continue;
    }
    const sum = alpha + below;
    row[to] = Math.round((red * alpha + (row[to] ?? 0) * below) / sum);
    row[to + 1] = Math.round((green * alpha + (row[to + 1] ?? 0) * below) / sum);
    row[to + 2] = Math.round((blue * alpha + (row[to + 2] ?? 0) * below) / sum);
    row[to + 3] = sum;
  }
};
