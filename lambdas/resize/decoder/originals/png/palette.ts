import { chunkOf, isIntact, isTypeOfChunk } from './chunks.ts';
import { colourTypes, type Head } from './head.ts';
import type { Palette } from './pixels.ts';

/** PNG specification (third edition), 11.2.2: three bytes for each of at most 256 colours. */
const maxColours = 256;

/** @returns undefined if the image needs a palette and has none that is whole */
export const paletteOf = (head: Head): Palette | undefined => {
  const { colourType } = head.header;
  const none = { colours: Buffer.alloc(0), alphas: Buffer.alloc(0) };
  if (colourType !== colourTypes.palette) return none;
  const plte = head.chunk('PLTE');
  const count = Math.floor((plte?.byteLength ?? 0) / 3);
  if (plte === undefined || count === 0 || count > maxColours) return undefined;
  return { colours: plte.subarray(0, 3 * count), alphas: transparencyOf(head) ?? none.alphas };
};

/** The tRNS chunk as far as it has a meaning (11.3.1.1). Chromium ignores it before the palette. */
export const transparencyOf = ({
  header: { colourType, depth },
  chunk,
  chunks,
}: Head): Buffer | undefined => {
  const trns = chunk('tRNS');
  if (trns === undefined || trns.byteLength > maxColours) return undefined;
  const isBefore = (type: string, other: string): boolean =>
    chunks.findIndex((each) => each.type === type) < chunks.findIndex((each) => each.type === other);
  switch (colourType) {
    case colourTypes.grey:
      return trns.byteLength >= 2 && (depth === 16 || (trns[1] ?? 0) < 2 ** depth)
        ? trns.subarray(0, 2)
        : undefined;
    case colourTypes.rgb:
      return trns.byteLength >= 6 ? trns.subarray(0, 6) : undefined;
    case colourTypes.palette:
      return trns.byteLength > 0 && isBefore('PLTE', 'tRNS') ? trns : undefined;
    default:
      return undefined;
  }
};

/** Gives samples beyond the palette its last colour, as Chromium does. libpng makes them black. */
const padded = ({ colours, alphas }: Palette, depth: number): Palette => {
  const count = 2 ** depth;
  const last = colours.byteLength / 3 - 1;
  const entries = Array.from({ length: count }, (_, index) => Math.min(index, last));
  return {
    colours: Buffer.concat(entries.map((entry) => colours.subarray(3 * entry, 3 * entry + 3))),
    alphas: alphas.byteLength === 0 ? alphas : Buffer.from(entries.map((entry) => alphas[entry] ?? 255)),
  };
};

/** What tells libvips the colours and the orientation. */
export const neededTypes = ['iCCP', 'eXIf'];

export const keptChunks = (bytes: Buffer, { chunks }: Head, types: readonly string[]): readonly Buffer[] =>
  chunks
    .filter((each) => types.includes(each.type) && isIntact(bytes, each))
    .map(({ start, end }) => bytes.subarray(start, end));

/** The chunks that libvips needs to read the picture, without what it could stumble over. */
export const cleanHead = (bytes: Buffer, head: Head, palette: Palette): readonly Buffer[] => {
  const { colourType, depth } = head.header;
  const parts = keptChunks(bytes, head, ['IHDR', ...neededTypes]);
  if (colourType !== colourTypes.palette) {
    const transparency = transparencyOf(head);
    return transparency ? [...parts, chunkOf('tRNS', transparency)] : parts;
  }
  const { colours, alphas } = padded(palette, depth);
  const plte = chunkOf('PLTE', colours);
  return alphas.byteLength === 0 ? [...parts, plte] : [...parts, plte, chunkOf('tRNS', alphas)];
};

/** Whether libpng reads what stands before the picture as Chromium does. */
export const isCleanHead = (bytes: Buffer, { header, chunks }: Head): boolean =>
  chunks.every((each) => {
    switch (each.type) {
      case 'eXIf':
        return isIntact(bytes, each);
      case 'PLTE':
        return header.colourType !== colourTypes.palette || each.data.byteLength === 3 * 2 ** header.depth;
      case 'tRNS':
        return isIntact(bytes, each) && isCleanTransparency(header.colourType, header.depth, each.data);
      default:
        return isTypeOfChunk(each.type);
    }
  });

const isCleanTransparency = (colourType: number, depth: number, data: Buffer): boolean => {
  switch (colourType) {
    case colourTypes.grey:
      return data.byteLength === 2 && data.readUInt16BE(0) < 2 ** depth;
    case colourTypes.rgb:
      return data.byteLength === 6;
    // That of a palette is as long as the palette at most, which is full or will be padded.
    default:
      return data.byteLength > 0 && data.byteLength <= 2 ** depth;
  }
};
