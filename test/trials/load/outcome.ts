import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import sharp from 'sharp';
import { originalKey } from '../../../lambdas/image/keys.ts';
import { type ImageRecord, recordSchema } from '../../../lambdas/image/record.ts';
import { resources } from '../../../local/aws.ts';
import { until } from '../../local/local-run.ts';
import type { Stack } from '../stack.ts';
import type { ColouredNoise } from './images.ts';

/** All records of the catalog. */
export const allRecords = async ({ aws }: Stack): Promise<readonly ImageRecord[]> => {
  const records: ImageRecord[] = [];
  let ExclusiveStartKey: ScanCommandOutput['LastEvaluatedKey'];
  do {
    const page: ScanCommandOutput = await aws.dynamodb.send(
      new ScanCommand({ TableName: resources.catalogTable, ConsistentRead: true, ExclusiveStartKey }),
    );
    records.push(...(page.Items ?? []).map((item) => recordSchema.parse(unmarshall(item))));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return records;
};

/** The suffix of the files in which the embedded S3 stores objects. */
const objectFile = /\._S3rver_object$/;

/** The keys of all objects of a bucket, from the disk: the embedded S3 cannot list. */
export const allKeys = async ({ folder, ports }: Stack, bucket: string): Promise<readonly string[]> => {
  const root = join(folder, '.local', String(ports.api), 's3', bucket);
  const files = await readdir(root, { recursive: true });
  return files.filter((file) => objectFile.test(file)).map((file) => file.replace(objectFile, ''));
};

/** Waits until the queue has been empty for a second. @returns whether that happened in time */
export const untilQuiet = async ({ aws }: Stack, milliseconds: number): Promise<boolean> => {
  let quietSince = Number.POSITIVE_INFINITY;
  try {
    await until(
      'an empty queue',
      async () => {
        const queued = await aws.queued();
        quietSince = queued === 0 ? Math.min(quietSince, Date.now()) : Number.POSITIVE_INFINITY;
        return Date.now() - quietSince > 1000 || undefined;
      },
      milliseconds,
    );
    return true;
  } catch {
    return false;
  }
};

export interface Outcome {
  readonly records: readonly ImageRecord[];
  readonly ready: number;
  /** Accepted uploads without a thumbnail, an original or a record that is `ready`. */
  readonly lost: readonly string[];
  /** Records and objects of no upload, and duplicates. */
  readonly surplus: readonly string[];
}

/** Compares what is stored with what was accepted. */
export const outcomeOf = async (stack: Stack, acceptedIds: readonly string[]): Promise<Outcome> => {
  const records = await allRecords(stack);
  const originals = await allKeys(stack, resources.rawBucket);
  const thumbnails = await allKeys(stack, resources.thumbnailBucket);
  const ready = records.filter(({ status }) => status === 'ready');
  const accepted = new Set(acceptedIds);
  const readyIds = new Set(ready.map(({ id }) => id));
  const originalKeys = new Set(originals);
  const thumbnailKeys = new Set(thumbnails);
  const keysOf = ({ thumbnails: stored }: ImageRecord) => Object.values(stored).map(({ key }) => key);
  const promised = new Set(ready.flatMap(keysOf));
  const broken = ready.filter((record) => {
    const keys = keysOf(record);
    return keys.length === 0 || keys.some((key) => !thumbnailKeys.has(key));
  });
  const wanted = new Set([...accepted].map(originalKey));
  return {
    records,
    ready: ready.length,
    lost: [
      ...[...accepted].filter((id) => !readyIds.has(id) || !originalKeys.has(originalKey(id))),
      ...broken.map(({ id }) => id),
    ],
    surplus: [
      ...records.filter(({ id }) => !accepted.has(id)).map(({ id }) => id),
      ...originals.filter((key) => !wanted.has(key)),
      ...thumbnails.filter((key) => !promised.has(key)),
    ],
  };
};

/** The largest change of a mean colour by the encoding as WebP. */
const colourTolerance = 8;

/** Whether the thumbnail of a record is complete and shows this image. */
export const isIntact = async (
  { aws }: Stack,
  record: ImageRecord,
  { width, height, colour }: ColouredNoise,
): Promise<boolean> => {
  const [stored] = Object.values(record.thumbnails);
  if (stored === undefined) return false;
  const thumbnail = Buffer.from(await aws.thumbnail(stored.key));
  const { format, width: shownWidth, height: shownHeight } = await sharp(thumbnail).metadata();
  // Decodes every pixel.
  const { channels } = await sharp(thumbnail, { failOn: 'warning' }).stats();
  return (
    format === 'webp' &&
    thumbnail.byteLength === stored.bytes &&
    shownWidth === width &&
    shownHeight === height &&
    colour.every((value, index) => Math.abs(value - (channels[index]?.mean ?? -999)) < colourTolerance)
  );
};
