import { join } from 'node:path';
import { originalPrefix } from '../lambdas/image/keys.ts';
import { mailedEventTypes } from '../lambdas/notify/mail-request.ts';
import { collectGarbageLessOften } from '../lambdas/runtime/heap.ts';
import { resources } from './aws.ts';
import type { DataFolder } from './data-folder.ts';
import { createDisk, isFailedWrite } from './emulators/disk.ts';
import { startDynamoDB } from './emulators/dynamodb.ts';
import { startMail } from './emulators/mail.ts';
import { startMessaging } from './emulators/messaging.ts';
import { originsAt } from './emulators/own-requests-only.ts';
import { startS3 } from './emulators/s3.ts';
import type { Ports } from './ports.ts';
import { StartError } from './start-error.ts';

export interface ServicesProps {
  readonly ports: Ports;
  /** Where their state outlives the process. */
  readonly dataFolder: DataFolder;
  /** Where a proxy shows the services as well. @default - nowhere */
  readonly proxyPorts?: Ports;
  /**
   * How long a message for resize stays hidden that was handed out.
   * @default 30, shorter than in AWS: the work of a killed worker is seen again before the person who watches gives up
   */
  readonly visibilityTimeoutSeconds?: number;
}

export interface Services {
  /** Settles when a consumer has asked the queue for messages for the first time. */
  firstPoll(queue: string): Promise<void>;
  stop(): Promise<void>;
}

/** How much longer a message of the slow lane stays hidden: beside others two decodes may take several minutes. */
const slowVisibilityFactor = 15;

/** Shorter than in AWS as well, but longer than the claim that a killed sender leaves on a mail (60 s). */
const notifyVisibilitySeconds = 90;

/** Ample for what the worker does with a batch: it gathers for a second, and writes. */
const dataLakeVisibilitySeconds = 10;

/** The AWS services that the code needs, with everything in them that the deployment creates. */
export const startServices = async (props: ServicesProps): Promise<Services> => {
  const { ports, dataFolder, proxyPorts, visibilityTimeoutSeconds = 30 } = props;
  const { path: directory, credentials } = dataFolder;
  // Here a setting would add the pages of other sites that may use the services.
  const origins = originsAt(ports.api);
  const disk = createDisk(directory);
  collectGarbageLessOften();
  const running: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const service of running.splice(0).reverse()) await service.stop();
  };
  try {
    const messaging = await startMessaging({
      port: ports.sqs,
      directory: join(directory, 'sqs'),
      disk,
      guard: { credentials, origins, proxyPort: proxyPorts?.sqs },
      queues: [
        { name: resources.resizeQueue, visibilityTimeoutSeconds },
        {
          name: resources.slowResizeQueue,
          visibilityTimeoutSeconds: slowVisibilityFactor * visibilityTimeoutSeconds,
        },
        { name: resources.notifyQueue, visibilityTimeoutSeconds: notifyVisibilitySeconds },
        { name: resources.dataLakeQueue, visibilityTimeoutSeconds: dataLakeVisibilitySeconds },
      ],
      topic: {
        name: resources.imageEventsTopic,
        subscribers: [
          { queue: resources.notifyQueue, types: mailedEventTypes },
          { queue: resources.dataLakeQueue },
        ],
      },
    });
    running.push(messaging);
    running.push(await startMail({ port: ports.mail, guard: { credentials, origins } }));
    running.push(
      await startDynamoDB({
        port: ports.dynamodb,
        storage: { directory: join(directory, 'dynamodb'), disk },
        guard: { credentials, origins, proxyPort: proxyPorts?.dynamodb },
      }),
    );
    running.push(
      await startS3({
        port: ports.s3,
        directory: join(directory, 's3'),
        disk,
        guard: { credentials, origins, proxyPort: proxyPorts?.s3 },
        buckets: [resources.rawBucket, resources.thumbnailBucket, resources.dataLakeBucket],
        notification: {
          bucket: resources.rawBucket,
          prefix: originalPrefix,
          send: (body) => messaging.send(resources.resizeQueue, body),
        },
      }),
    );
    return { firstPoll: messaging.firstPoll, stop };
  } catch (error) {
    await stop();
    if (disk.isFull() || isFailedWrite(error))
      throw new StartError(`The disk is full: ${directory} cannot be written.`);
    throw error;
  }
};
