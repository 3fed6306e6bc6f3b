import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDeletionRequests } from '../aws/deletion-requests.ts';
import { createOwnImages, type OwnImages, type OwnImagesProps } from './own-images.ts';
import { type OwnedPorts, ownPorts } from './own-ports.ts';
import { createOwnerships } from './ownerships.ts';

export interface OwnersEnvironment {
  readonly ownersTable?: string | undefined;
  readonly deleteQueueUrl: string;
}

/** What ingest needs where callers are known. */
export interface Owners {
  /** The ports as an owner sees them. */
  portsOf(owner: string): OwnedPorts;
  imagesOf(owner: string, find: OwnImagesProps['find']): OwnImages;
}

/** @throws Error without a table: images would belong to everyone */
export const wireOwners = (
  { ownersTable, deleteQueueUrl }: OwnersEnvironment,
  ports: OwnedPorts,
  dynamodb: DynamoDBClient,
): Owners => {
  if (ownersTable === undefined) throw new Error('OWNERS_TABLE is missing: callers are known.');
  const ownerships = createOwnerships(ownersTable, dynamodb);
  const deletionRequests = createDeletionRequests(deleteQueueUrl);
  return {
    portsOf: (owner) => ownPorts({ ...ports, ownerships }, owner),
    imagesOf: (owner, find) =>
      createOwnImages({ owner, ownerships, catalog: ports.catalog, deletionRequests, find }),
  };
};
