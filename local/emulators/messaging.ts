import { buildApp } from 'fauxqs';
// The package exports no stores, but only `startFauxqs`, which listens on every network interface. Ours may not.
import { PersistenceManager } from '../../node_modules/fauxqs/dist/persistence.js';
import { S3Store } from '../../node_modules/fauxqs/dist/s3/s3Store.js';
import { SnsStore } from '../../node_modules/fauxqs/dist/sns/snsStore.js';
import { type SqsQueue, SqsStore } from '../../node_modules/fauxqs/dist/sqs/sqsStore.js';
import { accountId, deadLetterQueueOf, queueUrl, region } from '../aws.ts';
import { endpointOf, host } from '../ports.ts';
import { type Disk, isFailedWrite } from './disk.ts';
import { type Guard, ownRequestsOnly } from './own-requests-only.ts';

export interface MessagingProps {
  readonly port: number;
  /** Where messages are kept. */
  readonly directory: string;
  readonly disk: Disk;
  readonly guard: Guard;
  /** Each gets a dead-letter queue of its own. */
  readonly queues: readonly {
    readonly name: string;
    /** How long a message that was handed out stays hidden. */
    readonly visibilityTimeoutSeconds: number;
  }[];
  readonly topic: {
    readonly name: string;
    readonly subscribers: readonly Subscriber[];
  };
}

/** One of the queues, which gets the bare events. */
export interface Subscriber {
  readonly queue: string;
  /** Only those whose `type` is one of these. @default - all */
  readonly types?: readonly string[];
}

export interface Messaging {
  /** Returns once the message is on disk. */
  send(queue: string, body: string): void;
  /** Settles when a consumer has asked the queue for messages for the first time. */
  firstPoll(queue: string): Promise<void>;
  stop(): Promise<void>;
}

const maxReceiveCount = 5;

/** SQS and SNS in one server. Messages and subscriptions outlive the process, however it ends. */
export const startMessaging = async ({
  port,
  directory,
  disk,
  guard,
  queues,
  topic,
}: MessagingProps): Promise<Messaging> => {
  const persistence = new PersistenceManager(directory);
  // Its own asks for a count that the table must have to be null: a message that is handed back would be lost.
  persistence.updateMessageReady = (messageId) => {
    try {
      persistence.updateMessageInflight(messageId, '', 0, 0, undefined);
    } catch (error) {
      // By then the message is in no list any more, and would be lost if this were thrown. On the disk it stays hidden for
      // its time, which matters to the next start only.
      if (!isFailedWrite(error)) throw error;
      disk.failed(error);
    }
  };
  const sqsStore = new SqsStore();
  const snsStore = new SnsStore();
  // What is loaded must not be written again: to insert a queue anew would delete its messages.
  persistence.loadSqsAndSns(sqsStore, snsStore);
  sqsStore.persistence = persistence;
  snsStore.persistence = persistence;
  for (const loaded of sqsStore.allQueues()) loaded.persistence = persistence;

  const ensureQueue = (name: string, attributes: Record<string, string>): SqsQueue => {
    const queue =
      sqsStore.getQueueByName(name) ??
      sqsStore.createQueue(
        name,
        queueUrl(endpointOf(port), name),
        `arn:aws:sqs:${region}:${accountId}:${name}`,
      );
    queue.setAttributes(attributes);
    return queue;
  };
  const served = queues.map(({ name, visibilityTimeoutSeconds }) => {
    const { arn } = ensureQueue(deadLetterQueueOf(name), {});
    const queue = ensureQueue(name, {
      VisibilityTimeout: String(visibilityTimeoutSeconds),
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount }),
    });
    keepWhatCannotBeHandedOut(queue, sqsStore);
    return { name, queue, polled: firstPollOf(queue) };
  });
  const byName = (name: string) => {
    const found = served.find((each) => each.name === name);
    if (found === undefined) throw new Error(`No queue is called ${name}.`);
    return found;
  };
  const { arn: topicArn } = snsStore.createTopic(topic.name, undefined, undefined, region);
  for (const { queue, types } of topic.subscribers) {
    subscribe(snsStore, topicArn, byName(queue).queue.arn, types);
  }

  const app = buildApp({
    logger: false,
    defaultRegion: region,
    stores: { sqsStore, snsStore, s3Store: new S3Store() },
  });
  app.addHook('onRequest', (_request, reply, done) => {
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return;
      // The long poll of a consumer that died would swallow the next message. End all polls: who lives asks again.
      for (const queue of sqsStore.allQueues()) queue.cancelWaiters();
    });
    done();
  });
  app.addHook('onError', (_request, _reply, error, done) => {
    if (isFailedWrite(error)) disk.failed(error);
    done();
  });
  ownRequestsOnly(app.server, guard);
  await app.listen({ port, host });

  return {
    send: (name, body) => {
      try {
        byName(name).queue.enqueue(SqsStore.createMessage(body));
      } catch (error) {
        if (isFailedWrite(error)) disk.failed(error);
        throw error;
      }
    },
    firstPoll: (name) => byName(name).polled,
    stop: async () => {
      await app.close();
      persistence.close();
    },
  };
};

const firstPollOf = (queue: SqsQueue): Promise<void> =>
  new Promise((resolve) => {
    const dequeue = queue.dequeue.bind(queue);
    queue.dequeue = (...request) => {
      resolve();
      return dequeue(...request);
    };
  });

/**
 * fauxqs takes a message out of its list before it notes on the disk where it went. When that fails, one for the dead
 * letters would be lost, and any other one hidden for its time, as often as it was asked for, until it was a dead letter.
 */
const keepWhatCannotBeHandedOut = (queue: SqsQueue, store: SqsStore): void => {
  const deadLetters = store.getQueueByName(deadLetterQueueOf(queue.name));
  const dequeue = queue.dequeue.bind(queue);
  queue.dequeue = (...request) => {
    queue.processTimers();
    for (const message of queue.messages.filter((each) => each.approximateReceiveCount >= maxReceiveCount)) {
      // Takes the message's row over, in one step.
      deadLetters?.enqueue(message);
      queue.messages.splice(queue.messages.indexOf(message), 1);
    }
    const held = new Set(queue.inflightMessages.keys());
    try {
      return dequeue(...request);
    } catch (error) {
      for (const [handle, { message }] of queue.inflightMessages) {
        if (held.has(handle)) continue;
        queue.inflightMessages.delete(handle);
        message.approximateReceiveCount -= 1;
        queue.messages.unshift(message);
      }
      throw error;
    }
  };
};

/** There is one subscription of a queue however often this runs: what an earlier run subscribed to is replaced. */
const subscribe = (store: SnsStore, topicArn: string, queueArn: string, types: Subscriber['types']): void => {
  for (const { endpoint, arn: earlier } of store.listSubscriptionsByTopic(topicArn).subscriptions) {
    if (endpoint === queueArn) store.unsubscribe(earlier);
  }
  store.subscribe(topicArn, 'sqs', queueArn, {
    RawMessageDelivery: 'true',
    ...(types && { FilterPolicy: JSON.stringify({ type: types }) }),
  });
};
