import { setTimeout } from 'node:timers/promises';
import { DeleteItemCommand, GetItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { catalogTable } from '../../../lambdas/aws/catalog-table.ts';
import { type ImageId, imageIdOf } from '../../../lambdas/image/id.ts';
import { originalKey, thumbnailPrefix } from '../../../lambdas/image/keys.ts';
import { mailRequestsTable } from '../../../lambdas/notify/mail-request.ts';
import { describeAwsError } from '../aws-errors.ts';
import type { AwsClients } from './aws.ts';
import type { StackOutputs } from './deployed-stack.ts';
import { NotAsExpected } from './outcome.ts';
import type { UndoList } from './undo-list.ts';

/** The images that a run uploads. */
export interface OwnImages {
  /**
   * Registers an image before it is uploaded: its original, thumbnails, catalog record and mail requests are
   * removed in the end. @returns its id
   */
  add(image: Buffer): ImageId;
}

/** How long images that are being resized may delay the removal of all. */
const settleMilliseconds = 60_000;

export const createOwnImages = (
  outputs: StackOutputs,
  { s3, dynamodb }: Pick<AwsClients, 's3' | 'dynamodb'>,
  { add: undoLater }: Pick<UndoList, 'add'>,
): OwnImages => {
  const ids = new Set<ImageId>();
  const { RawBucketName, ThumbnailBucketName, CatalogTableName, MailRequestsTableName } = outputs;
  const catalogItem = (id: ImageId) => ({
    TableName: CatalogTableName,
    Key: marshall({ [catalogTable.partitionKey]: id }),
  });

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
    const { Item } = await dynamodb.send(new GetItemCommand({ ...catalogItem(id), ConsistentRead: true }));
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

  const removeMailRequests = async (TableName: string, id: ImageId): Promise<void> => {
    const { partitionKey, sortKey } = mailRequestsTable;
    // Its requests, and the digests of its recipients.
    for (const partition of [id, `recipients#${id}`]) {
      const pages = paginateQuery(
        { client: dynamodb },
        {
          TableName,
          KeyConditionExpression: '#partition = :partition',
          ExpressionAttributeNames: { '#partition': partitionKey },
          ExpressionAttributeValues: marshall({ ':partition': partition }),
        },
      );
      for await (const { Items = [] } of pages) {
        for (const item of Items) {
          const { [partitionKey]: first, [sortKey]: second } = unmarshall(item);
          const Key = marshall({ [partitionKey]: first, [sortKey]: second });
          await dynamodb.send(new DeleteItemCommand({ TableName, Key }));
        }
      }
    }
  };

  const remove = async (id: ImageId): Promise<void> => {
    await removeObjects(RawBucketName, originalKey(id));
    await removeObjects(ThumbnailBucketName, `${thumbnailPrefix}${id}/`);
    await dynamodb.send(new DeleteItemCommand(catalogItem(id)));
    if (MailRequestsTableName !== undefined) await removeMailRequests(MailRequestsTableName, id);
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
