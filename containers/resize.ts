import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { readEnvironment } from '../lambdas/environment.ts';
import { createLog } from '../lambdas/log.ts';
import { resizeEnvironment } from '../lambdas/resize/environment.ts';
import { createResizeService } from '../lambdas/resize/service.ts';
import { runQueueWorker } from './queue-worker.ts';

const environment = readEnvironment(resizeEnvironment.extend({ RESIZE_QUEUE_URL: z.string().min(1) }));
const log = createLog('resize');
await runQueueWorker({
  name: 'resize',
  queueUrl: environment.RESIZE_QUEUE_URL,
  handleMessage: createResizeService(environment, log),
  // One image keeps one core busy.
  concurrency: availableParallelism(),
  log,
});
