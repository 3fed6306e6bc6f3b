import { setTimeout } from 'node:timers/promises';
import {
  DeleteItemCommand,
  DescribeTableCommand,
  GetItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { marshall } from '@aws-sdk/util-dynamodb';
import { catalogTable } from '../../../lambdas/aws/catalog-table.ts';
import { type ImageId, imageIdOf } from '../../../lambdas/image/id.ts';
import { originalKey, thumbnailPrefix } from '../../../lambdas/image/keys.ts';
import { describeAwsError } from '../aws-errors.ts';
import type { AwsClients } from './aws.ts';
import type { DeployedStack } from './deployed-stack.ts';
import { NotAsExpected } from './outcome.ts';
import type { UndoList } from './undo-list.ts';

/** The images that a run uploads. */
export interface OwnImages {
  /**
   * Registers an image before it is uploaded: its original, thumbnails and what the tables have of it are
   * removed in the end. @returns its id
   */
  add(image: Buffer): ImageId;
}

/** How long images that are being resized may delay the removal of all. */
const settleMilliseconds = 60_000;

export const createOwnImages = (
  { outputs, of }: Pick<DeployedStack, 'outputs' | 'of'>,
  { s3, dynamodb }: Pick<AwsClients, 's3' | 'dynamodb'>,
  { add: undoLater }: Pick<UndoList, 'add'>,
): OwnImages => {
  const ids = new Set<ImageId>();
  const { RawBucketName, ThumbnailBucketName, CatalogTableName } = outputs;
  /** Whatever the stack records of an image: its state, and requests for mail. */
  const tables = new Set([
    CatalogTableName,
    ...of('AWS::DynamoDB::Table').map(({ physicalId }) => physicalId),
  ]);
  const isStored = async (id: ImageId): Promise<boolean> => {
    try {
      await s3.send(new HeadObjectCommand({ Bucket: RawBucketName, Key: originalKey(id) }));
      return true;
    } catch (error) {
      if (describeAwsError(error).kind === 'not-found') return false;
      throw error;
    }
  };

  const isBeingResized = async (id: ImageId): Promise<boolean> => {
    const { Item } = await dynamodb.send(
      new GetItemCommand({
        TableName: CatalogTableName,
        Key: marshall({ [catalogTable.partitionKey]: id }),
        ConsistentRead: true,
      }),
    );
    return Item?.['status']?.S === 'received' && (await isStored(id));
  };

  /** A worker that finishes after the removal would store its thumbnails again. */
  let until: number | undefined;
  const hasSettled = async (id: ImageId): Promise<boolean> => {
    until ??= Date.now() + settleMilliseconds;
    while (await isBeingResized(id)) {
      if (Date.now() > until) return false;
      await setTimeout(500);
    }
    return true;
  };

  /** Removes all objects below a prefix, with their versions where the bucket keeps those. */
  const removeObjects = async (Bucket: string, Prefix: string): Promise<void> => {
    let next: ListObjectVersionsCommandOutput | undefined;
    do {
      next = await s3.send(
        new ListObjectVersionsCommand({
          Bucket,
          Prefix,
          KeyMarker: next?.NextKeyMarker,
          VersionIdMarker: next?.NextVersionIdMarker,
        }),
      );
      const found = [...(next.Versions ?? []), ...(next.DeleteMarkers ?? [])];
      const Objects = found.map(({ Key, VersionId }) => ({ Key, VersionId }));
      if (Objects.length === 0) return;
      const { Errors: [refused] = [] } = await s3.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects } }),
      );
      if (refused !== undefined) throw new NotAsExpected(`${refused.Key}: ${refused.Message}.`);
    } while (next.IsTruncated);
  };

  const keysOf = async (TableName: string): Promise<readonly string[]> => {
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
    return (Table?.KeySchema ?? []).flatMap(({ AttributeName }) => AttributeName ?? []);
  };

  /** Removes the items of an image from a table, whatever its sort key is. */
  const removeItems = async (TableName: string, id: ImageId): Promise<void> => {
    const names = await keysOf(TableName);
    // Mail also counts the recipients of an image, under another key.
    for (const partition of [id, `recipients#${id}`]) {
      const pages = paginateQuery(
        { client: dynamodb },
        {
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: '#partition = :partition',
          ExpressionAttributeNames: { '#partition': names[0] ?? '' },
          ExpressionAttributeValues: marshall({ ':partition': partition }),
        },
      );
      for await (const { Items = [] } of pages) {
        for (const item of Items) {
          const Key = Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
          await dynamodb.send(new DeleteItemCommand({ TableName, Key }));
        }
      }
    }
  };

  const remove = async (id: ImageId): Promise<void> => {
    await removeObjects(RawBucketName, originalKey(id));
    await removeObjects(ThumbnailBucketName, `${thumbnailPrefix}${id}/`);
    for (const table of tables) await removeItems(table, id);
  };

  return {
    add(image) {
      const id = imageIdOf(image);
      if (ids.has(id)) return id;
      ids.add(id);
      undoLater(`the image ${id}`, async () => {
        const isSettled = await hasSettled(id);
        await remove(id);
        if (isSettled) return;
        throw new NotAsExpected('It is still being resized: its thumbnails may be stored again.');
      });
      return id;
    },
  };
};
