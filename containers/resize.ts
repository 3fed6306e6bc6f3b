import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { readEnvironment, wholeNumber } from '../lambdas/environment.ts';
import { collectGarbageLessOften } from '../lambdas/heap.ts';
import { createLog } from '../lambdas/log.ts';
import { createDecoder } from '../lambdas/resize/decoder.ts';
import { resizeEnvironment } from '../lambdas/resize/environment.ts';
import { createResizeService } from '../lambdas/resize/service.ts';
import { runQueueWorker } from './queue-worker.ts';
import { startWatchdog } from './watchdog.ts';

const environment = readEnvironment(
  resizeEnvironment.extend({
    RESIZE_QUEUE_URL: z.string().min(1),
    /** One image keeps one core busy. */
    DECODES_AT_ONCE: wholeNumber.pipe(z.number().min(1)).default(availableParallelism()),
  }),
);
const decodesAtOnce = environment.DECODES_AT_ONCE;

/**
 * Messages that are worked on for each image that is decoded: while one is, others are fetched and stored. With 120 ms of
 * waiting for AWS to an image, one each makes 12 images a second on two cores, two to four make 24 to 29.
 */
const messagesPerDecode = 3;

collectGarbageLessOften();
startWatchdog('resize');
const log = createLog('resize');
const decoder = createDecoder(environment.IMAGE_LIMITS, log, { decodesAtOnce });
await runQueueWorker({
  name: 'resize',
  queueUrl: environment.RESIZE_QUEUE_URL,
  handleMessage: createResizeService(environment, log, decoder),
  concurrency: messagesPerDecode * decodesAtOnce,
  log,
});
