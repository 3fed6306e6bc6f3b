import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startDynamoDB } from '../local/emulators/dynamodb.ts';

const credentials = { accessKeyId: 'EXAMPLE', secretAccessKey: 'example' };

/** A DynamoDB emulator in this process, with empty tables, and a client. */
export const startCatalogServer = async () => {
  const { endpoint, catalogTableName, mailRequestsTableName, admissionTableName, ownersTableName, stop } =
    await startDynamoDB({
      port: 0,
      guard: { credentials, origins: [] },
    });
  const client = new DynamoDBClient({ endpoint, region: 'us-east-2', credentials });
  const tables = { tableName: catalogTableName, mailRequestsTableName, admissionTableName, ownersTableName };
  return { endpoint, credentials, ...tables, client, stop };
};
