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
import db from 'dynalite/db/index.js';
import updateItem from 'dynalite/validations/updateItem.js';
import { admissionTable } from '../../lambdas/aws/admission-table.ts';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import { mailRequestsTable } from '../../lambdas/notify/mail-request.ts';
import { region, resources } from '../aws.ts';
import type { Credentials } from '../data-folder.ts';
import { endpointOf, host } from '../ports.ts';
import type { Disk } from './disk.ts';
import { surviveFailedWrites } from './leveldb.ts';
import { type Guard, ownRequestsOnly } from './own-requests-only.ts';

export interface DynamoDBProps {
  /** 0 takes a free one. */
  readonly port: number;
  readonly guard: Guard;
  /** Where items are kept. @default - in memory */
  readonly storage?: { readonly directory: string; readonly disk: Disk };
}

export interface DynamoDB {
  readonly endpoint: string;
  readonly catalogTableName: string;
  readonly mailRequestsTableName: string;
  readonly admissionTableName: string;
  stop(): Promise<void>;
}

/**
 * As DynamoDB does, a conditional update that fails returns the item if it is asked to; dynalite does not
 * know that.
 */
const returnItemsOfFailedUpdates = (): void => {
  const name = 'ReturnValuesOnConditionCheckFailure';
  if (name in updateItem.types) return;
  updateItem.types[name] = { type: 'String', enum: ['ALL_OLD', 'NONE'] };
  const { checkConditional } = db;
  db.checkConditional = (request, item) => {
    const error = checkConditional(request, item);
    if (error && item && request[name] === 'ALL_OLD') Object.assign(error.body, { Item: item });
    return error;
  };
};

/** DynamoDB with the tables that the deployment makes. */
export const startDynamoDB = async ({ port, storage, guard }: DynamoDBProps): Promise<DynamoDB> => {
  returnItemsOfFailedUpdates();
  const keepServing = storage && surviveFailedWrites(storage.directory, storage.disk);
  const server = dynalite({ path: storage?.directory, createTableMs: 0 });
  // dynalite lets a request that breaks off end the whole process: what it listens to by now is taken from it.
  server.on('request', (request, response) => {
    request.removeAllListeners('error').on('error', () => response.destroy());
  });
  keepServing?.(server);
  ownRequestsOnly(server, guard);
  await once(server.listen(port, host), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('DynamoDB has no port.');
  const endpoint = endpointOf(address.port);
  await ensureTables(endpoint, guard.credentials);
  return {
    endpoint,
    catalogTableName: resources.catalogTable,
    mailRequestsTableName: resources.mailRequestsTable,
    admissionTableName: resources.admissionTable,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};

/** A table's key, or an index's. */
const keyOf = (partitionKey: string, sortKey: string): KeySchemaElement[] => [
  { AttributeName: partitionKey, KeyType: 'HASH' },
  { AttributeName: sortKey, KeyType: 'RANGE' },
];

const texts = (...names: readonly string[]): AttributeDefinition[] =>
  names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' }));

const { waitingIndex } = catalogTable;

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
    TableName: resources.admissionTable,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: texts(admissionTable.partitionKey),
    KeySchema: [{ AttributeName: admissionTable.partitionKey, KeyType: 'HASH' }],
  },
];

const ensureTables = async (endpoint: string, credentials: Credentials): Promise<void> => {
  const client = new DynamoDBClient({
    endpoint,
    region,
    credentials,
    // A developer's own AWS settings may ask for these; they exclude an endpoint of ours.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
  });
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
