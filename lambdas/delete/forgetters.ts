import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import { createStoredObjects } from '../aws/stored-objects.ts';
import { createMailForgetter } from '../notify/mail-forgetter.ts';
import { createOwnersForgetter } from '../owners/owners-forgetter.ts';
import type { Forgetter } from '../runtime/forgetter.ts';
import type { DeleteEnvironment } from './environment.ts';
import { createObjectsForgetter } from './objects.ts';

/** Everything that keeps data about images, besides the catalog. */
export const createForgetters = (
  { rawBucket, thumbnailBucket, ownersTable, mailRequestsTable }: DeleteEnvironment,
  s3: S3Client,
  dynamodb: DynamoDBClient,
): readonly Forgetter[] => [
  createObjectsForgetter(createStoredObjects(s3, rawBucket), createStoredObjects(s3, thumbnailBucket)),
  ...(ownersTable === undefined ? [] : [createOwnersForgetter(ownersTable, dynamodb)]),
  ...(mailRequestsTable === undefined
    ? []
    : [createMailForgetter(mailRequestsTable, dynamodb, ownersTable !== undefined)]),
];
