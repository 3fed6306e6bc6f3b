import { buildApp } from 'fauxqs';
import { accountId, deadLetterQueueOf, queueUrl, region } from '../aws.ts';
import { endpointOf, host } from '../ports.ts';
import { type Disk, isFailedWrite } from './disk.ts';
import { type Guard, ownRequestsOnly } from './own-requests-only.ts';
import { endAbandonedPolls } from './patches/fauxqs-abandoned-polls.ts';
import { keepMessagesOnFailedReceive } from './patches/fauxqs-full-disk.ts';
import {
  PersistenceManager,
  S3Store,
  SnsStore,
  type SqsQueue,
  SqsStore,
} from './patches/fauxqs-internals.ts';
import { keepReleasedMessages } from './patches/fauxqs-released-messages.ts';

export interface MessagingProps {
  readonly port: number;
  /** Where messages are kept. */
  readonly directory: string;
  readonly disk: Disk;
  readonly guard: Guard;
  /** Each gets a dead-letter queue of its own. */
  readonly queues: readonly {
    readonly name: string;
    /** How long a received message stays hidden. */
    readonly visibilityTimeoutSeconds: number;
  }[];
  readonly topic: {
    readonly name: string;
    readonly subscribers: readonly Subscriber[];
  };
}

/** One of the queues. It gets the events without an envelope. */
export interface Subscriber {
  readonly queue: string;
  /** Only events of these types. @default - all events */
  readonly types?: readonly string[];
}

export interface Messaging {
  /** Returns once the message is on disk. */
  send(queue: string, body: string): void;
  /** Resolves when a consumer has polled the queue for the first time. */
  firstPoll(queue: string): Promise<void>;
  stop(): Promise<void>;
}

const maxReceiveCount = 5;

/** SQS and SNS in one server. Messages and subscriptions survive restarts and crashes. */
export const startMessaging = async (props: MessagingProps): Promise<Messaging> => {
  const { port, directory, disk, guard, topic } = props;
  const persistence = new PersistenceManager(directory);
  keepReleasedMessages(persistence, disk);
  const { sqsStore, snsStore } = loadStores(persistence);

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
  const queues = props.queues.map(({ name, visibilityTimeoutSeconds }) => {
    const deadLetterQueue = ensureQueue(deadLetterQueueOf(name), {});
    const queue = ensureQueue(name, {
      VisibilityTimeout: String(visibilityTimeoutSeconds),
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetterQueue.arn, maxReceiveCount }),
    });
    keepMessagesOnFailedReceive(queue, { deadLetterQueue, maxReceiveCount });
    return { name, queue, firstPoll: firstPollOf(queue) };
  });
  const byName = (name: string) => {
    const found = queues.find((each) => each.name === name);
    if (found === undefined) throw new Error(`There is no queue ${name}.`);
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
  endAbandonedPolls(app, sqsStore);
  app.addHook('onError', (_request, _reply, error, done) => {
    if (isFailedWrite(error)) disk.reportFailedWrite(error);
    done();
  });
  ownRequestsOnly(app.server, guard);
  await app.listen({ port, host });

  return {
    send: (name, body) => {
      try {
        byName(name).queue.enqueue(SqsStore.createMessage(body));
      } catch (error) {
        if (isFailedWrite(error)) disk.reportFailedWrite(error);
        throw error;
      }
    },
    firstPoll: (name) => byName(name).firstPoll,
    stop: async () => {
      await app.close();
      persistence.close();
    },
  };
};

/** Loads the stores before they may write: to insert a loaded queue again would delete its messages. */
const loadStores = (persistence: PersistenceManager) => {
  const sqsStore = new SqsStore();
  const snsStore = new SnsStore();
  persistence.loadSqsAndSns(sqsStore, snsStore);
  sqsStore.persistence = persistence;
  snsStore.persistence = persistence;
  for (const queue of sqsStore.allQueues()) queue.persistence = persistence;
  return { sqsStore, snsStore };
};

const firstPollOf = (queue: SqsQueue): Promise<void> =>
  new Promise((resolve) => {
    const dequeue = queue.dequeue.bind(queue);
    queue.dequeue = (...request) => {
      resolve();
      return dequeue(...request);
    };
  });

/** Replaces the subscription of an earlier run, so that a queue has one. */
const subscribe = (store: SnsStore, topicArn: string, queueArn: string, types: Subscriber['types']): void => {
  for (const { endpoint, arn: earlier } of store.listSubscriptionsByTopic(topicArn).subscriptions) {
    if (endpoint === queueArn) store.unsubscribe(earlier);
  }
  store.subscribe(topicArn, 'sqs', queueArn, {
    RawMessageDelivery: 'true',
    ...(types && { FilterPolicy: JSON.stringify({ type: types }) }),
  });
};
