import { buildApp } from 'fauxqs';
// The package exports no stores, but only `startFauxqs`, which listens on every network interface. Ours may not.
import { PersistenceManager } from '../node_modules/fauxqs/dist/persistence.js';
import { S3Store } from '../node_modules/fauxqs/dist/s3/s3Store.js';
import { SnsStore } from '../node_modules/fauxqs/dist/sns/snsStore.js';
import { SqsStore } from '../node_modules/fauxqs/dist/sqs/sqsStore.js';
import { accountId, queueUrl, region } from './aws.ts';
import { endpointOf, host } from './ports.ts';

export interface QueueProps {
  readonly port: number;
  /** Where messages are kept. */
  readonly directory: string;
  readonly name: string;
  /**
   * How long a message that was handed out stays hidden.
   * @default 30, shorter than in AWS: the work of a killed consumer is seen again before the person who watches gives up
   */
  readonly visibilityTimeoutSeconds?: number;
}

export interface Queue {
  /** Returns once the message is on disk. */
  send(body: string): void;
  /** Settles when a consumer has asked for messages for the first time. */
  readonly firstPoll: Promise<void>;
  stop(): Promise<void>;
}

const maxReceiveCount = 5;

/** SQS with one queue and its dead-letter queue. Messages outlive the process, however it ends. */
export const startQueue = async ({
  port,
  directory,
  name,
  visibilityTimeoutSeconds = 30,
}: QueueProps): Promise<Queue> => {
  const persistence = new PersistenceManager(directory);
  // Its own asks for a count that the table must have to be null: a message that is handed back would be lost.
  persistence.updateMessageReady = (messageId) =>
    persistence.updateMessageInflight(messageId, '', 0, 0, undefined);
  const sqsStore = new SqsStore();
  const snsStore = new SnsStore();
  // What is loaded must not be written again: to insert a queue anew would delete its messages.
  persistence.loadSqsAndSns(sqsStore, snsStore);
  sqsStore.persistence = persistence;
  snsStore.persistence = persistence;
  for (const loaded of sqsStore.allQueues()) loaded.persistence = persistence;

  const ensureQueue = (queueName: string, attributes: Record<string, string>) => {
    const queue =
      sqsStore.getQueueByName(queueName) ??
      sqsStore.createQueue(
        queueName,
        queueUrl(endpointOf(port), queueName),
        `arn:aws:sqs:${region}:${accountId}:${queueName}`,
      );
    queue.setAttributes(attributes);
    return queue;
  };
  const deadLetterQueue = ensureQueue(`${name}-dead-letters`, {});
  const queue = ensureQueue(name, {
    VisibilityTimeout: String(visibilityTimeoutSeconds),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetterQueue.arn, maxReceiveCount }),
  });

  const app = buildApp({
    logger: false,
    defaultRegion: region,
    stores: { sqsStore, snsStore, s3Store: new S3Store() },
  });
  const polled = Promise.withResolvers<void>();
  app.addHook('onRequest', (_request, reply, done) => {
    polled.resolve();
    reply.raw.once('close', () => {
      // The long poll of a consumer that died would swallow the next message. End all polls: who lives asks again.
      if (!reply.raw.writableFinished) queue.cancelWaiters();
    });
    done();
  });
  await app.listen({ port, host });

  return {
    send: (body) => queue.enqueue(SqsStore.createMessage(body)),
    firstPoll: polled.promise,
    stop: async () => {
      await app.close();
      persistence.close();
    },
  };
};
