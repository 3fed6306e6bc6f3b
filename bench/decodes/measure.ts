import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { variantsSchema } from '../../lambdas/image/variant.ts';
import { createDecoder } from '../../lambdas/resize/decoder.ts';
import { createLog } from '../../lambdas/runtime/log.ts';
import { readSettings } from '../../lib/settings.ts';
import { type Lane, startBareSharp } from './lane.ts';

/**
 * How many images a worker's decoders make thumbnails of in a second, 1, 2 and 4 at once, as a ratio to as many processes
 * with nothing but sharp in them. Both take turns, so that whatever else the machine does slows both.
 */
const { values } = parseArgs({
  options: {
    image: { type: 'string', default: 'photo.jpg' },
    rounds: { type: 'string', default: '9' },
    /** How often an image is decoded in one turn. */
    images: { type: 'string', default: '24' },
  },
});
const rounds = Number(values.rounds);
const images = Number(values.images);
const bytes = readFileSync(values.image);
const variants = variantsSchema.parse([{ name: 'thumbnail' }]);

const decoder = createDecoder(readSettings({}), createLog('measure'), { lane: 'fast' });
/** A worker's decoder, which brings its bytes through a pipe as S3 does and gets one process for each lane. */
const serviceLane: Lane = {
  decode: async (times) => {
    for (let count = 0; count < times; count += 1) {
      const image = await decoder.load({ bytes: bytes.byteLength, body: Readable.from([bytes]) });
      try {
        await image.render(variants);
      } finally {
        image.close();
      }
    }
  },
  stop: () => {},
};

/** Images a second. */
const throughputOf = async (lanes: readonly Lane[]): Promise<number> => {
  const startedAt = performance.now();
  await Promise.all(lanes.map((lane) => lane.decode(Math.ceil(images / lanes.length))));
  return images / ((performance.now() - startedAt) / 1000);
};

const quantile = (numbers: readonly number[], part: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))] ??
  Number.NaN;

console.log(
  `${values.image}, ${bytes.byteLength} bytes, ${availableParallelism()} cores, ${rounds} rounds\n`,
);
console.log('at once  decoders/s  bare sharp/s  ratio (median, quartiles)');
for (const atOnce of [1, 2, 4]) {
  const service = Array.from({ length: atOnce }, () => serviceLane);
  const bare = await Promise.all(Array.from({ length: atOnce }, () => startBareSharp(values.image)));
  await throughputOf(service);
  await throughputOf(bare);
  const pairs: { readonly service: number; readonly bare: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    pairs.push({ service: await throughputOf(service), bare: await throughputOf(bare) });
  }
  for (const lane of bare) lane.stop();
  const ratios = pairs.map((pair) => pair.service / pair.bare);
  const columns = [
    String(atOnce).padEnd(7),
    quantile(
      pairs.map((pair) => pair.service),
      0.5,
    )
      .toFixed(1)
      .padStart(10),
    quantile(
      pairs.map((pair) => pair.bare),
      0.5,
    )
      .toFixed(1)
      .padStart(12),
    [0.5, 0.25, 0.75].map((part) => quantile(ratios, part).toFixed(2)).join('  '),
  ];
  console.log(columns.join('  '));
}
