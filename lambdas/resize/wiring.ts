import type * as z from 'zod';
import { createCatalog } from '../aws/catalog.ts';
import { createS3Client } from '../aws/clients.ts';
import { createEvents } from '../aws/events.ts';
import { createOriginals } from '../aws/originals.ts';
import { createResizeRequests } from '../aws/resize-requests.ts';
import { createThumbnails } from '../aws/thumbnails.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { Decoder } from './decoder/pool.ts';
import type { resizeEnvironment } from './environment.ts';
import type { Lane } from './lanes.ts';
import { createMessageHandler } from './messages.ts';
import { createResize } from './resize.ts';

export interface LaneProps {
  readonly lane: Lane;
  readonly decoder: Decoder;
}

/** Everything behind the queue of one lane, with the resources that the environment names. */
export const wireResize = (
  environment: z.output<typeof resizeEnvironment>,
  log: Log,
  { lane, decoder }: LaneProps,
) => {
  const s3 = createS3Client();
  const metrics = createMetrics(environment.STACK_NAME);
  const resize = createResize({
    originals: createOriginals(s3, environment.RAW_BUCKET),
    thumbnails: createThumbnails(s3, environment.THUMBNAIL_BUCKET),
    catalog: createCatalog(environment.CATALOG_TABLE),
    events: createEvents(environment.IMAGE_EVENTS_TOPIC_ARN),
    metrics,
    decoder,
    variants: environment.VARIANTS,
    limits: environment.IMAGE_LIMITS,
    slowLane: lane === 'fast' ? createResizeRequests(environment.SLOW_RESIZE_QUEUE_URL) : undefined,
  });
  return createMessageHandler({ resize, metrics, log });
};
