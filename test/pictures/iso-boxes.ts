import { boxes, box as boxOf } from '../trials/hostile/formats/avif.ts';
import { latin1, u16be, u32be } from '../trials/hostile/numbers.ts';

/** A box (ISO/IEC 14496-12, 4.2). */
export const box = (type: string, ...content: readonly Buffer[]): Buffer =>
  boxOf({ type, content: Buffer.concat(content) });

export const fullBox = (
  type: string,
  version: number,
  flags: number,
  ...content: readonly Buffer[]
): Buffer => box(type, u32be(version * 2 ** 24 + flags), ...content);

const fourCharacters = (names: readonly string[]): Buffer => latin1(names.join(''));

export const fileType = (major: string, ...compatible: readonly string[]): Buffer =>
  box('ftyp', latin1(major), u32be(0), fourCharacters(compatible));

/** An AV1 image without its container. */
export interface Av1Image {
  readonly data: Buffer;
  /** The content of the box `av1C`. */
  readonly configuration: Buffer;
  readonly width: number;
  readonly height: number;
  /** Bits of each channel. */
  readonly bits: readonly number[];
}

const found = (bytes: Buffer, ...path: readonly string[]): Buffer => {
  const [type = '', ...rest] = path;
  const part = boxes.split(bytes).find((each) => each.type === type);
  if (part === undefined) throw new Error(`There is no box "${type}".`);
  return rest.length === 0 ? part.content : found(part.content.subarray(boxes.nestedAt(part) ?? 0), ...rest);
};

/** Takes the only image out of a file. */
export const av1ImageOf = (bytes: Buffer): Av1Image => {
  const properties = found(bytes, 'meta', 'iprp', 'ipco');
  const size = found(properties, 'ispe');
  const channels = found(properties, 'pixi');
  return {
    data: found(bytes, 'mdat'),
    configuration: found(properties, 'av1C'),
    width: size.readUInt32BE(4),
    height: size.readUInt32BE(8),
    bits: [...channels.subarray(5)],
  };
};

/**
 * The same image, whose levels are said to be from 16 to 235, or 240 for chroma. Its sequence header is that
 * of a still picture (AV1 Bitstream & Decoding Process, 5.5.1 and 5.5.2), after a temporal delimiter.
 */
