import type { Random } from '../../random.ts';
import { box } from '../formats/avif.ts';
import { pngParts } from '../formats/png.ts';
import { webpParts } from '../formats/webp.ts';
import type { Expected, Family, FormatName, Sample } from '../input.ts';
import { edgeNumbers, latin1, u16le, u32be, u32le } from '../numbers.ts';
import type { Part, PartsFormat } from '../parts.ts';

/** First bytes that are recognised as an accepted type. */
export const magicNumbers = [
  '\xff\xd8\xff',
  '\x89PNG\r\n\x1a\n',
  'RIFF\x40\0\0\0WEBP',
  'GIF87a',
  'GIF89a',
  'II*\0',
  'MM\0*',
  'II+\0',
  'MM\0+',
  '\0\0\0\x14ftypavif\0\0\0\0avif',
  '\0\0\0\x14ftypmif1\0\0\0\0avis',
] as const;

const texts = [
  '<!---->',
  '<svg>',
  ' ',
  'a',
  'IHDR',
  'VP8 ',
  '%PDF-1.7\n',
  '\0',
  '{"a":[',
  '--x\r\n',
] as const;

/** Every sample, cut after each of its first bytes. */
const cutBytes = 64;

interface Way {
  readonly must?: Expected;
  make(nth: number, random: Random): Buffer;
}

/** Boxes whose stated sizes exceed or fill their container. */
const lyingBoxes = (random: Random): Buffer => {
  const sizes = [...edgeNumbers(4), 8, 9, 16, 20, 24];
  const brands = Array.from({ length: random.pick([0, 1, 4, 200, 5000]) }, () =>
    random.pick(['avif', 'mif1', 'heic', '\0\0\0\0']),
  );
  const inner = ['hdlr', 'pitm', 'iloc', 'iinf', 'iprp', 'ipco', 'ispe', 'grid', 'free', 'uuid'];
  const lyingBox = (): Buffer =>
    box({
      type: random.pick(inner),
      content: random.bytes(random.whole(0, 40)),
      statedLength: random.pick(sizes),
    });
  let meta: Buffer = Buffer.concat([u32be(0), ...Array.from({ length: random.whole(0, 20) }, lyingBox)]);
  for (let depth = random.pick([0, 1, 10, 1000]); depth > 0; depth -= 1)
    meta = box({ type: 'meta', content: meta });
  return Buffer.concat([
    box({
      type: 'ftyp',
      content: latin1(`avif\0\0\0\0${brands.join('')}`),
      statedLength: random.pick([...sizes, 20, 20]),
    }),
    box({ type: 'meta', content: meta, statedLength: random.pick(sizes) }),
    lyingBox(),
  ]);
};

const storm = (
  samples: readonly Sample[],
  name: FormatName,
  format: PartsFormat,
  types: readonly string[],
  random: Random,
): Buffer => {
  const [first, ...rest] = format.split(
    random.pick(samples.filter((sample) => sample.format === name)).bytes,
  );
  if (first === undefined) throw new Error(`A sample of ${name} has no part.`);
  const part: Part = { type: random.pick(types), content: random.bytes(random.pick([0, 1, 13, 40])) };
  const parts = Array.from({ length: random.pick([100, 2000, 20_000]) }, () => part);
  return format.join([first, ...parts, ...rest]);
};

/** Directories of private tags, in an order that is hard to sort. */
export const tiffOfPrivateTags = (directories: number, tags: number): Buffer => {
  const entry = (tag: number, type: number, value: number): Buffer =>
    Buffer.concat([u16le(tag), u16le(type), u32le(1), u32le(value)]);
  const needed = [
    [256, 8],
    [257, 8],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 8],
    [279, 64],
  ] as const;
  const entries = Buffer.concat([
    ...Array.from({ length: tags }, (_, index) => entry(36_768 + tags - index, 4, index)),
    ...needed.map(([tag, value]) => entry(tag, 4, value)),
  ]);
  const directory = u16le(tags + needed.length);
  const length = directory.length + entries.length + 4;
  return Buffer.concat([
    latin1('II*\0'),
    u32le(8),
    ...Array.from({ length: directories }, (_, index) => [
      directory,
      entries,
      u32le(index + 1 === directories ? 0 : 8 + (index + 1) * length),
    ]).flat(),
  ]);
};

/** Files that start like an accepted image, but contain almost nothing of one. */
export const headers = (samples: readonly Sample[]): Family => {
  const ways: Readonly<Record<string, Way>> = {
    'magic-number-and-text': {
      must: 'refused',
      make: (nth, random) =>
        latin1(
          (magicNumbers[nth % magicNumbers.length] ?? '') +
            random.pick(texts).repeat(random.pick([1, 146, 5000])),
        ),
    },
    'cut-within-its-header': {
      make: (nth) => {
        const sample = samples[Math.floor(nth / cutBytes) % samples.length];
        return sample?.bytes.subarray(0, 1 + (nth % cutBytes)) ?? Buffer.alloc(0);
      },
    },
    'boxes-of-lying-sizes': { must: 'refused', make: (_nth, random) => lyingBoxes(random) },
    'tiff-of-private-tags': {
      make: (_nth, random) => tiffOfPrivateTags(random.pick([1, 2, 60]), random.pick([10, 100, 400])),
    },
    'png-of-many-chunks': {
      make: (_nth, random) =>
        storm(samples, 'png', pngParts, ['tEXt', 'prVt', 'iTXt', 'zTXt', 'gAMA', 'IDAT', 'IHDR'], random),
    },
    'webp-of-many-chunks': {
      make: (_nth, random) =>
        storm(samples, 'webp', webpParts, ['JUNK', 'EXIF', 'XMP ', 'ICCP', 'ANMF', 'ALPH', 'VP8 '], random),
    },
  };
  return {
    name: 'headers',
    make(nth, random) {
      const all = Object.entries(ways);
      const [kind, { must, make }] = all[nth % all.length] ?? random.pick(all);
      const bytes = make(Math.floor(nth / all.length), random);
      // Makes each a different image; cuts stay unchanged.
      const mark = kind.startsWith('cut') ? Buffer.alloc(0) : latin1(`\n${random.whole(0, 1_000_000_000)}`);
      return { kind, bytes: Buffer.concat([bytes, mark]), must };
    },
  };
};
