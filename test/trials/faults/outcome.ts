import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { AwsClients } from '../../local/aws-clients.ts';

/** The outcome of the accepted images. */
export interface Outcome {
  readonly ready: number;
  readonly problems: readonly string[];
}

const lookMilliseconds = 200;

/** Waits until a condition holds or the time is over. Requests to restarting services are retried. */
export const holds = async (condition: () => Promise<boolean>, milliseconds: number): Promise<boolean> => {
  for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(lookMilliseconds)) {
    if (await condition().catch(() => false)) return true;
  }
  return condition();
};

/** Waits until all images are ready and the queue is empty, then checks each thumbnail. */
export const outcomeOf = async (
  aws: AwsClients,
  ids: readonly string[],
  milliseconds: number,
): Promise<Outcome> => {
  const unfinished = new Set(ids);
  const problems: string[] = [];
  let ready = 0;

  const areEnded = async (): Promise<boolean> => {
    for (const id of unfinished) {
      if ((await aws.catalog.find(id))?.status !== 'ready') return false;
      unfinished.delete(id);
    }
    return true;
  };
  await holds(areEnded, milliseconds);
  for (const id of unfinished) {
    const record = await aws.catalog.find(id);
    if (record?.status !== 'ready') problems.push(`lost: ${id} is ${JSON.stringify(record ?? 'unknown')}`);
  }
  if (!(await holds(async () => (await aws.queued()) === 0, milliseconds))) {
    problems.push(`${await aws.queued()} messages stay in the queue`);
  }
  for (const id of ids) {
    const problem = await thumbnailProblem(aws, id);
    if (problem === undefined) ready += 1;
    else problems.push(problem);
  }
  return { ready, problems };
};

const thumbnailProblem = async (aws: AwsClients, id: string): Promise<string | undefined> => {
  const record = await aws.catalog.find(id);
  if (record?.status !== 'ready') return `${id} is not ready`;
  const thumbnails = Object.values(record.thumbnails);
  if (thumbnails.length === 0) return `${id} is ready without a thumbnail`;
  for (const { key, width, height, bytes } of thumbnails) {
    try {
      const stored = await aws.thumbnail(key);
      const { info } = await sharp(stored).raw().toBuffer({ resolveWithObject: true });
      if (info.width !== width || info.height !== height || stored.byteLength !== bytes)
        return `${key} differs from its record`;
    } catch (error) {
      return `${key} cannot be shown: ${error}`;
    }
  }
  return undefined;
};
