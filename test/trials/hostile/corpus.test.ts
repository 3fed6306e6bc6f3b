import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { originalTypeOf } from '../../../lambdas/image/original-type.ts';
import { createCorpus, type HostileInput } from './corpus.ts';
import { allBombs } from './families/bombs.ts';
import { magicNumbers } from './families/headers.ts';
import { formatNames } from './input.ts';
import { buildSamples } from './samples.ts';
import { deflatedZeros } from './zeros.ts';

jest.setTimeout(60_000);

const digest = ({ bytes, kind, route, contentType }: HostileInput): string =>
  createHash('sha256').update(bytes).update(`${kind} ${route} ${contentType}`).digest('hex');

const range = (from: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => from + index);

const isBomb = ({ family }: HostileInput): boolean => family === 'bombs';

test('builds the same input for the same seed and index, in any order', async () => {
  const [one, other] = [await createCorpus(7), await createCorpus(7)];
  const there: string[] = [];
  for (const index of range(0, 150)) there.push(digest(await one.input(index)));
  const back: string[] = [];
  for (const index of range(0, 150).toReversed()) back.push(digest(await other.input(index)));
  expect(back.toReversed()).toEqual(there);
});

test('builds different inputs for another seed', async () => {
  const [one, other] = [await createCorpus(7), await createCorpus(8)];
  const same = [];
  for (const index of range(0, 100)) {
    const [mine, theirs] = [await one.input(index), await other.input(index)];
    if (mine.bytes.equals(theirs.bytes)) same.push(mine.family);
  }
  // These families go through lists, and many files begin with the same bytes.
  const others = same.filter(
    (family) => !['intact', 'disguises', 'scraps', 'truncated', 'headers', 'heic'].includes(family),
  );
  expect(others).toEqual([]);
});

test('has all families, formats and routes among any hundred inputs, with few duplicates', async () => {
  const corpus = await createCorpus(3);
  const inputs: HostileInput[] = [];
  for (const index of range(400, 100)) inputs.push(await corpus.input(index));
  expect(new Set(inputs.map(({ family }) => family))).toEqual(new Set(corpus.families));
  expect(new Set(inputs.map(({ route }) => route))).toEqual(new Set(['post', 'presigned']));
  for (const family of ['truncated', 'damaged', 'restructured', 'lying']) {
    const kinds = inputs.filter((input) => input.family === family).map(({ kind }) => kind.split('-')[0]);
    expect([family, new Set(kinds)]).toEqual([family, new Set(formatNames)]);
  }
  expect(new Set(inputs.map(digest)).size).toBeGreaterThan(95);
});

test('changes the part that the kind names', async () => {
  const corpus = await createCorpus(5);
  const samples = await buildSamples();
  const unchanged: string[] = [];
  let changed = 0;
  for (const index of range(0, 600)) {
    const input = await corpus.input(index);
    if (!['truncated', 'damaged', 'restructured', 'lying'].includes(input.family)) continue;
    changed += 1;
    if (samples.some(({ bytes }) => bytes.equals(input.bytes))) unchanged.push(input.kind);
  }
  // Some changes have no effect, such as a zero for a byte that was zero before.
  expect(unchanged.length).toBeLessThan(changed * 0.15);
});

test('starts from valid samples of every accepted format', async () => {
  const samples = await buildSamples();
  for (const { name, format, bytes } of samples) {
    expect([name, originalTypeOf(bytes)]).toEqual([name, `image/${format}`]);
    await expect(sharp(bytes, { failOn: 'warning' }).raw().toBuffer()).resolves.toBeInstanceOf(Buffer);
  }
  expect(new Set(samples.map(({ format }) => format))).toEqual(new Set(formatNames));
});

test('has text behind every accepted magic number', async () => {
  for (const magic of magicNumbers) expect(originalTypeOf(Buffer.from(magic, 'latin1'))).toBeDefined();
  const corpus = await createCorpus(1);
  const seen = new Set<string>();
  for (const index of range(0, 3000)) {
    const { kind, bytes } = await corpus.input(index);
    const is = (magic: string) => bytes.toString('latin1', 0, magic.length) === magic;
    if (kind === 'magic-number-and-text') seen.add(magicNumbers.find(is) ?? 'none');
  }
  expect(seen).toEqual(new Set(magicNumbers));
});

test('has bombs in which libvips reads the stated size', async () => {
  for (const [name, { make, claims }] of Object.entries(allBombs)) {
    if (claims === undefined) continue;
    const { width, height } = await sharp(await make(), { limitInputPixels: false }).metadata();
    expect([name, width, height]).toEqual([name, ...claims]);
  }
});

test('starts with another bomb for each seed', async () => {
  const firstBomb = async (seed: number) => {
    const corpus = await createCorpus(seed);
    for (const index of range(0, 100)) {
      const input = await corpus.input(index);
      if (isBomb(input)) return input.kind;
    }
    throw new Error('There is no bomb.');
  };
  expect(await firstBomb(1)).not.toBe(await firstBomb(2));
});

test('makes zeros that inflate correctly', async () => {
  const { inflateSync } = await import('node:zlib');
  for (const length of [0, 1, 1000, 2 ** 20, 3 * 2 ** 20 + 17]) {
    expect(inflateSync(deflatedZeros(length)).equals(Buffer.alloc(length))).toBe(true);
  }
});
