import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { isDeletion } from '../../../lambdas/image/deletion.ts';
import { originalKey } from '../../../lambdas/image/keys.ts';
import { deadLetterQueueOf, resources } from '../../../local/aws.ts';
import type { AwsClients } from '../../local/aws-clients.ts';
import type { Ending } from './model.ts';

export interface StoresProps {
  readonly aws: AwsClients;
  readonly s3: S3Client;
  readonly ids: readonly string[];
  /** How each image may end. */
  readonly endings: readonly ReadonlySet<Ending>[];
}

export interface StoresResult {
  readonly endings: Readonly<Record<Ending, number>>;
  readonly problems: readonly string[];
}

const queues = [resources.resizeQueue, resources.slowResizeQueue, resources.deleteQueue];

/** How an image is now; undefined while something is still to be done. */
const endingOf = async (aws: AwsClients, id: string): Promise<Ending | undefined> => {
  const state = await aws.catalog.state(id);
  if (state === undefined) return 'unknown';
  return state.status === 'ready' || state.status === 'deleted' ? state.status : undefined;
};

/** Whether nothing is left to do. A sweep that waits for its time counts as nothing. */
export const isQuiet = async (aws: AwsClients, ids: readonly string[]): Promise<boolean> => {
  for (const queue of queues) {
    const { waiting, inFlight } = await aws.messagesOf(queue);
    if (waiting + inFlight > 0) return false;
  }
  for (const id of ids) if ((await endingOf(aws, id)) === undefined) return false;
  return true;
};

/** Compares both buckets, all tables and queues with each other, and with how the images may end. */
export const checkStores = async ({ aws, s3, ids, endings }: StoresProps): Promise<StoresResult> => {
  const problems: string[] = [];
  const found: Record<Ending, number> = { ready: 0, deleted: 0, unknown: 0 };
  const expected = {
    [resources.rawBucket]: new Set<string>(),
    [resources.thumbnailBucket]: new Set<string>(),
  };
  const live = new Set<string>();

  for (const [index, id] of ids.entries()) {
    const state = await aws.catalog.state(id);
    const ending = await endingOf(aws, id);
    if (ending === undefined || !endings[index]?.has(ending)) {
      const allowed = [...(endings[index] ?? [])].join(' or ');
      problems.push(`${id} is ${JSON.stringify(state ?? 'unknown')}; it must be ${allowed}`);
    }
    if (ending !== undefined) found[ending] += 1;
    if (state === undefined || isDeletion(state)) continue;
    live.add(id);
    expected[resources.rawBucket].add(originalKey(id));
    for (const { key } of Object.values(state.thumbnails)) expected[resources.thumbnailBucket].add(key);
  }

  for (const [bucket, keys] of Object.entries(expected)) {
    const stored = await keysOf(s3, bucket);
    problems.push(...[...stored].filter((key) => !keys.has(key)).map((key) => `left over: ${bucket}/${key}`));
    problems.push(...[...keys].filter((key) => !stored.has(key)).map((key) => `missing: ${bucket}/${key}`));
  }
  for (const item of await itemsOf(aws, resources.catalogTable)) {
    if (!ids.includes(String(item['id']))) problems.push(`a record of no image: ${JSON.stringify(item)}`);
  }
  for (const item of await itemsOf(aws, resources.mailRequestsTable)) {
    const text = JSON.stringify(item);
    if (![...live].some((id) => text.includes(id))) problems.push(`a mail request is left over: ${text}`);
  }
  for (const queue of queues) {
    const dead = await aws.messagesOf(deadLetterQueueOf(queue));
    if (dead.waiting + dead.inFlight > 0) problems.push(`${dead.waiting} dead letters of ${queue}`);
  }
  return { endings: found, problems };
};

/** The keys of a bucket, those of old versions and markers included. */
const keysOf = async (s3: S3Client, Bucket: string): Promise<ReadonlySet<string>> => {
  const {
    Versions = [],
    DeleteMarkers = [],
    IsTruncated,
  } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  if (IsTruncated) throw new Error(`${Bucket} has more objects than one page.`);
  return new Set([...Versions, ...DeleteMarkers].map(({ Key = '' }) => Key));
};

const itemsOf = async ({ dynamodb }: AwsClients, TableName: string) => {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName }));
  return Items.map((item) => unmarshall(item));
};
