import { once } from 'node:events';
import {
  type AttributeDefinition,
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { admissionTable } from '../../lambdas/aws/admission-table.ts';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import { mailRequestsTable } from '../../lambdas/notify/mail-request.ts';
import { ownersTable } from '../../lambdas/owners/owners-table.ts';
import { clientConfig, resources } from '../aws.ts';
import type { Credentials } from '../data-folder.ts';
import { endpointOf, host } from '../ports.ts';
import { closeServer } from './close.ts';
import type { Disk } from './disk.ts';
import { type Guard, ownRequestsOnly } from './own-requests-only.ts';
import { returnItemsOfFailedConditions } from './patches/dynalite-failed-conditions.ts';
import { surviveFailedWrites } from './patches/dynalite-full-disk.ts';
import { surviveLostConnections } from './patches/dynalite-lost-connections.ts';

export interface DynamoDBProps {
  /** With 0 the system chooses a free port. */
  readonly port: number;
  readonly guard: Guard;
  /** Where the items are kept. @default - in memory */
  readonly storage?: { readonly directory: string; readonly disk: Disk };
}

export interface DynamoDB {
  readonly endpoint: string;
  readonly catalogTableName: string;
  readonly mailRequestsTableName: string;
  readonly admissionTableName: string;
  readonly ownersTableName: string;
  stop(): Promise<void>;
}

/** DynamoDB with the tables that a deployment creates. */
export const startDynamoDB = async ({ port, storage, guard }: DynamoDBProps): Promise<DynamoDB> => {
  returnItemsOfFailedConditions();
  const protectServer = storage && surviveFailedWrites(storage.directory, storage.disk);
  const server = dynalite({ path: storage?.directory, createTableMs: 0 });
  surviveLostConnections(server);
  protectServer?.(server);
  ownRequestsOnly(server, guard);
  await once(server.listen(port, host), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('DynamoDB does not listen on a port.');
  const endpoint = endpointOf(address.port);
  await ensureTables(endpoint, guard.credentials);
  return {
    endpoint,
    catalogTableName: resources.catalogTable,
    mailRequestsTableName: resources.mailRequestsTable,
    admissionTableName: resources.admissionTable,
    ownersTableName: resources.ownersTable,
    stop: () => closeServer(server),
  };
};

/** The key of a table or an index. */
const keyOf = (partitionKey: string, sortKey: string): KeySchemaElement[] => [
  { AttributeName: partitionKey, KeyType: 'HASH' },
  { AttributeName: sortKey, KeyType: 'RANGE' },
];

const texts = (...names: readonly string[]): AttributeDefinition[] =>
  names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' }));

const { waitingIndex } = catalogTable;
const { newestIndex } = ownersTable;

const tables: readonly CreateTableCommandInput[] = [
  {
    TableName: resources.catalogTable,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: texts(catalogTable.partitionKey, waitingIndex.partitionKey, waitingIndex.sortKey),
    KeySchema: [{ AttributeName: catalogTable.partitionKey, KeyType: 'HASH' }],
    GlobalSecondaryIndexes: [
      {
        IndexName: waitingIndex.name,
        KeySchema: keyOf(waitingIndex.partitionKey, waitingIndex.sortKey),
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  },
  {
    TableName: resources.mailRequestsTable,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: texts(mailRequestsTable.partitionKey, mailRequestsTable.sortKey),
    KeySchema: keyOf(mailRequestsTable.partitionKey, mailRequestsTable.sortKey),
  },
  {
    TableName: resources.ownersTable,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: texts(ownersTable.partitionKey, ownersTable.sortKey, newestIndex.sortKey),
    KeySchema: keyOf(ownersTable.partitionKey, ownersTable.sortKey),
    GlobalSecondaryIndexes: [
      {
        IndexName: newestIndex.name,
        KeySchema: keyOf(newestIndex.partitionKey, newestIndex.sortKey),
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  },
  {
    TableName: resources.admissionTable,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: texts(admissionTable.partitionKey),
    KeySchema: [{ AttributeName: admissionTable.partitionKey, KeyType: 'HASH' }],
  },
];

const ensureTables = async (endpoint: string, credentials: Credentials): Promise<void> => {
  const client = new DynamoDBClient(clientConfig(endpoint, credentials));
  try {
    for (const table of tables) {
      try {
        await client.send(new CreateTableCommand(table));
      } catch (error) {
        if (!(error instanceof ResourceInUseException)) throw error;
      }
    }
  } finally {
    client.destroy();
  }
};
