import { paginateScan } from '@aws-sdk/client-dynamodb';
import { HeadObjectCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { isDeletion } from '../../../lambdas/image/deletion.ts';
import { arrivalPrefix, originalKey } from '../../../lambdas/image/keys.ts';
import { countsFor, createOwnerships } from '../../../lambdas/owners/ownerships.ts';
import { deadLetterQueueOf, resources } from '../../../local/aws.ts';
import type { AwsClients } from '../../local/aws-clients.ts';
import { listAll } from './list.ts';
import { type Change, type Ending, endingsOf } from './model.ts';

export interface TrialOwner {
  readonly owner: string;
  readonly token: string;
}

export interface StoresProps {
  readonly aws: AwsClients;
  readonly s3: S3Client;
  readonly apiUrl: string;
  readonly ids: readonly string[];
  /** Who the callers are. @default - anonymous */
  readonly owners?: readonly TrialOwner[] | undefined;
  /** What happened to each image of each owner. */
  readonly changes: readonly (readonly (readonly Change[])[])[];
}

export interface StoresResult {
  readonly endings: Readonly<Record<Ending, number>>;
  /** How many images their owners have, each counted for each of its owners. */
  readonly owned: number;
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
export const isQuiet = async ({ aws, ids, owners }: Omit<StoresProps, 'changes'>): Promise<boolean> => {
  for (const queue of queues) {
    const { waiting, inFlight } = await aws.messagesOf(queue);
    if (waiting + inFlight > 0) return false;
  }
  const ownerships = createOwnerships(resources.ownersTable, aws.dynamodb);
  for (const id of ids) {
    if ((await endingOf(aws, id)) === undefined) return false;
    const record = await aws.catalog.find(id);
    // The image of an upload that was killed is examined a minute later.
    if (owners && record && !(await ownerships.isOwned(record))) return false;
  }
  return true;
};

/** Compares both buckets, all tables and queues with each other, and with how the images may end. */
export const checkStores = async (props: StoresProps): Promise<StoresResult> => {
  const { aws, s3, apiUrl, ids, owners, changes } = props;
  const problems: string[] = [];
  const found: Record<Ending, number> = { ready: 0, deleted: 0, unknown: 0 };
  const expected = {
    [resources.rawBucket]: new Set<string>(),
    [resources.thumbnailBucket]: new Set<string>(),
  };
  const live = new Set<string>();
  const ownerships = createOwnerships(resources.ownersTable, aws.dynamodb);
  /** What each owner has, by the stores. */
  const owned = (owners ?? []).map(() => new Set<string>());

  for (const [image, id] of ids.entries()) {
    const state = await aws.catalog.state(id);
    const ending = await endingOf(aws, id);
    const allowed = (changes[image] ?? []).map(endingsOf);
    if (ending === undefined) problems.push(`${id} is unfinished: ${JSON.stringify(state)}`);
    else found[ending] += 1;
    const record = state === undefined || isDeletion(state) ? undefined : state;
    for (const [index, endings] of allowed.entries()) {
      const owner = owners?.[index]?.owner;
      const ownership = owner === undefined ? undefined : await ownerships.find(id, owner);
      const isOwned =
        record !== undefined && (owner === undefined || (ownership && countsFor(ownership, record)));
      if (isOwned) owned[index]?.add(id);
      if (isOwned && ownership?.expiresAtSeconds !== undefined) {
        problems.push(`owner ${index} loses ${id} later: ${JSON.stringify(ownership)}`);
      }
      if (isOwned ? !endings.has('ready') : !endings.has('deleted') && !endings.has('unknown')) {
        problems.push(
          `owner ${index} ${isOwned ? 'has' : 'does not have'} ${id}, which is ${JSON.stringify(state)}; ` +
            `ownership ${JSON.stringify(ownership)}; last changes ${JSON.stringify(changes[image]?.[index]?.slice(-4))}`,
        );
      }
    }
    if (record === undefined) continue;
    live.add(id);
    expected[resources.rawBucket].add(originalKey(id));
    for (const { key } of Object.values(record.thumbnails)) expected[resources.thumbnailBucket].add(key);
    if (owners && !owned.some((all) => all.has(id))) problems.push(`${id} is left without an owner`);
  }

  for (const [bucket, keys] of Object.entries(expected)) {
    const stored = await keysOf(s3, bucket);
    for (const key of stored) {
      if (keys.has(key) || (await isEmptyArrival(s3, bucket, key))) continue;
      problems.push(`left over: ${bucket}/${key}`);
    }
    problems.push(...[...keys].filter((key) => !stored.has(key)).map((key) => `missing: ${bucket}/${key}`));
  }
  for (const item of await itemsOf(aws, resources.catalogTable)) {
    if (!ids.includes(String(item['id']))) problems.push(`a record of no image: ${JSON.stringify(item)}`);
  }
  for (const item of await itemsOf(aws, resources.ownersTable)) {
    // An announcement and an interrupted upload end by themselves.
    const isLeft = item['expiresAtSeconds'] === undefined && !live.has(String(item['imageId']));
    if (isLeft) problems.push(`an ownership is left over: ${JSON.stringify(item)}`);
  }
  for (const item of await itemsOf(aws, resources.mailRequestsTable)) {
    const text = JSON.stringify(item);
    // Requests of a presigned upload that never arrived end by themselves.
    const isUnproven = item['uploadId'] !== undefined || text.includes('uploads#');
    if (owners && isUnproven) continue;
    if (![...live].some((id) => text.includes(id))) problems.push(`a mail request is left over: ${text}`);
  }
  for (const queue of queues) {
    const dead = await aws.messagesOf(deadLetterQueueOf(queue));
    if (dead.waiting + dead.inFlight > 0) problems.push(`${dead.waiting} dead letters of ${queue}`);
  }
  for (const [index, { token }] of (owners ?? []).entries()) {
    const listed = [...(await listAll(apiUrl, token))].sort();
    const all = [...(owned[index] ?? [])].sort();
    if (listed.join() !== all.join()) problems.push(`owner ${index} lists ${listed}, and has ${all}`);
  }
  return { endings: found, owned: owned.reduce((sum, { size }) => sum + size, 0), problems };
};

/** A received arrival stays for a day as an empty object, so that S3 refuses a replay. */
const isEmptyArrival = async (s3: S3Client, Bucket: string, Key: string): Promise<boolean> => {
  if (!Key.startsWith(arrivalPrefix)) return false;
  return (await s3.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength === 0;
};

/** The keys of a bucket, those of old versions and markers included. */
const keysOf = async (s3: S3Client, Bucket: string): Promise<ReadonlySet<string>> => {
  const keys = new Set<string>();
  let next: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {};
  while (next !== undefined) {
    const page: Awaited<ReturnType<typeof versionsOf>> = await versionsOf(s3, Bucket, next);
    for (const { Key = '' } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) keys.add(Key);
    next = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
      : undefined;
  }
  return keys;
};

const versionsOf = (s3: S3Client, Bucket: string, from: { KeyMarker?: string; VersionIdMarker?: string }) =>
  s3.send(new ListObjectVersionsCommand({ Bucket, ...from }));

const itemsOf = async ({ dynamodb }: AwsClients, TableName: string) => {
  const items: Record<string, unknown>[] = [];
  for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName })) {
    items.push(...Items.map((item) => unmarshall(item)));
  }
  return items;
};
