import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Forgetter } from '../runtime/forgetter.ts';
import { createOwnerships } from './ownerships.ts';

/** Forgets who owned an image. */
export const createOwnersForgetter = (tableName: string, dynamodb: DynamoDBClient): Forgetter => {
  const ownerships = createOwnerships(tableName, dynamodb);
  return { forget: ownerships.forget };
};
