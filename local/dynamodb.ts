import { once } from 'node:events';
import { CreateTableCommand, DynamoDBClient, ResourceInUseException } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { catalogTable } from '../lambdas/image/record.ts';
import { region, resources } from './aws.ts';
import { endpointOf, host } from './ports.ts';

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

/** DynamoDB with the catalog's table, as the deployment makes it. */
export const startDynamoDB = async ({ port, directory }: DynamoDBProps): Promise<DynamoDB> => {
  const server = dynalite({ path: directory, createTableMs: 0 });
  // dynalite lets a request that breaks off end the whole process: what it listens to by now is taken from it.
  server.on('request', (request, response) => {
    request.removeAllListeners('error').on('error', () => response.destroy());
  });
  await once(server.listen(port, host), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('DynamoDB has no port.');
  const endpoint = endpointOf(address.port);
  await ensureTable(endpoint, resources.catalogTable);
  return {
    endpoint,
    catalogTableName: resources.catalogTable,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};

const ensureTable = async (endpoint: string, TableName: string): Promise<void> => {
  const client = new DynamoDBClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    // A developer's own AWS settings may ask for these; they exclude an endpoint of ours.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
  });
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
