import { join } from 'node:path';
import { originalPrefix } from '../lambdas/image/keys.ts';
import { resources } from './aws.ts';
import { startDynamoDB } from './dynamodb.ts';
import type { Ports } from './ports.ts';
import { startQueue } from './queue.ts';
import { startS3 } from './s3.ts';

export interface ServicesProps {
  readonly ports: Ports;
  /** Where their state outlives the process. */
  readonly directory: string;
  /** @default - the queue's own */
  readonly visibilityTimeoutSeconds?: number;
}

export interface Services {
  /** Settles when a consumer has asked the queue for messages for the first time. */
  readonly firstPoll: Promise<void>;
  stop(): Promise<void>;
}

/** The AWS services that the code needs, with everything in them that the deployment creates. */
export const startServices = async (props: ServicesProps): Promise<Services> => {
  const { ports, directory, visibilityTimeoutSeconds } = props;
  const running: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const service of running.splice(0).reverse()) await service.stop();
  };
  try {
    const queue = await startQueue({
      port: ports.sqs,
      directory: join(directory, 'sqs'),
      name: resources.resizeQueue,
      visibilityTimeoutSeconds,
    });
    running.push(queue);
    running.push(await startDynamoDB({ port: ports.dynamodb, directory: join(directory, 'dynamodb') }));
    running.push(
      await startS3({
        port: ports.s3,
        directory: join(directory, 's3'),
        buckets: [resources.rawBucket, resources.thumbnailBucket],
        notification: { bucket: resources.rawBucket, prefix: originalPrefix, send: queue.send },
      }),
    );
    return { firstPoll: queue.firstPoll, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
