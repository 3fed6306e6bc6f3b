import { readdir } from 'node:fs/promises';
import { ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb';
import { resources } from '../../../local/aws.ts';
import { until } from '../../local/local-run.ts';
import type { Stack } from '../stack.ts';

const drainMilliseconds = 180_000;

/** The leftovers of a run. */
export interface Leftovers {
  readonly queued: number;
  readonly deadLetters: number;
  /** Ids of images that were never settled. */
  readonly received: readonly string[];
  /** Names of temporary files that were not removed. */
  readonly files: readonly string[];
}

/** Waits until the queue is drained, and then counts the leftovers. */
export const findLeftovers = async ({ aws, folder }: Stack): Promise<Leftovers> => {
  try {
    await until('an empty queue', async () => (await aws.queued()) === 0 || undefined, drainMilliseconds);
  } catch {
    // Reported as a figure.
  }
  return {
    queued: await aws.queued(),
    deadLetters: await aws.deadLetters(),
    received: await receivedIds(aws),
    files: (await readdir(folder)).filter((name) => name !== '.local'),
  };
};

const receivedIds = async ({ dynamodb }: Stack['aws']): Promise<readonly string[]> => {
  const ids: string[] = [];
  let page: ScanCommandOutput | undefined;
  do {
    page = await dynamodb.send(
      new ScanCommand({
        TableName: resources.catalogTable,
        FilterExpression: '#status = :received',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':received': { S: 'received' } },
        ExclusiveStartKey: page?.LastEvaluatedKey,
      }),
    );
    ids.push(...(page.Items ?? []).map((item) => item['id']?.S ?? ''));
  } while (page.LastEvaluatedKey !== undefined);
  return ids;
};
