import { type Chunk, chunksOf, isIntact } from './chunks.ts';

/** PNG specification (third edition), 11.2.1. */
export const colourTypes = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

export interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  readonly colourType: number;
  readonly isInterlaced: boolean;
}

/** What stands before the picture. */
export interface Head {
  readonly header: Header;
  /** Whether the check of the header is right. */
  readonly isHeaderIntact: boolean;
  /** Without texts. */
  readonly chunks: readonly Chunk[];
  /** The first of each type that is intact: browsers ignore the others. */
  readonly chunk: (type: string) => Buffer | undefined;
  /** Where the picture's first chunk begins. */
  readonly end: number;
}

/** Files have about ten chunks there, besides texts. Chunks after that many are ignored. */
const maxChunks = 1000;
const texts = ['tEXt', 'zTXt', 'iTXt'];

/** @returns undefined if there is no header or no picture */
export const readHead = (bytes: Buffer): Head | undefined => {
  const chunks: Chunk[] = [];
  for (const chunk of chunksOf(bytes)) {
    if (chunk.type !== 'IDAT') {
      if (chunks.length < maxChunks && !texts.includes(chunk.type)) chunks.push(chunk);
      continue;
    }
    const [first] = chunks;
    const header = first && headerOf(first);
    if (first === undefined || header === undefined) return undefined;
    return {
      header,
      isHeaderIntact: isIntact(bytes, first),
      chunks,
      chunk: (type) => chunks.find((each) => each.type === type && isIntact(bytes, each))?.data,
      end: chunk.start,
    };
  }
  return undefined;
};

const headerOf = ({ type, data }: Chunk): Header | undefined => {
  if (type !== 'IHDR' || data.byteLength !== 13) return undefined;
  const [depth = 0, colourType = 0, , , interlace = 0] = data.subarray(8);
  return {
    width: data.readUInt32BE(0),
    height: data.readUInt32BE(4),
    depth,
    colourType,
    isInterlaced: interlace === 1,
  };
};
