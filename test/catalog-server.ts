import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startDynamoDB } from '../local/dynamodb.ts';

const credentials = { accessKeyId: 'EXAMPLE', secretAccessKey: 'example' };

/** A DynamoDB of this process, with an empty catalog and no mail requests in it, and a client of it. */
export const startCatalogServer = async () => {
  const { endpoint, catalogTableName, mailRequestsTableName, stop } = await startDynamoDB({
    port: 0,
    guard: { credentials, origins: [] },
  });
  const client = new DynamoDBClient({ endpoint, region: 'us-east-2', credentials });
  return { endpoint, credentials, tableName: catalogTableName, mailRequestsTableName, client, stop };
};
