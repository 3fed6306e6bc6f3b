import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Forgetter } from '../runtime/forgetter.ts';
import { createMailRequests } from './mail-requests.ts';

/** Forgets who asked for a mail about an image. */
export const createMailForgetter = (tableName: string, dynamodb: DynamoDBClient): Forgetter => {
  const mailRequests = createMailRequests(tableName, dynamodb);
  return { forget: mailRequests.removeAll };
};