export const asLimitedRange = (image: Av1Image): Av1Image => {
  const data = Buffer.from(image.data);
  const headerAt = 4;
  let bit = 8 * headerAt;
  const read = (bits: number): number => {
    let value = 0;
    for (let left = bits; left > 0; left -= 1, bit += 1) {
      value = 2 * value + (((data[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    }
    return value;
  };
  if (data[2] !== 0x0a) throw new Error('The image does not begin with a sequence header');
  const profile = read(3);
  const isStill = read(2) === 3;
  if (!isStill || profile > 1) throw new Error('The sequence header is not that of a still picture');
  read(5);
  const [widthBits, heightBits] = [read(4) + 1, read(4) + 1];
  // Size, tools, and whether there are more than 8 bits.
  read(widthBits);
  read(heightBits);
  read(7);
  const isGrey = profile === 0 && read(1) === 1;
  const hasDescription = read(1) === 1;
  if (hasDescription) read(24);
  if (isGrey) throw new Error('Grey images are not expected');
  const at = bit >> 3;
  data[at] = (data[at] ?? 0) & ~(1 << (7 - (bit & 7)));
  return { ...image, data };
};

const configurationBox = ({ configuration }: Av1Image): Buffer => box('av1C', configuration);

/** Colours by code points (ITU-T H.273): primaries, transfer, matrix and range. */
export const nclx = (primaries: number, transfer: number, matrix: number, isFullRange = true): Buffer =>
  box(
    'colr',
    latin1('nclx'),
    u16be(primaries),
    u16be(transfer),
    u16be(matrix),
    Buffer.from([isFullRange ? 0x80 : 0]),
  );

export const profileBox = (profile: Buffer): Buffer => box('colr', latin1('prof'), profile);

/** Counter-clockwise, in quarter turns (ISO/IEC 23008-12, 6.5.10). */
export const rotation = (quarterTurns: number): Buffer => box('irot', Buffer.from([quarterTurns]));

/** 0 swaps top and bottom, 1 left and right (ISO/IEC 23008-12, 6.5.12). */
export const mirror = (axis: 0 | 1): Buffer => box('imir', Buffer.from([axis]));

/** Part of the picture: its size, and how far its middle is from the middle of the whole. */
export const cleanAperture = (part: {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
}): Buffer =>
  box('clap', ...[part.width, 1, part.height, 1, part.x, 1, part.y, 1].map((value) => u32be(value)));

const handler = (type: string): Buffer =>
  fullBox('hdlr', 0, 0, u32be(0), latin1(type), Buffer.alloc(12), Buffer.from([0]));

const alphaType = 'urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0';

export interface AvifFile {
  readonly image: Av1Image;
  readonly alpha?: Av1Image;
  /** Whether the colours are multiplied by alpha. */
  readonly isPremultiplied?: boolean;
  /** Boxes about the colour image beside size, depth and configuration. */
  readonly properties?: readonly Buffer[];
  readonly brands?: readonly [major: string, ...compatible: readonly string[]];
  /** An EXIF block, without the offset before it. */
  readonly exif?: Buffer;
  readonly movie?: Buffer;
}

const essential = new Set(['av1C', 'irot', 'imir', 'clap', 'lsel', 'a1op']);
const typeOf = (bytes: Buffer): string => bytes.toString('latin1', 4, 8);

/** Writes an AVIF of one image with its alpha (AV1 Image File Format; ISO/IEC 23008-12). */
export const avif = (given: AvifFile): Buffer => {
  const { image, alpha, properties = [], brands = ['avif', 'avif', 'mif1', 'miaf'], exif: exifData } = given;
  const commonBoxes = (of: Av1Image): readonly Buffer[] => [
    fullBox('ispe', 0, 0, u32be(of.width), u32be(of.height)),
    fullBox('pixi', 0, 0, Buffer.from([of.bits.length, ...of.bits])),
    configurationBox(of),
  ];
  const items = [
    { type: 'av01', data: image.data, properties: [...commonBoxes(image), ...properties] },
    ...(alpha === undefined
      ? []
      : [
          {
            type: 'av01',
            data: alpha.data,
            properties: [...commonBoxes(alpha), fullBox('auxC', 0, 0, latin1(alphaType))],
          },
        ]),
    ...(exifData === undefined
      ? []
      : [{ type: 'Exif', data: Buffer.concat([u32be(0), exifData]), properties: [] }]),
  ];
  const reference = (type: string, from: number, to: number) => box(type, u16be(from), u16be(1), u16be(to));
  const references = [
    ...(alpha === undefined ? [] : [reference('auxl', 2, 1)]),
    ...(given.isPremultiplied ? [reference('prem', 1, 2)] : []),
    ...(exifData === undefined ? [] : [reference('cdsc', items.length, 1)]),
  ];
  const all = items.flatMap((item) => item.properties);
  let first = 0;
  const associations = items.flatMap((item, index) => {
    if (item.properties.length === 0) return [];
    const numbers = item.properties.map(
      (property, at) => (first + at + 1) | (essential.has(typeOf(property)) ? 0x80 : 0),
    );
    first += item.properties.length;
    return [Buffer.concat([u16be(index + 1), Buffer.from([numbers.length, ...numbers])])];
  });
  const metaAt = (dataAt: number): Buffer => {
    let at = dataAt;
    const places = items.map(({ data }, index) => {
      const place = Buffer.concat([u16be(index + 1), u16be(0), u16be(1), u32be(at), u32be(data.length)]);
      at += data.length;
      return place;
    });
    return fullBox(
      'meta',
      0,
      0,
      handler('pict'),
      fullBox('pitm', 0, 0, u16be(1)),
      fullBox('iloc', 0, 0, Buffer.from([0x44, 0]), u16be(items.length), ...places),
      fullBox(
        'iinf',
        0,
        0,
        u16be(items.length),
        ...items.map(({ type }, index) =>
          fullBox('infe', 2, type === 'Exif' ? 1 : 0, u16be(index + 1), u16be(0), latin1(`${type}\0`)),
        ),
      ),
      ...(references.length === 0 ? [] : [fullBox('iref', 0, 0, ...references)]),
      box('iprp', box('ipco', ...all), fullBox('ipma', 0, 0, u32be(associations.length), ...associations)),
    );
  };
  const start = fileType(...brands);
  const movie = given.movie ?? Buffer.alloc(0);
  const meta = metaAt(start.length + metaAt(0).length + movie.length + 8);
  return Buffer.concat([start, meta, movie, box('mdat', ...items.map(({ data }) => data))]);
};

const identity = Buffer.concat([0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].map(u32be));

/**
 * Writes a sequence: a film whose frames are whole images, without an item for a viewer of stills
 * (ISO/IEC 14496-12, 8). All frames have the size of the first.
 */
export const avifSequence = (
  frames: readonly [Av1Image, ...Av1Image[]],
  brands: AvifFile['brands'] = ['avis', 'avis', 'msf1', 'miaf', 'iso8'],
  colour?: Buffer,
): Buffer => {
  const [first] = frames;
  const ticks = 10;
  const duration = frames.length * ticks;
  const entry = box(
    'av01',
    Buffer.alloc(6),
    u16be(1),
    Buffer.alloc(16),
    u16be(first.width),
    u16be(first.height),
    u32be(0x480000),
    u32be(0x480000),
    u32be(0),
    u16be(1),
    Buffer.alloc(32),
    u16be(24),
    u16be(0xffff),
    configurationBox(first),
    ...(colour === undefined ? [] : [colour]),
  );
  const movieAt = (dataAt: number): Buffer =>
    box(
      'moov',
      fullBox(
        'mvhd',
        0,
        0,
        ...[0, 0, 100, duration, 0x10000].map(u32be),
        u16be(0x100),
        Buffer.alloc(10),
        identity,
        Buffer.alloc(24),
        u32be(2),
      ),
      box(
        'trak',
        fullBox(
          'tkhd',
          0,
          1,
          ...[0, 0, 1, 0, duration, 0, 0].map(u32be),
          Buffer.alloc(8),
          identity,
          u32be(first.width * 0x10000),
          u32be(first.height * 0x10000),
        ),
        box(
          'mdia',
          fullBox('mdhd', 0, 0, ...[0, 0, 100, duration].map(u32be), u16be(0x55c4), u16be(0)),
          handler('pict'),
          box(
            'minf',
            fullBox('vmhd', 0, 1, Buffer.alloc(8)),
            box('dinf', fullBox('dref', 0, 0, u32be(1), fullBox('url ', 0, 1))),
            box(
              'stbl',
              fullBox('stsd', 0, 0, u32be(1), entry),
              fullBox('stts', 0, 0, u32be(1), u32be(frames.length), u32be(ticks)),
              fullBox('stsc', 0, 0, u32be(1), u32be(1), u32be(frames.length), u32be(1)),
              fullBox(
                'stsz',
                0,
                0,
                u32be(0),
                u32be(frames.length),
                ...frames.map(({ data }) => u32be(data.length)),
              ),
              fullBox('stco', 0, 0, u32be(1), u32be(dataAt)),
            ),
          ),
        ),
      ),
    );
  const start = fileType(...brands);
  const movie = movieAt(start.length + movieAt(0).length + 8);
  return Buffer.concat([start, movie, box('mdat', ...frames.map(({ data }) => data))]);
};
