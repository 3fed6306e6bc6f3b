import { PutObjectCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { runQueueWorker } from '../../containers/queue-worker.ts';
import { startWatchdog } from '../../containers/watchdog.ts';
import { createS3Client } from '../../lambdas/aws/clients.ts';
import { readEnvironment } from '../../lambdas/runtime/environment.ts';
import { createLog } from '../../lambdas/runtime/log.ts';
import { createLakeDelivery } from '../emulators/firehose.ts';

const schema = z.object({ DATA_LAKE_QUEUE_URL: z.string().min(1), DATA_LAKE_BUCKET: z.string().min(1) });

/** The environment of the process that replaces Firehose. */
export type LakeWorkerEnvironment = z.input<typeof schema>;

/** Messages that are processed at once, and become objects together. */
const concurrency = 20;

const environment = readEnvironment(schema);
startWatchdog('lake');
const s3 = createS3Client();
await runQueueWorker({
  name: 'lake',
  queues: [
    {
      queueUrl: environment.DATA_LAKE_QUEUE_URL,
      handleMessage: createLakeDelivery({
        put: async (Key, Body) => {
          await s3.send(new PutObjectCommand({ Bucket: environment.DATA_LAKE_BUCKET, Key, Body }));
        },
        maxMessages: concurrency,
        waitMilliseconds: 1000,
      }),
      concurrency,
    },
  ],
  log: createLog('lake'),
});
