import type { Raster } from './original.ts';

/** What a decoder puts where a file has no data, in stored rows from the top to the bottom. */
export interface Fill {
  readonly isFill: (pixel: Uint8Array) => boolean;
  /** Rows that are decoded together, at the original's size. */
  readonly blockRows: number;
}

/** How the rows of a raster were stored. */
export interface Stored {
  /** Exif 2.32, tag Orientation. The raster is upright. @default 1 */
  readonly orientation?: number | undefined;
  /** Rows of the original. */
  readonly height: number;
}

/** Smoothing between blocks, resizing and colour management change the fill by so much. */
const tolerance = 3;

const isLike = (data: Buffer, position: number, pixel: Uint8Array, within: number): boolean =>
  pixel.every((level, channel) => Math.abs((data[position + channel] ?? 0) - level) <= within);

/** Whether nothing was decoded. */
export const isOnlyFill = ({ data, channels }: Raster, { isFill }: Fill): boolean => {
  const first = data.subarray(0, channels);
  if (!isFill(first)) return false;
  for (let at = 0; at < data.byteLength; at += channels) if (!isLike(data, at, first, 1)) return false;
  return true;
};

/**
 * Makes transparent what a decoder filled in after the end of the data, as browsers do. They do not show
 * blocks of rows of which a part is missing.
 *
 * @returns undefined if that is all of the raster
 */
export const withoutMissing = (
  raster: Raster,
  stored: Stored,
  { isFill, blockRows }: Fill,
): Raster | undefined => {
  const { data, channels } = raster;
  const { rows, columns, positionOf } = storedOrderOf(raster, stored);
  const last = positionOf(rows - 1, columns - 1);
  const fill = data.subarray(last, last + channels);
  if (!isFill(fill)) return raster;
  const isMissing = (row: number, column: number): boolean =>
    isLike(data, positionOf(row, column), fill, tolerance);
  const scale = rows / stored.height;
  const rowsOfBlock = Math.ceil(blockRows * scale) + 1;
  // In a block that is partly missing, the end of each row is.
  const endColumn = Math.max(0, columns - Math.max(1, Math.floor((blockRows / 2) * scale)));
  const isRowMissing = (row: number, from: number): boolean => {
    for (let column = from; column < columns; column += 1) if (!isMissing(row, column)) return false;
    return true;
  };
  let shown = rows;
  while (shown > 0 && isRowMissing(shown - 1, 0)) shown -= 1;
  const least = Math.max(0, shown - rowsOfBlock);
  while (shown > least && isRowMissing(shown - 1, endColumn)) shown -= 1;
  return firstRows(raster, stored, shown);
};

/**
 * Makes transparent what is different in the same picture with other bytes where data is missing, and all
 * that follows.
 *
 * @returns undefined if that is all of the raster
 */
export const withoutUnknown = (raster: Raster, other: Raster, stored: Stored): Raster | undefined => {
  const { data, channels } = raster;
  const { rows, columns, positionOf } = storedOrderOf(raster, stored);
  const isKnown = (row: number): boolean => {
    for (let column = 0; column < columns; column += 1) {
      const position = positionOf(row, column);
      for (let at = position; at < position + channels; at += 1)
        if (data[at] !== other.data[at]) return false;
    }
    return true;
  };
  let shown = 0;
  while (shown < rows && isKnown(shown)) shown += 1;
  return firstRows(raster, stored, shown);
};

/** Keeps so many of the rows, in their stored order, and makes the others transparent. */
const firstRows = (raster: Raster, stored: Stored, shown: number): Raster | undefined => {
  const { rows, columns, positionOf } = storedOrderOf(raster, stored);
  if (shown === 0) return undefined;
  if (shown === rows) return raster;
  const cleared = withAlpha(raster);
  for (let row = shown; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const position = (positionOf(row, column) / raster.channels) * cleared.channels;
      cleared.data.fill(0, position, position + cleared.channels);
    }
  }
  return cleared;
};

interface StoredOrder {
  readonly rows: number;
  readonly columns: number;
  readonly positionOf: (row: number, column: number) => number;
}

/** Finds stored rows and columns in an upright raster. */
const storedOrderOf = ({ width, height, channels }: Raster, { orientation = 1 }: Stored): StoredOrder => {
  const isTurned = orientation >= 5;
  const [columns, rows] = isTurned ? [height, width] : [width, height];
  const areRowsReversed = [3, 4, 6, 7].includes(orientation);
  const areColumnsReversed = [2, 3, 7, 8].includes(orientation);
  return {
    rows,
    columns,
    positionOf(row, column) {
      const down = areRowsReversed ? rows - 1 - row : row;
      const along = areColumnsReversed ? columns - 1 - column : column;
      return (isTurned ? along * width + down : down * width + along) * channels;
    },
  };
};

const withAlpha = ({ data, width, height, channels }: Raster): Raster => {
  if (channels === 2 || channels === 4) return { data: Buffer.from(data), width, height, channels };
  const wider = channels === 1 ? 2 : 4;
  const copy = Buffer.alloc(width * height * wider, 0xff);
  for (let from = 0, to = 0; from < data.byteLength; from += channels, to += wider) {
    data.copy(copy, to, from, from + channels);
  }
  return { data: copy, width, height, channels: wider };
};
