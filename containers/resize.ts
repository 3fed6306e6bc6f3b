import { createDecoder } from '../lambdas/resize/decoder.ts';
import type { Lane } from '../lambdas/resize/lanes.ts';
import { createResizeService } from '../lambdas/resize/service.ts';
import { readEnvironment } from '../lambdas/runtime/environment.ts';
import { collectGarbageLessOften } from '../lambdas/runtime/heap.ts';
import { createLog } from '../lambdas/runtime/log.ts';
import { resizeContainerEnvironment } from './environment.ts';
import { runQueueWorker } from './queue-worker.ts';
import { startWatchdog } from './watchdog.ts';

const environment = readEnvironment(resizeContainerEnvironment);
const decodesAtOnce = environment.decodesAtOnce;

/**
 * Messages that are worked on for each image that is decoded: while one is, others are fetched and stored. With 120 ms of
 * waiting for AWS to an image, one each makes 12 images a second on two cores, two to four make 24 to 29.
 */
const messagesPerDecode = 3;

collectGarbageLessOften();
startWatchdog('resize');
const log = createLog('resize');
const serviceOf = (lane: Lane, decodes: number) =>
  createResizeService(environment, log, {
    lane,
    decoder: createDecoder(environment, log, { lane, decodesAtOnce: decodes }),
  });
await runQueueWorker({
  name: 'resize',
  queues: [
    {
      queueUrl: environment.resizeQueueUrl,
      handleMessage: serviceOf('fast', decodesAtOnce),
      concurrency: messagesPerDecode * decodesAtOnce,
    },
    // One at a time: it takes the CPU time that the fast lane leaves, and memory for one large image.
    { queueUrl: environment.slowResizeQueueUrl, handleMessage: serviceOf('slow', 1), concurrency: 1 },
  ],
  log,
});
