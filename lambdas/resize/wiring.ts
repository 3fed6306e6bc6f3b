import { createCatalog } from '../aws/catalog.ts';
import { createS3Client } from '../aws/clients.ts';
import { createDeletionRequests } from '../aws/deletion-requests.ts';
import { createEvents } from '../aws/events.ts';
import { createOriginals } from '../aws/originals.ts';
import { createResizeRequests } from '../aws/resize-requests.ts';
import { createThumbnails } from '../aws/thumbnails.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { Decoder } from './decoder/pool.ts';
import type { ResizeEnvironment } from './environment.ts';
import type { Lane } from './lanes.ts';
import { createMessageHandler } from './messages.ts';
import { createResize } from './resize.ts';

export interface LaneProps {
  readonly lane: Lane;
  readonly decoder: Decoder;
}

/** Builds the message handler of one lane from the environment. */
export const wireResize = (environment: ResizeEnvironment, log: Log, { lane, decoder }: LaneProps) => {
  const s3 = createS3Client();
  const metrics = createMetrics(environment.stackName);
  const resize = createResize({
    originals: createOriginals(s3, environment.rawBucket),
    thumbnails: createThumbnails(s3, environment.thumbnailBucket),
    catalog: createCatalog(environment.catalogTable),
    deletionRequests: createDeletionRequests(environment.deleteQueueUrl),
    events: createEvents(environment.imageEventsTopicArn),
    metrics,
    decoder,
    variants: environment.variants,
    limits: environment,
    slowLane: lane === 'fast' ? createResizeRequests(environment.slowResizeQueueUrl) : undefined,
  });
  return createMessageHandler({ resize, metrics, log });
};
