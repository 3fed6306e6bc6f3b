import sharp from 'sharp';
import { riffChunks, vp8lOfSize, webpParts } from '../formats/webp.ts';
import { latin1, u16le, u24le, u32le } from '../numbers.ts';
import type { Part } from '../parts.ts';
import { withRepeated } from '../repeated.ts';
import type { Bombs } from './bomb.ts';

const chunk = (type: string, content: Buffer): Part => ({ type, content });

/** One colour, lossless: 38 bytes for any size. */
const flatChunk = async (width: number, height: number): Promise<Part> => {
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#123456' } })
    .webp({ lossless: true })
    .toBuffer();
  const [part] = webpParts.split(bytes);
  if (part === undefined) throw new Error('The encoder returned a WebP without a chunk.');
  return { ...part, content: vp8lOfSize(part.content, width, height) };
};

const flat = async (width: number, height: number): Promise<Buffer> =>
  webpParts.join([await flatChunk(width, height)]);

const flags = { animation: 0x02, xmp: 0x04, exif: 0x08, profile: 0x20 } as const;

const extended = (width: number, height: number, flag: number): Part =>
  chunk('VP8X', Buffer.concat([u32le(flag), u24le(width - 1), u24le(height - 1)]));

interface Animation {
  readonly canvas: readonly [number, number];
  readonly frame: readonly [number, number];
  readonly frames: number;
}

const animated = async ({ canvas: [width, height], frame, frames }: Animation): Promise<Buffer> => {
  const { type, content } = await flatChunk(...frame);
  const image = Buffer.concat([
    latin1(type),
    u32le(content.length),
    content,
    Buffer.alloc(content.length % 2),
  ]);
  const place = Buffer.concat([
    u24le(0),
    u24le(0),
    u24le(frame[0] - 1),
    u24le(frame[1] - 1),
    u24le(10),
    Buffer.from([0]),
  ]);
  const one = chunk('ANMF', Buffer.concat([place, image]));
  return webpParts.join([
    extended(width, height, flags.animation),
    chunk('ANIM', Buffer.concat([u32le(0), u16le(0)])),
    ...Array.from({ length: frames }, () => one),
  ]);
};

const withMetadata = async (flag: number, type: string, content: Buffer): Promise<Buffer> => {
  const image = await flatChunk(64, 64);
  const metadata = chunk(type, content);
  const parts = type === 'ICCP' ? [metadata, image] : [image, metadata];
  return webpParts.join([extended(64, 64, flag), ...parts]);
};

const alphaOfSize = async (): Promise<Buffer> => {
  const [width, height] = [16_383, 6103];
  const lossy = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#123456' } })
    .webp()
    .toBuffer();
  const [image] = webpParts.split(lossy);
  return webpParts.join([
    extended(width, height, 0x10),
    chunk('ALPH', Buffer.concat([Buffer.from([1]), (await flatChunk(16, 16)).content])),
    image ?? chunk('VP8 ', Buffer.alloc(0)),
  ]);
};

export const webpBombs: Bombs = {
  'webp-just-as-large': { must: 'ready', make: () => flat(16_383, 6103), claims: [16_383, 6103] },
  'webp-a-row-too-large': { must: 'image-too-large', make: () => flat(16_383, 6104), claims: [16_383, 6104] },
  'webp-largest-stated-size': {
    must: 'image-too-large',
    make: () => flat(16_383, 16_383),
    claims: [16_383, 16_383],
  },
  'webp-canvas-too-large': {
    must: 'refused',
    make: () => animated({ canvas: [2 ** 24, 2 ** 24], frame: [16, 16], frames: 1 }),
  },
  'webp-canvas-too-wide': {
    must: 'refused',
    make: () => animated({ canvas: [16_385, 16], frame: [16, 16], frames: 1 }),
  },
  'webp-small-frames-on-a-large-canvas': {
    must: 'image-too-large',
    make: () => animated({ canvas: [16_383, 6103], frame: [1, 1], frames: 100 }),
    claims: [16_383, 6103],
  },
  'webp-one-small-frame-on-a-large-canvas': {
    make: () => animated({ canvas: [16_383, 6103], frame: [1, 1], frames: 1 }),
    claims: [16_383, 6103],
  },
  'webp-of-large-frames': {
    must: 'image-too-large',
    make: () => animated({ canvas: [16_383, 6103], frame: [16_383, 6103], frames: 50 }),
    claims: [16_383, 6103],
  },
  'webp-of-many-frames': {
    make: () => animated({ canvas: [64, 64], frame: [64, 64], frames: 60_000 }),
    claims: [64, 64],
  },
  'webp-alpha-of-another-size': { make: alphaOfSize },
  'webp-with-huge-profile': { make: () => withMetadata(flags.profile, 'ICCP', Buffer.alloc(30_000_000)) },
  'webp-with-huge-exif': {
    make: () =>
      withMetadata(
        flags.exif,
        'EXIF',
        Buffer.concat([latin1('MM\0*\0\0\0\x08\xff\xff'), Buffer.alloc(4_000_000, 1)]),
      ),
  },
  'webp-with-huge-xmp': { make: () => withMetadata(flags.xmp, 'XMP ', Buffer.alloc(30_000_000, 60)) },
  'webp-of-many-chunks': {
    make: async () => {
      const header = extended(64, 64, 0);
      const file = webpParts.join([header, await flatChunk(64, 64)]);
      const junk = riffChunks.join([chunk('JUNK', Buffer.alloc(0))]);
      const many = withRepeated(file, webpParts.join([header]).length, 400_000, junk);
      many.writeUInt32LE(many.length - 8, 4);
      return many;
    },
  },
};
