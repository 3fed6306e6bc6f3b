import { join } from 'node:path';
import { originalPrefix } from '../../lambdas/image/keys.ts';
import { mailedEventTypes } from '../../lambdas/notify/mail-request.ts';
import { collectGarbageLessOften } from '../../lambdas/runtime/heap.ts';
import { resources } from '../aws.ts';
import type { DataFolder } from '../data-folder.ts';
import type { Ports } from '../ports.ts';
import { StartError } from '../start-error.ts';
import { createDisk, isFailedWrite } from './disk.ts';
import { startDynamoDB } from './dynamodb.ts';
import { startMail } from './mail.ts';
import { startMessaging } from './messaging.ts';
import { originsAt } from './own-requests-only.ts';
import { startS3 } from './s3.ts';

export interface EmulatorsProps {
  readonly ports: Ports;
  /** Where the state is kept. */
  readonly dataFolder: DataFolder;
  /** The ports of a proxy in front of the emulators. @default - no proxy */
  readonly proxyPorts?: Ports;
  /** Pages of these origins may use the buckets, besides those of the API itself. @default - none */
  readonly corsOrigins?: readonly string[];
  /**
   * How long a received message of the resize queue stays hidden.
   * @default 30, shorter than in AWS, so that a developer sees the work of a killed worker being repeated
   */
  readonly visibilityTimeoutSeconds?: number;
}

export interface Emulators {
  /** Resolves when a consumer has polled the queue for the first time. */
  firstPoll(queue: string): Promise<void>;
  stop(): Promise<void>;
}

/** A message of the slow lane stays hidden for so much longer: two decodes may take several minutes. */
const slowVisibilityFactor = 15;

/** Shorter than in AWS, but longer than a killed sender's claim on a mail (60 s). */
const notifyVisibilitySeconds = 90;

/** Shorter than in AWS, but longer than a killed worker's lease of an image (60 s). */
const deleteVisibilitySeconds = 90;

/** The worker collects a batch for a second and writes it. */
const dataLakeVisibilitySeconds = 10;

/** Starts emulators of all AWS services that the code uses, with the resources that a deployment creates. */
export const startEmulators = async (props: EmulatorsProps): Promise<Emulators> => {
  const { ports, dataFolder, proxyPorts, corsOrigins = [], visibilityTimeoutSeconds = 30 } = props;
  const { path: directory, credentials } = dataFolder;
  // Only the pages of the API itself may send requests to the emulators.
  const origins = originsAt(ports.api);
  const disk = createDisk(directory);
  collectGarbageLessOften();
  const running: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const emulator of running.splice(0).reverse()) await emulator.stop();
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
        { name: resources.deleteQueue, visibilityTimeoutSeconds: deleteVisibilitySeconds },
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
        guard: { credentials, origins: [...origins, ...corsOrigins], proxyPort: proxyPorts?.s3 },
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
