import { heicFile } from '../../../heic-files.ts';
import type { Random } from '../../random.ts';
import { avif, withinBox } from '../formats/avif.ts';
import type { Family, Made, Sample } from '../input.ts';
import { edgeNumbers } from '../numbers.ts';
import { damaged } from './damaged.ts';
import { truncated } from './truncated.ts';

/** Files that another program made, because no npm package encodes HEVC. */
const samples: readonly Sample[] = (
  ['tiles', 'tiles-without-thumbnail', 'tiles-other-thumbnail', 'deep-p3', 'alpha'] as const
).map((name) => ({ name: `heic-${name}`, format: 'avif', bytes: heicFile(name) }));

/** Boxes that an AVIF does not have, or that matter more here. */
const boxes = ['hvcC', 'idat', 'ispe', 'irot', 'ipma', 'iref', 'iloc', 'colr', 'pixi', 'auxC'] as const;

const lying = ({ name, bytes }: Sample, random: Random): Made => {
  const type = random.pick(boxes.filter((each) => bytes.includes(each, 0, 'latin1')));
  return {
    kind: `${name}-lies-in-${type}`,
    bytes: withinBox(bytes, type, (content) => {
      const width = content.length >= 4 && random.next() < 0.3 ? 4 : 1;
      const at = random.whole(0, content.length - width);
      content.writeUIntBE(random.pick(edgeNumbers(width)), at, width);
    }),
  };
};

/** Changes what the decoder of HEVC reads, and nothing else. */
const inPictures = ({ name, bytes }: Sample, random: Random): Made => {
  const changed = Buffer.from(bytes);
  const start = changed.indexOf('mdat', 0, 'latin1') + 4;
  for (let left = random.pick([1, 2, 8, 64]); left > 0; left -= 1) {
    changed.writeUInt8(random.whole(0, 255), random.whole(start, changed.length - 1));
  }
  return { kind: `${name}-pictures-changed`, bytes: changed };
};

const restructured = ({ name, bytes }: Sample, random: Random): Made => {
  const made = avif.restructure(bytes, random);
  return { ...made, kind: `${name}-${made.kind}` };
};

/** HEIC changed in every way in which other formats are, and in its pictures. */
export const heic = (seed: number): Family => {
  const [cut, changed] = [truncated(samples, seed), damaged(samples)];
  const ways = [
    (nth: number, random: Random) => cut.make(nth, random),
    (nth: number, random: Random) => changed.make(nth, random),
    (_: number, random: Random) => restructured(random.pick(samples), random),
    (_: number, random: Random) => lying(random.pick(samples), random),
    (_: number, random: Random) => inPictures(random.pick(samples), random),
    (nth: number): Made => {
      const { name, bytes } = samples[nth % samples.length] ?? { name: 'none', bytes: Buffer.alloc(0) };
      return { kind: name, bytes, must: 'ready' };
    },
  ];
  return {
    name: 'heic',
    make: (nth, random) => {
      const make = ways[nth % ways.length] ?? random.pick(ways);
      return make(Math.floor(nth / ways.length), random);
    },
  };
};
