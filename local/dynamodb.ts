import { once } from 'node:events';
import { CreateTableCommand, DynamoDBClient, ResourceInUseException } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { catalogTable } from '../lambdas/image/record.ts';

export interface DynamoDBProps {
  /** 0 takes a free one. */
  readonly port: number;
  /** Where items are kept. @default - in memory */
  readonly directory?: string;
}

export interface DynamoDB {
  readonly endpoint: string;
  readonly catalogTableName: string;
  stop(): Promise<void>;
}

const host = '127.0.0.1';

/** DynamoDB with the catalog's table, as the deployment makes it. */
export const startDynamoDB = async ({ port, directory }: DynamoDBProps): Promise<DynamoDB> => {
  const server = dynalite({ path: directory, createTableMs: 0 });
  await once(server.listen(port, host), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('DynamoDB has no port.');
  const endpoint = `http://${host}:${address.port}`;
  await ensureTable(endpoint, 'catalog');
  return {
    endpoint,
    catalogTableName: 'catalog',
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};

const ensureTable = async (endpoint: string, TableName: string): Promise<void> => {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  const { partitionKey, waitingIndex } = catalogTable;
  const keyAttributes = [partitionKey, waitingIndex.partitionKey, waitingIndex.sortKey];
  try {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: keyAttributes.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [{ AttributeName: partitionKey, KeyType: 'HASH' }],
        GlobalSecondaryIndexes: [
          {
            IndexName: waitingIndex.name,
            KeySchema: [
              { AttributeName: waitingIndex.partitionKey, KeyType: 'HASH' },
              { AttributeName: waitingIndex.sortKey, KeyType: 'RANGE' },
            ],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  } finally {
    client.destroy();
  }
};
