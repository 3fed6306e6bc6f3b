import { createCatalog } from '../aws/catalog.ts';
import { createDynamoDBClient, createS3Client } from '../aws/clients.ts';
import { createDeletionRequests } from '../aws/deletion-requests.ts';
import { createEvents } from '../aws/events.ts';
import { createOriginals } from '../aws/originals.ts';
import { createResizeRequests } from '../aws/resize-requests.ts';
import { createArrivalObjects } from '../owners/arrival-objects.ts';
import { createReceiveArrival, type ReceiveArrival } from '../owners/arrivals.ts';
import { createOwnerships } from '../owners/ownerships.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createDelete } from './delete.ts';
import type { DeleteEnvironment } from './environment.ts';
import { createForgetters } from './forgetters.ts';
import { createMessageHandler } from './messages.ts';
import { createProofListeners } from './proof-listeners.ts';

/** Builds the handler of queue messages from the environment. */
export const wireDelete = (environment: DeleteEnvironment, log: Log) => {
  const { rawBucket, ownersTable } = environment;
  const dynamodb = createDynamoDBClient();
  const s3 = createS3Client();
  const catalog = createCatalog(environment.catalogTable, dynamodb);
  const events = createEvents(environment.imageEventsTopicArn);
  const metrics = createMetrics(environment.stackName);
  const ownerships = ownersTable === undefined ? undefined : createOwnerships(ownersTable, dynamodb);
  const deletionRequests = createDeletionRequests(environment.deleteQueueUrl);
  const receiveArrival: ReceiveArrival | undefined =
    ownerships &&
    createReceiveArrival({
      catalog,
      ownerships,
      originals: createOriginals(s3, rawBucket, environment.retention),
      objects: createArrivalObjects(s3, rawBucket),
      deletionRequests,
      resizeRequests: createResizeRequests(environment.resizeQueueUrl),
      events,
      proofListeners: createProofListeners(environment, dynamodb),
      metrics,
      log,
    });
  const deleteImage = createDelete({
    catalog,
    deletionRequests,
    forgetters: createForgetters(environment, s3, dynamodb),
    events,
    metrics,
    deletedDays: environment.deletedDays,
    hasOwner: ownerships?.isOwned,
  });
  return createMessageHandler(deleteImage, log, receiveArrival);
};
