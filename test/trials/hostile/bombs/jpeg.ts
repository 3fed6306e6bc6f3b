import { jpegParts } from '../formats/jpeg.ts';
import { latin1, u16be } from '../numbers.ts';
import type { Part } from '../parts.ts';
import { withRepeated } from '../repeated.ts';
import type { Bombs } from './bomb.ts';

interface Flat {
  readonly width: number;
  readonly height: number;
  /** @default 1 */
  readonly components?: 1 | 3 | 4;
  /** Scans of a progressive file. @default - a baseline file */
  readonly scans?: number;
  /** Between header and data. @default - nothing */
  readonly others?: readonly Part[];
}

const segment = (type: string, content: Buffer = Buffer.alloc(0)): Part => ({ type, content });

/** The only code of this table, a zero bit: no difference, end of the block or end of the band. */
const oneBitTable = (tableClass: number, symbol = 0): Part =>
  segment('c4', Buffer.concat([Buffer.from([tableClass << 4, 1]), Buffer.alloc(15), Buffer.from([symbol])]));

const frame = (marker: string, { width, height, components = 1 }: Flat): Part =>
  segment(
    marker,
    Buffer.concat([
      Buffer.from([8]),
      u16be(height),
      u16be(width),
      Buffer.from([components]),
      ...Array.from({ length: components }, (_, index) => Buffer.from([index + 1, 0x11, 0])),
    ]),
  );

const scanHeader = (componentIds: readonly number[], from: number, to: number): Part =>
  segment('da', Buffer.from([componentIds.length, ...componentIds.flatMap((id) => [id, 0]), from, to, 0]));

/** Grey blocks of one or two bits each: 16,384 x 6,103 pixels in 380 kB, and less for a further scan. */
export const flatJpeg = (flat: Flat): Buffer => {
  const { width, height, components = 1, scans, others = [] } = flat;
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const ids = Array.from({ length: components }, (_, index) => index + 1);
  const zeroBits = (count: number): Part => ({ type: 'scan', content: Buffer.alloc(Math.ceil(count / 8)) });
  const data =
    scans === undefined
      ? [
          frame('c0', flat),
          oneBitTable(0),
          oneBitTable(1),
          scanHeader(ids, 0, 63),
          zeroBits(blocks * components * 2),
        ]
      : [
          frame('c2', flat),
          oneBitTable(0),
          // A run of 2^14 to 2^15 - 1 empty blocks: its 14 further bits are zeros too.
          oneBitTable(1, 0xe0),
          scanHeader(ids, 0, 0),
          zeroBits(blocks * components),
          ...Array.from({ length: scans }, (_, index) => [
            scanHeader([1 + (index % components)], 1 + (index % 63), 63),
            zeroBits(Math.ceil(blocks / 2 ** 14) * 15),
          ]).flat(),
        ];
  return jpegParts.join([
    segment('d8'),
    ...others,
    segment('db', Buffer.concat([Buffer.from([0]), Buffer.alloc(64, 1)])),
    ...data,
    segment('d9'),
  ]);
};

const small = { width: 64, height: 64 } as const;
const large = { width: 16_384, height: 6103 } as const;
const many = (count: number, part: Part): readonly Part[] => Array.from({ length: count }, () => part);

/** A profile of the largest possible size, in 255 segments (ICC.1:2022, B.4). */
const profileSegments = Array.from({ length: 255 }, (_, index) =>
  segment(
    'e2',
    Buffer.concat([latin1('ICC_PROFILE\0'), Buffer.from([index + 1, 255]), Buffer.alloc(65_000, index)]),
  ),
);

const withFrame = (bytes: Buffer, marker: string): Buffer =>
  jpegParts.join(
    jpegParts.split(bytes).map((part) => (part.type === 'c0' ? { ...part, type: marker } : part)),
  );

export const jpegBombs: Bombs = {
  'jpeg-just-as-large': { must: 'ready', make: () => flatJpeg(large), claims: [16_384, 6103] },
  'jpeg-as-large-in-colours': {
    must: 'ready',
    make: () => flatJpeg({ ...large, components: 3 }),
    claims: [16_384, 6103],
  },
  'jpeg-as-large-in-four-inks': { make: () => flatJpeg({ ...large, components: 4 }), claims: [16_384, 6103] },
  'jpeg-a-row-too-large': {
    must: 'image-too-large',
    make: () => flatJpeg({ ...large, height: 6104 }),
    claims: [16_384, 6104],
  },
  'jpeg-too-wide': {
    must: 'image-too-large',
    make: () => flatJpeg({ width: 65_500, height: 16 }),
    claims: [65_500, 16],
  },
  'jpeg-largest-stated-size': {
    must: 'refused',
    make: () => flatJpeg({ width: 65_535, height: 65_535 }),
  },
  'jpeg-as-large-progressive': {
    make: () => flatJpeg({ ...large, components: 3, scans: 3 }),
    claims: [16_384, 6103],
  },
  'jpeg-as-large-of-ninety-scans': { make: () => flatJpeg({ ...large, scans: 90 }), claims: [16_384, 6103] },
  'jpeg-as-large-of-two-thousand-scans': {
    make: () => flatJpeg({ ...large, scans: 2000 }),
    claims: [16_384, 6103],
  },
  'jpeg-of-many-scans': { make: () => flatJpeg({ ...small, scans: 50_000 }), claims: [64, 64] },
  'jpeg-of-no-height': { make: () => flatJpeg({ width: 16_384, height: 0 }) },
  'jpeg-of-many-comments': {
    make: () => withRepeated(flatJpeg(small), 2, 300_000, latin1('\xff\xfe\0\x04ab')),
  },
  'jpeg-of-many-tables': { make: () => flatJpeg({ ...small, others: many(50_000, oneBitTable(0)) }) },
  'jpeg-of-restarts': {
    make: () => flatJpeg({ ...large, others: [segment('dd', u16be(1))] }),
    claims: [16_384, 6103],
  },
  'jpeg-with-huge-profile': { make: () => flatJpeg({ ...small, others: profileSegments }), claims: [64, 64] },
  'jpeg-with-huge-exif': {
    make: () =>
      flatJpeg({
        ...small,
        others: many(
          60,
          segment('e1', Buffer.concat([latin1('Exif\0\0MM\0*\0\0\0\x08\xff\xff'), Buffer.alloc(65_000, 1)])),
        ),
      }),
    claims: [64, 64],
  },
  'jpeg-with-exif-that-turns-in-circles': {
    // One entry, and a next directory that is the same one.
    make: () =>
      flatJpeg({
        ...small,
        others: [
          segment(
            'e1',
            Buffer.concat([
              latin1('Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08'),
              Buffer.alloc(40),
            ]),
          ),
        ],
      }),
    claims: [64, 64],
  },
  'jpeg-arithmetic': { make: () => withFrame(flatJpeg(large), 'c9') },
  'jpeg-lossless': { make: () => withFrame(flatJpeg(small), 'c3') },
  'jpeg-hierarchical': { make: () => withFrame(flatJpeg(small), 'c5') },
};
