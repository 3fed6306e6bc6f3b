import { hostilePng } from '../../../images.ts';
import { type PngHeader, pngHeader, pngParts } from '../formats/png.ts';
import { latin1, u32be } from '../numbers.ts';
import type { Part } from '../parts.ts';
import { withRepeated } from '../repeated.ts';
import { deflatedZeros } from '../zeros.ts';
import type { Bombs } from './bomb.ts';

const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;

/** Bytes of the filtered rows; exact for an interlaced file only if its sides are multiples of 8. */
const rowBytes = ({ width, bitDepth, colourType }: PngHeader): number =>
  1 + Math.ceil((width * bitDepth * channels[colourType]) / 8);

const chunk = (type: string, content: Buffer = Buffer.alloc(0)): Part => ({ type, content });

const pngOf = (header: PngHeader, others: readonly Part[], data: Buffer): Buffer =>
  pngParts.join([
    pngHeader(header),
    ...others,
    ...(header.colourType === 3 ? [chunk('PLTE', Buffer.from([0, 0, 0, 255, 0, 0]))] : []),
    chunk('IDAT', data),
    chunk('IEND'),
  ]);

/** Black pixels: the file is a thousandth of the memory that decoding needs. */
const flat = (header: PngHeader, others: readonly Part[] = []): Buffer =>
  pngOf(
    header,
    others,
    deflatedZeros(header.isInterlaced ? interlacedBytes(header) : rowBytes(header) * header.height),
  );

/** The start and steps of each of Adam7's passes. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

const interlacedBytes = (header: PngHeader): number =>
  passes.reduce((sum, [x, y, stepX, stepY]) => {
    const width = Math.ceil((header.width - x) / stepX);
    const height = Math.ceil((header.height - y) / stepY);
    return width > 0 && height > 0 ? sum + rowBytes({ ...header, width }) * height : sum;
  }, 0);

const small = { width: 32, height: 32, bitDepth: 8, colourType: 2 } as const;
const large = { width: 16_384, height: 6103, bitDepth: 8, colourType: 2 } as const;
const tooLarge = { ...large, height: 6104 } as const;

/** A chunk such as text or a profile that inflates to this many bytes. */
const inflating = (type: string, bytes: number): Part =>
  chunk(
    type,
    Buffer.concat([latin1(type === 'iTXt' ? 'Comment\0\x01\0\0\0' : 'Comment\0\0'), deflatedZeros(bytes)]),
  );

/** Many chunks of one kind after the header. */
const manyChunks = (count: number, part: Part): Buffer => {
  const [signatureAndChunk, signature] = [pngParts.join([part]), pngParts.join([])];
  const headerEnd = pngParts.join([pngHeader(small)]).length;
  return withRepeated(flat(small), headerEnd, count, signatureAndChunk.subarray(signature.length));
};

const many = (count: number, part: Part): readonly Part[] => Array.from({ length: count }, () => part);
const mebibyte = 2 ** 20;

export const pngBombs: Bombs = {
  'png-tall': { must: 'image-too-large', make: () => hostilePng(3, 4_194_305), claims: [3, 4_194_305] },
  'png-wide': { must: 'image-too-large', make: () => hostilePng(4_194_305, 3), claims: [4_194_305, 3] },
  'png-one-too-wide': {
    must: 'image-too-large',
    make: () => flat({ ...small, width: 16_385 }),
    claims: [16_385, 32],
  },
  'png-just-as-wide': { must: 'ready', make: () => flat({ ...small, width: 16_384 }), claims: [16_384, 32] },
  'png-just-as-tall': { must: 'ready', make: () => flat({ ...small, height: 16_384 }), claims: [32, 16_384] },
  'png-just-as-large': { must: 'ready', make: () => flat(large), claims: [16_384, 6103] },
  'png-a-row-too-large': { must: 'image-too-large', make: () => flat(tooLarge), claims: [16_384, 6104] },
  'png-as-large-in-two-colours': {
    must: 'ready',
    make: () => flat({ ...large, bitDepth: 1, colourType: 3 }),
    claims: [16_384, 6103],
  },
  'png-as-large-in-sixteen-bits': {
    make: () => flat({ ...large, bitDepth: 16, colourType: 6 }),
    claims: [16_384, 6103],
  },
  'png-as-large-interlaced': { make: () => flat({ ...large, isInterlaced: true }), claims: [16_384, 6103] },
  'png-as-large-interlaced-in-sixteen-bits': {
    make: () => flat({ ...large, bitDepth: 16, colourType: 6, isInterlaced: true }),
    claims: [16_384, 6103],
  },
  'png-largest-stated-size': {
    must: 'refused',
    make: () => pngOf({ ...small, width: 0x7fffffff, height: 0x7fffffff }, [], deflatedZeros(1000)),
  },
  'png-with-too-many-data': {
    make: () => pngOf(small, [], deflatedZeros(2048 * mebibyte)),
    claims: [32, 32],
  },
  'png-with-inflating-profile': { make: () => flat(small, [inflating('iCCP', 1024 * mebibyte)]) },
  'png-with-inflating-text': { make: () => flat(small, [inflating('zTXt', 1024 * mebibyte)]) },
  'png-with-inflating-international-text': { make: () => flat(small, [inflating('iTXt', 1024 * mebibyte)]) },
  'png-with-many-inflating-texts': { make: () => flat(small, many(300, inflating('zTXt', 7 * mebibyte))) },
  'png-with-huge-exif': {
    make: () =>
      flat(small, [
        chunk('eXIf', Buffer.concat([latin1('MM\0*\0\0\0\x08\xff\xff'), Buffer.alloc(4_000_000, 1)])),
      ]),
  },
  'png-with-huge-text': {
    make: () => flat(small, [chunk('tEXt', Buffer.concat([latin1('a\0'), Buffer.alloc(30_000_000, 97)]))]),
  },
  'png-of-many-chunks': { make: () => manyChunks(300_000, chunk('teXt')) },
  'png-of-many-texts': { make: () => manyChunks(100_000, chunk('tEXt', latin1('a\0b'))) },
  'png-of-much-empty-data': { make: () => manyChunks(200_000, chunk('IDAT')) },
  'png-of-endless-animation': {
    make: () => flat(small, [chunk('acTL', Buffer.concat([u32be(0x7fffffff), u32be(0)]))]),
  },
};
