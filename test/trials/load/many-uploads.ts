import { readFile } from 'node:fs/promises';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { createRandom } from '../random.ts';
import { createProgress, type Figure, zero } from '../report.ts';
import { startStack } from '../stack.ts';
import { inParallel, postUntilTaken } from './client.ts';
import { createDisturbance } from './events.ts';
import { imageHeap } from './image-heap.ts';
import { smallImage } from './images.ts';
import { watchMemory } from './memory.ts';
import { isIntact, outcomeOf, untilQuiet } from './outcome.ts';
import { fifth, median, quantile } from './statistics.ts';

export interface ManyUploadsProps {
  readonly uploads: number;
  readonly clients: number;
  readonly ingests: number;
  readonly workers: number;
  readonly seed: number;
}

/** Thumbnails whose pixels are checked. */
const sampleSize = 200;

/** One of this many images is posted to all ingest processes at the same moment. */
const twinOf = 5;

/** A long burst: every image is processed once, and no memory grows. */
export const manyUploads = async (props: ManyUploadsProps): Promise<readonly Figure[]> => {
  const { uploads, clients, ingests, workers, seed } = props;
  const random = createRandom(seed);
  const stack = await startStack({ visibilityTimeoutSeconds: 30, ingests, workers, environment: imageHeap });
  const apiUrlsFor = (number: number): readonly string[] =>
    number % twinOf === 0 ? stack.apiUrls : stack.apiUrls.filter((_, index) => index === number % ingests);
  try {
    const disturbance = createDisturbance(stack, random);
    const memory = watchMemory(stack, uploads);
    const progress = createProgress('uploads', uploads);
    const startedAt = performance.now();
    const numbers = new Map<string, number>();
    const milliseconds: number[] = [];
    const refused: string[] = [];
    let refusals = 0;
    await inParallel(uploads, clients, async (number) => {
      const { bytes } = await smallImage(seed, number);
      const id = imageIdOf(bytes);
      await disturbance.before(id);
      // Every other client does not wait for its thumbnails, so that a queue builds up.
      const wait = number % 2 === 0;
      const answers = await Promise.all(
        apiUrlsFor(number).map((apiUrl) =>
          postUntilTaken(`${apiUrl}/upload_image`, bytes, wait ? { Prefer: 'wait=20' } : {}),
        ),
      );
      for (const answer of answers) {
        refusals += answer.refusals.length;
        if (answer.status === 200 || answer.status === 202) numbers.set(id, number);
        else refused.push(`${id} ${answer.status} ${answer.body}`);
        if (!wait) milliseconds.push(answer.milliseconds);
      }
      await disturbance.after(id);
      progress(numbers.size);
    });
    const uploadSeconds = (performance.now() - startedAt) / 1000;
    await disturbance.flush();
    const isQuiet = await untilQuiet(stack, 60_000 + uploads * 50);
    const seconds = (performance.now() - startedAt) / 1000;
    const memoryFigures = memory.stop();

    const { records, ready, lost, surplus } = await outcomeOf(stack, [...numbers.keys()]);
    const sample = random.shuffled(records).slice(0, sampleSize);
    const damaged: string[] = [];
    for (const record of sample) {
      const number = numbers.get(record.id);
      if (number === undefined || !(await isIntact(stack, record, await smallImage(seed, number)))) {
        damaged.push(record.id);
      }
    }
    const made = (await readFile(stack.logFile, 'utf8')).split('thumbnails stored').length - 1;
    const inOrder = records.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
    const resizeCost = (part: 1 | 5): string =>
      median(fifth(inOrder, part).map(({ resizeMilliseconds = Number.NaN }) => resizeMilliseconds)).toFixed(
        0,
      );
    const answerCost = (part: 1 | 5): string => median(fifth(milliseconds, part)).toFixed(0);
    const wrong = [...refused, ...lost, ...surplus, ...damaged];
    if (wrong.length > 0) {
      const listed = wrong
        .slice(0, 10)
        .map((what) => `${what}, image ${numbers.get(what) ?? '?'} of the seed`);
      console.log(`${listed.join('\n')}\nThe log is kept in ${stack.logFile}`);
    }

    return [
      { name: 'uploads', value: uploads },
      {
        name: 'accepted',
        value: numbers.size,
        must: { be: String(uploads), holds: numbers.size === uploads },
      },
      zero('refused', refused.length),
      {
        name: `posted to ${ingests} ingest processes at the same moment`,
        value: ingests === 1 ? 0 : Math.ceil(uploads / twinOf),
      },
      { name: 'refused with 503 before', value: refusals },
      { name: 'events sent beside those of S3', value: disturbance.sent() },
      {
        name: 'records',
        value: records.length,
        must: { be: String(uploads), holds: records.length === uploads },
      },
      { name: 'ready', value: ready, must: { be: String(uploads), holds: ready === uploads } },
      zero('lost', lost.length),
      zero('surplus records and objects', surplus.length),
      { name: 'made once more, because two events came at the same time', value: made - ready },
      zero(`damaged or mixed up thumbnails among ${sample.length}`, damaged.length),
      { name: 'queue empty at the end', value: String(isQuiet), must: { be: 'true', holds: isQuiet } },
      zero('dead letters', await stack.aws.deadLetters()),
      zero('deaths of processes', stack.deaths().length),
      zero('log lines that leak', stack.leaks().length),
      ...memoryFigures,
      {
        name: 'peak memory of one process, MiB',
        value: Object.entries(stack.peaksMiB())
          .map(([name, peak]) => `${name} ${peak.toFixed(0)}`)
          .join(', '),
      },
      { name: 'uploads a second, until all were answered', value: (uploads / uploadSeconds).toFixed(1) },
      { name: 'images a second, until all were ready', value: (uploads / seconds).toFixed(1) },
      {
        name: 'reply without waiting, ms: p50, p95',
        value: `${median(milliseconds).toFixed(0)}, ${quantile(milliseconds, 0.95).toFixed(0)}`,
      },
      {
        name: 'reply, ms: median of the first and of the last fifth',
        value: `${answerCost(1)}, ${answerCost(5)}`,
      },
      {
        name: 'resize, ms: median of the first and of the last fifth',
        value: `${resizeCost(1)}, ${resizeCost(5)}`,
      },
    ];
  } finally {
    await stack.stop();
  }
};
