import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createS3Client } from '../../../lambdas/aws/clients.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { originalKey } from '../../../lambdas/image/keys.ts';
import { resources } from '../../../local/aws.ts';
import { endpointOf } from '../../../local/ports.ts';
import { createdMessage } from '../../events.ts';
import { corruptJpeg } from '../../images.ts';
import { accountOf } from '../../local/aws-clients.ts';
import type { Random } from '../random.ts';
import { type Stack, startStack } from '../stack.ts';
import { freshImage, type Upload, uploadUntilAccepted } from './client.ts';
import { queuesOf } from './dead-letters.ts';
import { holds, outcomeOf } from './outcome.ts';

/** Poison becomes a dead letter after five receives, one every two seconds. */
const visibilityTimeoutSeconds = 2;
const endMilliseconds = 60_000;

const neighbours = 24;
const pauseMilliseconds = 500;
/** How much longer a neighbour may take than without poison: almost nothing on an idle machine. */
const graceMilliseconds = 3000;

export interface PoisonResult {
  readonly uploads: readonly Upload[];
  readonly ready: number;
  readonly expectedDeadLetters: number;
  readonly foundDeadLetters: number;
  /** The longest that a neighbour waited for its thumbnail, without and with poison in the queue. */
  readonly slowestMilliseconds: { readonly without: number; readonly with: number };
  readonly deaths: readonly string[];
  readonly leaks: readonly string[];
  readonly logFiles: readonly string[];
  readonly problems: readonly string[];
}

/** Mixes impossible work with ordinary uploads: it becomes dead letters, and the uploads are not slower. */
export const runPoison = async (random: Random): Promise<PoisonResult> => {
  const stack = await startStack({ visibilityTimeoutSeconds, workers: 1 });
  try {
    const queues = queuesOf(stack);

    // GIVEN the time of neighbours without poison
    await uploadNeighbours(stack, random, 2);
    const without = await uploadNeighbours(stack, random, neighbours);

    // WHEN
    const poison = [
      'not JSON',
      '{}',
      '[]',
      `{"Records":[{"eventName":"ObjectCreated:Put"}]} ${random.whole(0, 999_999)}`,
    ];
    for (const body of poison) await queues.send(body);
    const corrupt = await uploadCorrupt(stack, random);
    const exchanged = await storeUnderAnotherName(stack, random);
    await queues.send(createdMessage(originalKey(imageIdOf(random.bytes(8)))));
    const among = await uploadNeighbours(stack, random, neighbours);

    // THEN
    const uploads = [...without, ...among];
    const ids = uploads.flatMap(({ id }) => (id === undefined ? [] : [id]));
    const { ready, problems } = await outcomeOf(stack.aws, ids, endMilliseconds);
    const areDead = async () => (await stack.aws.deadLetters()) >= poison.length;
    await holds(areDead, endMilliseconds);
    const deadLetters = await queues.takeDeadLetters();
    const slowestMilliseconds = { without: slowest(without), with: slowest(among) };
    return {
      uploads,
      ready,
      expectedDeadLetters: poison.length,
      foundDeadLetters: deadLetters.length,
      slowestMilliseconds,
      deaths: stack.deaths().map(({ name, how }) => `${name}: ${how}`),
      leaks: stack.leaks(),
      logFiles: [stack.logFile],
      problems: [
        ...problems,
        ...uploads.flatMap((each) => each.problems),
        ...(await failureProblems(stack, corrupt, 'image-corrupt')),
        ...(await failureProblems(stack, exchanged, 'checksum-mismatch')),
        ...missing(poison, deadLetters).map((body) => `not among the dead letters: ${body}`),
        ...missing(deadLetters, poison).map((body) => `a dead letter that is not poison: ${body}`),
        ...(slowestMilliseconds.with > slowestMilliseconds.without + graceMilliseconds
          ? ['poison delayed its neighbours']
          : []),
      ],
    };
  } finally {
    await stack.stop();
  }
};

const slowest = (uploads: readonly Upload[]): number =>
  Math.round(Math.max(...uploads.map(({ milliseconds }) => milliseconds)));

/** Items that one list contains more often than the other. */
const missing = (wanted: readonly string[], found: readonly string[]): readonly string[] => {
  const rest = [...found];
  return wanted.filter((each) => {
    const index = rest.indexOf(each);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
};

/** Uploads one after the other, each of which waits for its thumbnail. */
const uploadNeighbours = async (
  { apiUrl }: Stack,
  random: Random,
  count: number,
): Promise<readonly Upload[]> => {
  const uploads: Promise<Upload>[] = [];
  for (let done = 0; done < count; done += 1) {
    uploads.push(uploadUntilAccepted({ apiUrl, image: await freshImage(random), waits: true }));
    await sleep(pauseMilliseconds);
  }
  return Promise.all(uploads);
};

const uploadCorrupt = async ({ apiUrl }: Stack, random: Random): Promise<string> => {
  const image = Buffer.concat([corruptJpeg(), random.bytes(8)]);
  const { id } = await uploadUntilAccepted({ apiUrl, image });
  return id ?? '';
};

/** An original whose bytes do not match its name, which cannot come through the API. */
const storeUnderAnotherName = async (stack: Stack, random: Random): Promise<string> => {
  const { aws, ports } = stack;
  const announced = await freshImage(random);
  const id = imageIdOf(announced);
  await aws.catalog.receive(id, { bytes: announced.byteLength }, new Date());
  const s3 = createS3Client({ ...accountOf(stack), endpoint: endpointOf(ports.s3), forcePathStyle: true });
  await s3.send(
    new PutObjectCommand({
      Bucket: resources.rawBucket,
      Key: originalKey(id),
      Body: await freshImage(random),
    }),
  );
  return id;
};

const failureProblems = async ({ aws }: Stack, id: string, code: string): Promise<readonly string[]> => {
  const isEnded = async () => (await aws.catalog.find(id))?.status === 'failed';
  await holds(isEnded, endMilliseconds);
  const { status, error } = (await aws.catalog.find(id)) ?? {};
  return status === 'failed' && error?.code === code
    ? []
    : [`${id} should have failed with ${code}, but is ${status} with ${error?.code}`];
};
