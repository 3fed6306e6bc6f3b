import {
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { createOwnImages } from '../../../../bin/commands/verify/own-images.ts';
import { createUndoList } from '../../../../bin/commands/verify/undo-list.ts';
import { imageIdOf } from '../../../../lambdas/image/id.ts';
import { createContext } from './context.ts';

const s3 = mockClient(S3Client);
const dynamodb = mockClient(DynamoDBClient);

const image = Buffer.from('an image');
const id = imageIdOf(image);
const raw = { Bucket: 'raw', Prefix: `raw/${id}` };

/** Registers the image, and removes it. @returns what could not be removed */
const remove = (): Promise<readonly string[]> => {
  const { stack, aws } = createContext({
    resources: ['catalog', 'mails'].map((physicalId) => ({
      type: 'AWS::DynamoDB::Table',
      physicalId,
      properties: {},
    })),
  });
  const undoList = createUndoList();
  const images = createOwnImages(stack, aws, undoList);
  expect(images.add(image)).toBe(id);
  images.add(image);
  return undoList.undoAll();
};

beforeEach(() => {
  s3.reset();
  dynamodb.reset();
  s3.on(ListObjectVersionsCommand).resolves({});
  s3.on(DeleteObjectsCommand).resolves({});
  dynamodb.on(GetItemCommand).resolves({});
  dynamodb.on(DeleteItemCommand).resolves({});
  dynamodb.on(QueryCommand).resolves({});
  dynamodb
    .on(DescribeTableCommand, { TableName: 'catalog' })
    .resolves({ Table: { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] } })
    .on(DescribeTableCommand, { TableName: 'mails' })
    .resolves({
      Table: {
        KeySchema: [
          { AttributeName: 'imageId', KeyType: 'HASH' },
          { AttributeName: 'recipient', KeyType: 'RANGE' },
        ],
      },
    });
});

test('removes every version of original and thumbnails', async () => {
  // GIVEN a bucket that keeps versions, whose list has two pages
  s3.on(ListObjectVersionsCommand, raw).resolves({
    Versions: [{ Key: raw.Prefix, VersionId: 'v1' }],
    IsTruncated: true,
    NextKeyMarker: raw.Prefix,
    NextVersionIdMarker: 'v1',
  });
  s3.on(ListObjectVersionsCommand, { ...raw, VersionIdMarker: 'v1' }).resolves({
    DeleteMarkers: [{ Key: raw.Prefix, VersionId: 'v2' }],
  });

  // WHEN the image is removed
  expect(await remove()).toEqual([]);

  // THEN each is deleted by its version
  expect(s3.commandCalls(DeleteObjectsCommand).map(({ args }) => args[0].input)).toEqual([
    { Bucket: 'raw', Delete: { Objects: [{ Key: raw.Prefix, VersionId: 'v1' }] } },
    { Bucket: 'raw', Delete: { Objects: [{ Key: raw.Prefix, VersionId: 'v2' }] } },
  ]);
  expect(s3.commandCalls(ListObjectVersionsCommand).at(-1)?.args[0].input).toMatchObject({
    Bucket: 'thumbnails',
    Prefix: `thumbnails/${id}/`,
  });
});

test('waits for a worker that has the image, so that it stores no thumbnails later', async () => {
  dynamodb
    .on(GetItemCommand)
    .resolvesOnce({ Item: { status: { S: 'received' } } })
    .resolves({ Item: { status: { S: 'ready' } } });
  s3.on(HeadObjectCommand).resolves({});
  expect(await remove()).toEqual([]);
  expect(dynamodb.commandCalls(GetItemCommand)).toHaveLength(2);
});

test('does not wait for an image that was announced and never came', async () => {
  dynamodb.on(GetItemCommand).resolves({ Item: { status: { S: 'received' } } });
  s3.on(HeadObjectCommand).rejects(Object.assign(new Error('NotFound'), { name: 'NotFound' }));
  expect(await remove()).toEqual([]);
  expect(dynamodb.commandCalls(GetItemCommand)).toHaveLength(1);
});

test('removes what the tables have of the image, by the keys of each', async () => {
  const partition = (text: string) => ({ ExpressionAttributeValues: { ':partition': { S: text } } });
  dynamodb
    .on(QueryCommand, { TableName: 'catalog', ...partition(id) })
    .resolves({ Items: [{ id: { S: id }, status: { S: 'ready' } }] })
    .on(QueryCommand, { TableName: 'mails', ...partition(id) })
    .resolves({ Items: [{ imageId: { S: id }, recipient: { S: 'me@example.com' }, requestId: { S: '1' } }] })
    .on(QueryCommand, { TableName: 'mails', ...partition(`recipients#${id}`) })
    .resolves({ Items: [{ imageId: { S: `recipients#${id}` }, recipient: { S: '2026-11-29' } }] });
  expect(await remove()).toEqual([]);
  expect(dynamodb.commandCalls(DeleteItemCommand).map(({ args }) => args[0].input)).toEqual([
    { TableName: 'catalog', Key: { id: { S: id } } },
    { TableName: 'mails', Key: { imageId: { S: id }, recipient: { S: 'me@example.com' } } },
    { TableName: 'mails', Key: { imageId: { S: `recipients#${id}` }, recipient: { S: '2026-11-29' } } },
  ]);
});

test('says what it may not remove', async () => {
  s3.on(ListObjectVersionsCommand, raw).resolves({ Versions: [{ Key: raw.Prefix, VersionId: 'null' }] });
  s3.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: raw.Prefix, Message: 'Access Denied' }] });
  expect(await remove()).toEqual([`Could not remove the image ${id}. ${raw.Prefix}: Access Denied.`]);
});
