import type { Random } from '../../random.ts';
import type { Family, Sample } from '../input.ts';
import { edgeNumbers, u16be, u16le, u32be, u32le } from '../numbers.ts';

type Damage = (bytes: Buffer, random: Random, samples: readonly Sample[]) => Buffer;

const place = (bytes: Buffer, random: Random): number =>
  // The first bytes decide how a file is read.
  random.whole(0, random.next() < 0.5 ? Math.min(200, bytes.length - 1) : bytes.length - 1);

const inPlace =
  (write: (bytes: Buffer, at: number, random: Random) => void, times: number): Damage =>
  (original, random) => {
    const bytes = Buffer.from(original);
    for (let left = random.whole(1, times); left > 0; left -= 1) write(bytes, place(bytes, random), random);
    return bytes;
  };

const run = (bytes: Buffer, random: Random): { readonly from: number; readonly to: number } => {
  const from = place(bytes, random);
  return { from, to: Math.min(bytes.length, from + random.pick([1, 2, 4, 16, 64, 256, 1024])) };
};

const damages: Readonly<Record<string, Damage>> = {
  'bits-flipped': inPlace((bytes, at, random) => {
    bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << random.whole(0, 7)), at);
  }, 16),
  'bytes-changed': inPlace((bytes, at, random) => bytes.writeUInt8(random.whole(0, 255), at), 16),
  'bytes-at-their-edge': inPlace((bytes, at, random) => {
    bytes.writeUInt8(random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff]), at);
  }, 8),
  'numbers-at-their-edge': inPlace((bytes, at, random) => {
    const [numbers, written] = random.pick([
      [edgeNumbers(2), u16be],
      [edgeNumbers(2), u16le],
      [edgeNumbers(4), u32be],
      [edgeNumbers(4), u32le],
    ] as const);
    written(random.pick(numbers)).copy(bytes, at);
  }, 4),
  'run-zeroed': (original, random) => {
    const { from, to } = run(original, random);
    return Buffer.from(original).fill(0, from, to);
  },
  'run-of-noise': (original, random) => {
    const { from, to } = run(original, random);
    const bytes = Buffer.from(original);
    random.bytes(to - from).copy(bytes, from);
    return bytes;
  },
  'run-removed': (bytes, random) => {
    const { from, to } = run(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  'run-doubled': (bytes, random) => {
    const { from, to } = run(bytes, random);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  'noise-between': (bytes, random) => {
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(random.whole(1, 64)), bytes.subarray(at)]);
  },
  'noise-after': (bytes, random) => Buffer.concat([bytes, random.bytes(random.whole(1, 2000))]),
  'end-of-another': (bytes, random, samples) => {
    const other = random.pick(samples).bytes;
    return Buffer.concat([
      bytes.subarray(0, random.whole(1, bytes.length)),
      other.subarray(random.whole(0, other.length - 1)),
    ]);
  },
};

/** Changed bytes, without knowledge of the format. */
export const damaged = (samples: readonly Sample[]): Family => ({
  name: 'damaged',
  make(nth, random) {
    const { name, bytes } = samples[nth % samples.length] ?? random.pick(samples);
    const [how, damage] = random.pick(Object.entries(damages));
    return { kind: `${name}-${how}`, bytes: damage(bytes, random, samples) };
  },
});
