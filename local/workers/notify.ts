import { runQueueWorker } from '../../containers/queue-worker.ts';
import { startWatchdog } from '../../containers/watchdog.ts';
import { createNotifyService } from '../../lambdas/notify/service.ts';
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
      handleMessage: createNotifyService(environment, log),
      // SES limits how many mails are sent in a second.
      concurrency: 1,
    },
  ],
  log,
});
