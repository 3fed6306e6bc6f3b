import * as z from 'zod';
import { runQueueWorker } from '../../containers/queue-worker.ts';
import { startWatchdog } from '../../containers/watchdog.ts';
import { notifyEnvironment } from '../../lambdas/notify/environment.ts';
import { wireNotify } from '../../lambdas/notify/wiring.ts';
import { readEnvironment } from '../../lambdas/runtime/environment.ts';
import { createLog } from '../../lambdas/runtime/log.ts';

const environment = readEnvironment(notifyEnvironment.extend({ NOTIFY_QUEUE_URL: z.string().min(1) }));
startWatchdog('notify');
const log = createLog('notify');
await runQueueWorker({
  name: 'notify',
  queues: [
    {
      queueUrl: environment.NOTIFY_QUEUE_URL,
      handleMessage: wireNotify(environment, log),
      // SES limits the mails per second.
      concurrency: 1,
    },
  ],
  log,
});
