import { PutObjectCommand } from '@aws-sdk/client-s3';
import { runQueueWorker } from '../../containers/queue-worker.ts';
import { startWatchdog } from '../../containers/watchdog.ts';
import { createS3Client } from '../../lambdas/aws/clients.ts';
import { readEnvironment } from '../../lambdas/runtime/environment.ts';
import { createLog } from '../../lambdas/runtime/log.ts';
import { createLakeDelivery } from '../emulators/firehose.ts';
import { lakeWorkerEnvironment } from './environment.ts';

/** Messages that are processed together, and become objects together. */
const concurrency = 20;

const environment = readEnvironment(lakeWorkerEnvironment);
startWatchdog('lake');
const s3 = createS3Client();
await runQueueWorker({
  name: 'lake',
  queues: [
    {
      queueUrl: environment.dataLakeQueueUrl,
      handleMessage: createLakeDelivery({
        put: async (Key, Body) => {
          await s3.send(new PutObjectCommand({ Bucket: environment.dataLakeBucket, Key, Body }));
        },
        maxMessages: concurrency,
        waitMilliseconds: 1000,
      }),
      concurrency,
    },
  ],
  log: createLog('lake'),
});
