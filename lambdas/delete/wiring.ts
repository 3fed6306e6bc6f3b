import { createCatalog } from '../aws/catalog.ts';
import { createDynamoDBClient, createS3Client } from '../aws/clients.ts';
import { createDeletionRequests } from '../aws/deletion-requests.ts';
import { createEvents } from '../aws/events.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createDelete } from './delete.ts';
import type { DeleteEnvironment } from './environment.ts';
import { createForgetters } from './forgetters.ts';
import { createMessageHandler } from './messages.ts';

/** Builds the handler of queue messages from the environment. */
export const wireDelete = (environment: DeleteEnvironment, log: Log) => {
  const dynamodb = createDynamoDBClient();
  const deleteImage = createDelete({
    catalog: createCatalog(environment.catalogTable, dynamodb),
    deletionRequests: createDeletionRequests(environment.deleteQueueUrl),
    forgetters: createForgetters(environment, createS3Client(), dynamodb),
    events: createEvents(environment.imageEventsTopicArn),
    metrics: createMetrics(environment.stackName),
    deletedDays: environment.deletedDays,
  });
  return createMessageHandler(deleteImage, log);
};
