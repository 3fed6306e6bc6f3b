import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Forgetter } from '../runtime/forgetter.ts';
import { createMailRequests } from './mail-requests.ts';

/**
 * Forgets who asked for a mail about an image.
 *
 * @param areCallersKnown whether a presigned upload can still make an image of its caller after the image of
 *   others was deleted. Its requests are then left to expire: missing mails would show that others had it
 */
export const createMailForgetter = (
  tableName: string,
  dynamodb: DynamoDBClient,
  areCallersKnown: boolean,
): Forgetter => {
  const { removeProven, removeUnproven } = createMailRequests(tableName, dynamodb);
  return {
    async forget(id, stopping) {
      await removeProven(id, stopping);
      if (!areCallersKnown) await removeUnproven(id, stopping);
    },
  };
};
