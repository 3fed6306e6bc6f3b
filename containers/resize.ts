import { createDecoder } from '../lambdas/resize/decoder/pool.ts';
import type { Lane } from '../lambdas/resize/lanes.ts';
import { wireResize } from '../lambdas/resize/wiring.ts';
import { readEnvironment } from '../lambdas/runtime/environment.ts';
import { collectGarbageLessOften } from '../lambdas/runtime/heap.ts';
import { createLog } from '../lambdas/runtime/log.ts';
import { resizeContainerEnvironment } from './environment.ts';
import { runQueueWorker } from './queue-worker.ts';
import { startWatchdog } from './watchdog.ts';

const environment = readEnvironment(resizeContainerEnvironment);
const decodesAtOnce = environment.decodesAtOnce;

/** Three messages for each decode: while one image is decoded, others are fetched and stored. */
const messagesPerDecode = 3;

collectGarbageLessOften();
startWatchdog('resize');
const log = createLog('resize');
const serviceOf = (lane: Lane, decodes: number) =>
  wireResize(environment, log, {
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
    // One image at a time: it needs a large image's memory, and shares the CPU with the fast lane.
    { queueUrl: environment.slowResizeQueueUrl, handleMessage: serviceOf('slow', 1), concurrency: 1 },
  ],
  log,
});
