import { anySeed, readOptions, wholeOption } from '../options.ts';
import { type Figure, report } from '../report.ts';
import { fairness } from './fairness.ts';
import { flood } from './flood.ts';
import { largeBodies } from './large-bodies.ts';
import { manyUploads } from './many-uploads.ts';
import { slowSenders } from './slow-senders.ts';

const usage = `Usage: npm run test:load -- [option]...

Uploads many different images while events are repeated and shuffled, some of them to all ingest processes at the same
time. Floods ingest with more uploads than it can hold and with large bodies, lets slow senders occupy it, and times
ordinary uploads beside slow images, stalled senders and replays.

  --uploads N    small images (default 10000)
  --clients N    clients that upload them at the same time (default 16)
  --ingests N    ingest processes (default 2)
  --workers N    resize workers (default 3)
  --flood N      images of a megabyte, all at the same time (default 400)
  --seed N       the same seed makes the same images (default: another one each time)
  --fair N       ordinary uploads that are timed at rest and under each flood (default 100)
  --short        600 uploads, a flood of 100, and 40 that are timed
  --help         prints this`;

const options = readOptions(usage, {
  uploads: { type: 'string', default: '10000' },
  clients: { type: 'string', default: '16' },
  ingests: { type: 'string', default: '2' },
  workers: { type: 'string', default: '3' },
  flood: { type: 'string', default: '400' },
  fair: { type: 'string', default: '100' },
  seed: { type: 'string', default: anySeed() },
  short: { type: 'boolean', default: false },
});
const seed = wholeOption('seed', options.seed, 0, 2 ** 32 - 1);
const uploads = options.short ? 600 : wholeOption('uploads', options.uploads, 20, 1_000_000);
const connections = options.short ? 100 : wholeOption('flood', options.flood, 20, 5000);
const timed = options.short ? 40 : wholeOption('fair', options.fair, 20, 10_000);
const clients = wholeOption('clients', options.clients, 1, 1000);
const ingests = wholeOption('ingests', options.ingests, 1, 16);
const workers = wholeOption('workers', options.workers, 1, 16);
console.log(
  `seed ${seed}, ${uploads} uploads, ${clients} clients, ${ingests} ingest processes, ${workers} workers, a flood of ${connections}`,
);

const named = (part: string, figures: readonly Figure[]): readonly Figure[] =>
  figures.map((figure) => ({ ...figure, name: `${part}: ${figure.name}` }));

// Slow senders use only time: they run beside the other trials.
const slow = slowSenders(seed);
const [many, slowFigures] = await Promise.all([
  manyUploads({ uploads, clients, ingests, workers, seed }),
  slow,
]);
const flooded = await flood({ connections, seed });
const large = await largeBodies(seed);
const fair = await fairness({ seed, uploads: timed });

report(`Load, seed ${seed}`, [
  ...named('uploads', many),
  ...named('flood', flooded),
  ...named('large bodies', large),
  ...named('slow senders', slowFigures),
  ...named('fairness', fair),
]);
