import { notifyEnvironment } from '../../lambdas/notify/environment.ts';
import { text } from '../../lambdas/runtime/environment.ts';

export const notifyWorkerEnvironment = { ...notifyEnvironment, notifyQueueUrl: text };

/** Values of the process that stands in for Firehose. */
export const lakeWorkerEnvironment = { dataLakeQueueUrl: text, dataLakeBucket: text };
