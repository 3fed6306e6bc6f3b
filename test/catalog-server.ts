import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startDynamoDB } from '../local/emulators/dynamodb.ts';

const credentials = { accessKeyId: 'EXAMPLE', secretAccessKey: 'example' };

/** A DynamoDB emulator in this process, with empty tables, and a client. */
export const startCatalogServer = async () => {
  const { endpoint, catalogTableName, mailRequestsTableName, admissionTableName, stop } = await startDynamoDB(
    {
      port: 0,
      guard: { credentials, origins: [] },
    },
  );
  const client = new DynamoDBClient({ endpoint, region: 'us-east-2', credentials });
  /** Admission limits that no test reaches. */
  const admissionEnvironment = {
    ADMISSION_TABLE: admissionTableName,
    MAX_UPLOADS_PER_DAY: '100000',
    MAX_UPLOAD_BYTES_PER_DAY: '200000000000',
    MAX_WAITING_CALLERS: '100',
  };
  const tables = { tableName: catalogTableName, mailRequestsTableName, admissionTableName };
  return { endpoint, credentials, ...tables, admissionEnvironment, client, stop };
};
