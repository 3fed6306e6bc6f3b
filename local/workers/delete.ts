import { runQueueWorker } from '../../containers/queue-worker.ts';
import { startWatchdog } from '../../containers/watchdog.ts';
import { deleteEnvironment } from '../../lambdas/delete/environment.ts';
import { wireDelete } from '../../lambdas/delete/wiring.ts';
import { readEnvironment } from '../../lambdas/runtime/environment.ts';
import { createLog } from '../../lambdas/runtime/log.ts';

const environment = readEnvironment(deleteEnvironment);
startWatchdog('delete');
const log = createLog('delete');
await runQueueWorker({
  name: 'delete',
  queues: [
    { queueUrl: environment.deleteQueueUrl, handleMessage: wireDelete(environment, log), concurrency: 2 },
  ],
  log,
});
