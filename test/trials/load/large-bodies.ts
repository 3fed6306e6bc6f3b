import { ingestContainerEnvironment } from '../../../containers/environment.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { writeVariables } from '../../../lambdas/runtime/environment.ts';
import { type Figure, zero } from '../report.ts';
import { startStack } from '../stack.ts';
import { type Answer, post, postUntilTaken } from './client.ts';
import { imageHeap } from './image-heap.ts';
import { largeImage } from './images.ts';
import { outcomeOf, untilQuiet } from './outcome.ts';

const maxInlineBytes = 32_000_000;
const maxBytesInHand = 100_000_000;
const connections = 12;

/**
 * The most memory that ingest may use: its own, and several copies of each byte that it holds. A byte is in
 * the chunk that arrived, in the buffer that it is copied to, and in memory that is not yet returned.
 */
const maxMiB = 160 + 4.5 * (maxBytesInHand / 2 ** 20);

const environment = {
  ...writeVariables(ingestContainerEnvironment, { maxInlineBytes, maxBytesInHand }),
  ...imageHeap,
};

/** Four times as many of the largest bodies as fit: memory stays bounded, and all are accepted at last. */
export const largeBodies = async (seed: number): Promise<readonly Figure[]> => {
  const stack = await startStack({ visibilityTimeoutSeconds: 60, environment });
  try {
    const url = `${stack.apiUrl}/upload_image`;
    const taken: string[] = [];
    const odd: Answer[] = [];
    let refusals = 0;
    await Promise.all(
      Array.from({ length: connections }, async (_, number) => {
        const image = await largeImage(seed, number);
        const answer = await postUntilTaken(url, image);
        refusals += answer.refusals.length;
        if (answer.status === 200 || answer.status === 202) taken.push(imageIdOf(image));
        else odd.push(answer);
      }),
    );
    const tooLarge = await post(url, Buffer.alloc(maxInlineBytes + 1, 'x'));
    const isQuiet = await untilQuiet(stack, 120_000);
    const { ready, lost } = await outcomeOf(stack, taken);
    const peakMiB = stack.peaksMiB()['ingest'] ?? Number.NaN;
    for (const answer of odd) console.log(JSON.stringify(answer));

    return [
      { name: 'simultaneous uploads of 32 MB', value: connections },
      { name: 'room for, bytes', value: maxBytesInHand },
      { name: 'refusals with 503', value: refusals, must: { be: 'some', holds: refusals > 0 } },
      {
        name: 'accepted at last, after retries',
        value: taken.length,
        must: { be: String(connections), holds: taken.length === connections },
      },
      { name: 'ready', value: ready, must: { be: 'as many as accepted', holds: ready === taken.length } },
      zero('lost', lost.length),
      {
        name: 'one byte above the limit',
        value: tooLarge.status,
        must: { be: '413', holds: tooLarge.status === 413 },
      },
      { name: 'queue empty at the end', value: String(isQuiet), must: { be: 'true', holds: isQuiet } },
      zero('dead letters', await stack.aws.deadLetters()),
      zero('deaths of processes', stack.deaths().length),
      zero('log lines that leak', stack.leaks().length),
      {
        name: 'peak memory of ingest, MiB',
        value: peakMiB.toFixed(0),
        must: { be: `at most ${maxMiB.toFixed(0)}`, holds: peakMiB <= maxMiB },
      },
    ];
  } finally {
    await stack.stop();
  }
};
