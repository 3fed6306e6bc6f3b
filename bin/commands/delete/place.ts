import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { createDeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { createOwnerships, type Ownerships } from '../../../lambdas/owners/ownerships.ts';
import { clientConfig, queueUrl, resources } from '../../../local/aws.ts';
import { dataFolderOf, readCredentials } from '../../../local/data-folder.ts';
import { endpointOf, type Ports } from '../../../local/ports.ts';
import { UsageError } from '../command.ts';
import { outputsOf } from '../stack-outputs.ts';
import type { ReleaseImagesProps } from './release-images.ts';

/** Where images are deleted. */
export type Place = Pick<ReleaseImagesProps, 'catalog' | 'deletionRequests'> & {
  /** Undefined where callers are anonymous. */
  readonly ownerships: Ownerships | undefined;
};

/** What `npm start` runs. */
export const localPlace = (ports: Ports): Place => {
  const credentials = readCredentials(dataFolderOf(ports.api));
  const dynamodb = new DynamoDBClient(clientConfig(endpointOf(ports.dynamodb), credentials));
  const endpoint = endpointOf(ports.sqs);
  return {
    catalog: createCatalog(resources.catalogTable, dynamodb),
    ownerships: createOwnerships(resources.ownersTable, dynamodb),
    deletionRequests: createDeletionRequests(
      queueUrl(endpoint, resources.deleteQueue),
      new SQSClient(clientConfig(endpoint, credentials)),
    ),
  };
};

/** @throws UsageError when there is no such stack, or it deletes no images */
export const placeOfStack = async (
  stackName: string,
  cloudFormation: CloudFormationClient = new CloudFormationClient(),
): Promise<Place> => {
  const outputs = await outputsOf(stackName, cloudFormation);
  const find = (key: string): string | undefined =>
    outputs.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
  const output = (key: string): string => {
    const value = find(key);
    if (value === undefined) {
      throw new UsageError(`The stack ${stackName} has no output ${key}: deploy this version of it first.`);
    }
    return value;
  };
  const dynamodb = new DynamoDBClient();
  const ownersTable = find('OwnersTableName');
  return {
    catalog: createCatalog(output('CatalogTableName'), dynamodb),
    ownerships: ownersTable === undefined ? undefined : createOwnerships(ownersTable, dynamodb),
    deletionRequests: createDeletionRequests(output('DeleteQueueUrl'), new SQSClient()),
  };
};
