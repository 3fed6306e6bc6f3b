import { ingestContainerEnvironment } from '../../../containers/environment.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { writeVariables } from '../../../lambdas/runtime/environment.ts';
import { type Figure, zero } from '../report.ts';
import { startStack } from '../stack.ts';
import { type Answer, post, postUntilTaken } from './client.ts';
import { megabyteImages } from './images.ts';
import { outcomeOf, untilQuiet } from './outcome.ts';
import { quantile } from './statistics.ts';

export interface FloodProps {
  readonly connections: number;
  readonly seed: number;
}

/** Bytes that ingest may hold at a time: a fraction of the load. */
const maxBytesInHand = 8_000_000;

/** A refusal costs almost nothing; on a machine that floods itself it may take this long. */
const refusalSeconds = 5;

/** Far more simultaneous uploads than fit: each is accepted, or quickly refused with `Retry-After`. */
export const flood = async ({ connections, seed }: FloodProps): Promise<readonly Figure[]> => {
  const images = await megabyteImages(seed, connections);
  const stack = await startStack({
    visibilityTimeoutSeconds: 30,
    environment: writeVariables(ingestContainerEnvironment, { maxBytesInHand }),
  });
  try {
    const url = `${stack.apiUrl}/upload_image`;
    const broken: string[] = [];
    const odd: Answer[] = [];
    const taken: string[] = [];
    const firstRefusals: Answer[] = [];
    let comeAgain = 0;

    await Promise.all(
      images.map(async (image) => {
        try {
          const { refusals, ...answer } = await postUntilTaken(url, image);
          const [first] = refusals;
          if (first !== undefined) firstRefusals.push(first);
          comeAgain += refusals.length;
          if (answer.status === 200 || answer.status === 202) taken.push(imageIdOf(image));
          else odd.push(answer);
        } catch (error) {
          broken.push(String(error));
        }
      }),
    );
    const isQuiet = await untilQuiet(stack, 60_000 + connections * 500);
    const { ready, lost, surplus } = await outcomeOf(stack, taken);
    const isCoded = firstRefusals.every(({ body }) => body.includes('"code":"overloaded"'));
    const afterwards = await post(url, images[0] ?? Buffer.alloc(0));
    const waits = firstRefusals.map(({ milliseconds }) => milliseconds);
    for (const line of [...broken, ...odd.map((answer) => JSON.stringify(answer))].slice(0, 5))
      console.log(line);

    return [
      { name: 'simultaneous uploads of a megabyte', value: connections },
      { name: 'room for, bytes', value: maxBytesInHand },
      {
        name: 'refused at first, with 503, Retry-After and the code',
        value: firstRefusals.length,
        must: { be: 'some', holds: firstRefusals.length > 0 && isCoded },
      },
      {
        name: 'accepted at last, after retries',
        value: taken.length,
        must: { be: String(connections), holds: taken.length === connections },
      },
      { name: 'refusals in all', value: comeAgain },
      zero('connections that broke without a reply', broken.length),
      zero('replies other than 2xx and 503 with Retry-After', odd.length),
      {
        name: 'refusal, ms: p50, p95, longest',
        value: [0.5, 0.95, 1].map((part) => quantile(waits, part).toFixed(0)).join(', '),
        must: {
          be: `p95 under ${refusalSeconds} s`,
          holds: quantile(waits, 0.95) < refusalSeconds * 1000,
        },
      },
      { name: 'ready', value: ready, must: { be: 'as many as accepted', holds: ready === taken.length } },
      zero('lost', lost.length),
      zero('surplus records and objects', surplus.length),
      { name: 'queue empty at the end', value: String(isQuiet), must: { be: 'true', holds: isQuiet } },
      zero('dead letters', await stack.aws.deadLetters()),
      zero('deaths of processes', stack.deaths().length),
      zero('log lines that leak', stack.leaks().length),
      {
        name: 'an upload afterwards',
        value: afterwards.status,
        must: { be: '200', holds: afterwards.status === 200 },
      },
      { name: 'peak memory of ingest, MiB', value: (stack.peaksMiB()['ingest'] ?? 0).toFixed(0) },
    ];
  } finally {
    await stack.stop();
  }
};
