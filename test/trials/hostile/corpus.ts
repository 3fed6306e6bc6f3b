import { createRandom, type Random } from '../random.ts';
import { bombs } from './families/bombs.ts';
import { damaged } from './families/damaged.ts';
import { disguises } from './families/disguises.ts';
import { intact, lying, restructured } from './families/from-samples.ts';
import { headers } from './families/headers.ts';
import { heic } from './families/heic.ts';
import { polyglots } from './families/polyglots.ts';
import { scraps } from './families/scraps.ts';
import { truncated } from './families/truncated.ts';
import { markupFamily, textFamily } from './families/writing.ts';
import type { Family, Made } from './input.ts';
import { buildSamples } from './samples.ts';

/**
 * How an input is uploaded: as the body of `POST /upload_image`, or by the presigned PUT of `POST /uploads`.
 */
export type Route = 'post' | 'presigned';

export interface HostileInput extends Made {
  readonly index: number;
  readonly family: string;
  readonly route: Route;
  /** Empty for none. */
  readonly contentType: string;
}

export interface Corpus {
  readonly families: readonly string[];
  /** The same seed and index give the same input, in any order. */
  input(index: number): Promise<HostileInput>;
}

/** The number of inputs of each family in a hundred. Bombs are few, because each takes seconds. */
const shares = {
  truncated: 10,
  damaged: 20,
  restructured: 19,
  lying: 11,
  heic: 10,
  polyglots: 5,
  disguises: 6,
  scraps: 2,
  texts: 2,
  markup: 4,
  headers: 4,
  bombs: 3,
  intact: 4,
} as const;

/** A step without a common factor with 100 reaches all slots; this one spreads the families evenly. */
const stride = 37;

/** Ingest accepts no more in one request. */
const maxPostedBytes = 4_700_000;

/** Half of the inputs that ingest would refuse unread go straight to S3, so that resize sees them. */
const presignedShare = (family: string): number =>
  ['disguises', 'polyglots', 'scraps', 'texts', 'markup', 'headers'].includes(family) ? 0.5 : 0.12;

/** The service ignores the stated type; '' sends none. */
const contentTypes = [
  '',
  'image/jpg',
  'image/jpeg',
  'image/png',
  'image/svg+xml',
  'text/html',
  'application/json',
  'application/octet-stream',
  'multipart/form-data',
  'nonsense',
] as const;

export const createCorpus = async (seed: number): Promise<Corpus> => {
  const samples = await buildSamples();
  const makers: Readonly<Record<keyof typeof shares, Family>> = {
    truncated: truncated(samples, seed),
    damaged: damaged(samples),
    restructured: restructured(samples),
    lying: lying(samples),
    heic: heic(seed),
    polyglots: polyglots(samples),
    disguises,
    scraps,
    texts: textFamily,
    markup: markupFamily,
    headers: headers(samples),
    bombs: bombs(seed),
    intact: intact(samples),
  };
  const slots = Object.values(makers).flatMap((family) => {
    const share = Object.entries(shares).find(([name]) => name === family.name)?.[1] ?? 0;
    return Array.from({ length: share }, (_, position) => ({ family, share, position }));
  });

  return {
    families: Object.keys(shares),
    async input(index) {
      const slot = slots[(index * stride) % slots.length];
      if (slot === undefined) throw new RangeError(`There is no input ${index}.`);
      const { family, share, position } = slot;
      const random = randomOf(seed, index);
      const route = random.next() < presignedShare(family.name) ? 'presigned' : 'post';
      const contentType = random.pick(contentTypes);
      const made = await family.make(Math.floor(index / slots.length) * share + position, random);
      return { ...made, index, family: family.name, route: routeOf(made, route), contentType };
    },
  };
};

const randomOf = (seed: number, index: number): Random =>
  createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));

const routeOf = ({ bytes }: Made, preferred: Route): Route => {
  if (bytes.length === 0) return 'post';
  return bytes.length > maxPostedBytes ? 'presigned' : preferred;
};
