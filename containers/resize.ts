import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { createDecoder } from '../lambdas/resize/decoder/pool.ts';
import { resizeEnvironment } from '../lambdas/resize/environment.ts';
import type { Lane } from '../lambdas/resize/lanes.ts';
import { wireResize } from '../lambdas/resize/wiring.ts';
import { readEnvironment, wholeNumber } from '../lambdas/runtime/environment.ts';
import { collectGarbageLessOften } from '../lambdas/runtime/heap.ts';
import { createLog } from '../lambdas/runtime/log.ts';
import { runQueueWorker } from './queue-worker.ts';
import { startWatchdog } from './watchdog.ts';

const environment = readEnvironment(
  resizeEnvironment.extend({
    RESIZE_QUEUE_URL: z.string().min(1),
    /** Images of the fast lane. Each keeps one core busy. */
    DECODES_AT_ONCE: wholeNumber.pipe(z.number().min(1)).default(availableParallelism()),
  }),
);
const decodesAtOnce = environment.DECODES_AT_ONCE;

/** Three messages for each decode: while one image is decoded, others are fetched and stored. */
const messagesPerDecode = 3;

collectGarbageLessOften();
startWatchdog('resize');
const log = createLog('resize');
const serviceOf = (lane: Lane, decodes: number) =>
  wireResize(environment, log, {
    lane,
    decoder: createDecoder(environment.IMAGE_LIMITS, log, { lane, decodesAtOnce: decodes }),
  });
await runQueueWorker({
  name: 'resize',
  queues: [
    {
      queueUrl: environment.RESIZE_QUEUE_URL,
      handleMessage: serviceOf('fast', decodesAtOnce),
      concurrency: messagesPerDecode * decodesAtOnce,
    },
    // One image at a time: it needs a large image's memory, and shares the CPU with the fast lane.
    { queueUrl: environment.SLOW_RESIZE_QUEUE_URL, handleMessage: serviceOf('slow', 1), concurrency: 1 },
  ],
  log,
});
