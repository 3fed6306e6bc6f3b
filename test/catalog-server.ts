import { once } from 'node:events';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { catalogTable } from '../lambdas/image/record.ts';

/** A DynamoDB of this process, with an empty catalog table in it. */
export const startCatalogServer = async () => {
  const server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('dynalite has no port');
  const endpoint = `http://127.0.0.1:${address.port}`;
  const credentials = { accessKeyId: 'EXAMPLE', secretAccessKey: 'example' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-2', credentials });
  const { partitionKey, waitingIndex } = catalogTable;
  const keyed = (hash: string, range?: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    ...(range === undefined ? [] : [{ AttributeName: range, KeyType: 'RANGE' as const }]),
  ];
  await client.send(
    new CreateTableCommand({
      TableName: 'catalog',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [partitionKey, waitingIndex.partitionKey, waitingIndex.sortKey].map(
        (AttributeName) => ({
          AttributeName,
          AttributeType: 'S' as const,
        }),
      ),
      KeySchema: keyed(partitionKey),
      GlobalSecondaryIndexes: [
        {
          IndexName: waitingIndex.name,
          KeySchema: keyed(waitingIndex.partitionKey, waitingIndex.sortKey),
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  const stop = async (): Promise<void> => {
    client.destroy();
    server.close();
    await once(server, 'close');
  };
  return { endpoint, client, tableName: 'catalog', stop };
};
