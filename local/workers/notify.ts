import { runQueueWorker } from '../../containers/queue-worker.ts';
import { startWatchdog } from '../../containers/watchdog.ts';
import { wireNotify } from '../../lambdas/notify/wiring.ts';
import { readEnvironment } from '../../lambdas/runtime/environment.ts';
import { createLog } from '../../lambdas/runtime/log.ts';
import { notifyWorkerEnvironment } from './environment.ts';

const environment = readEnvironment(notifyWorkerEnvironment);
startWatchdog('notify');
const log = createLog('notify');
await runQueueWorker({
  name: 'notify',
  queues: [
    {
      queueUrl: environment.notifyQueueUrl,
      handleMessage: wireNotify(environment, log),
      // SES limits the mails per second.
      concurrency: 1,
    },
  ],
  log,
});
