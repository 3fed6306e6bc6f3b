import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { createSQSClient } from '../lambdas/aws/clients.ts';
import type { Delivery } from '../lambdas/runtime/delivery.ts';
import type { Log } from '../lambdas/runtime/log.ts';
import { createHeartbeat } from './heartbeat.ts';

export interface WorkerQueue {
  readonly queueUrl: string;
  /** Throws when the message is to be delivered again. */
  readonly handleMessage: (body: string, delivery: Delivery) => Promise<void>;
  /** How many of its messages are processed at once. */
  readonly concurrency: number;
}

export interface QueueWorkerProps {
  /** What the log calls it. */
  readonly name: string;
  /** Each is processed independently of the others. */
  readonly queues: readonly WorkerQueue[];
  readonly log: Log;
}

/**
 * How long the queue may wait for a message. A worker that is to stop lets it answer: a message on its way to a worker that
 * hangs up would stay hidden until its visibility timeout ends.
 */
const pollSeconds = 3;

/** SQS API Reference, "ReceiveMessage". */
const maxMessagesPerRequest = 10;

/** How often a worker shows that it is alive. */
const beatMilliseconds = 5000;

/**
 * Longer than a worker asks a queue that does not answer: three tries of 8 seconds, the pauses between them, and one
 * second before it asks again.
 */
const maxTurnMilliseconds = 40_000;

/** How long a full worker may take no message and end none: then the queue shows the first of them to others. */
const maxBusyMilliseconds = 720_000;

/** What shows whether the processing of one queue goes on. */
interface Loop {
  turnedAt: number;
  progressedAt: number;
  readonly isFull: () => boolean;
}

const isAlive = ({ turnedAt, progressedAt, isFull }: Loop): boolean => {
  const now = performance.now();
  return isFull() ? now - progressedAt < maxBusyMilliseconds : now - turnedAt < maxTurnMilliseconds;
};

/** ECS kills a task 30 s after it asked it to stop: what is not done by then is handed back before. */
const finishMilliseconds = 20_000;

/** What a queue that does not answer may take of the rest; then the visibility timeout brings the messages back. */
const handBackMilliseconds = 7000;

/** Processes the messages of queues until the process is told to stop; finishes what it holds by then. */
export const runQueueWorker = async ({ name, queues, log }: QueueWorkerProps): Promise<void> => {
  const poller = createSQSClient(pollSeconds);
  const sqs = createSQSClient();
  /** The messages in work, by their receipts. */
  const held = new Map<string, { readonly QueueUrl: string }>();
  const heartbeat = createHeartbeat(log);
  const loops = new Set<Loop>();
  let isStopping = false;

  /** A message that fails stays in the queue: it comes back when its visibility timeout ends. */
  const work = async (
    { queueUrl: QueueUrl, handleMessage }: WorkerQueue,
    { MessageId, Body = '', ReceiptHandle = '', Attributes }: Message,
  ): Promise<void> => {
    try {
      await handleMessage(Body, { receiveCount: Number(Attributes?.ApproximateReceiveCount) });
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    } catch (error) {
      log.error('message failed, to be delivered again', { messageId: MessageId, error });
    }
  };

  /** Keeps as many messages of one queue in work as there are places, until the process is told to stop. */
  const poll = async (queue: WorkerQueue): Promise<void> => {
    const { queueUrl: QueueUrl, concurrency } = queue;
    const inWork = new Set<Promise<void>>();
    const now = performance.now();
    const loop: Loop = { turnedAt: now, progressedAt: now, isFull: () => inWork.size >= concurrency };
    loops.add(loop);
    while (!isStopping) {
      loop.turnedAt = performance.now();
      if (inWork.size >= concurrency) {
        await Promise.race(inWork);
        continue;
      }
      try {
        const { Messages = [] } = await poller.send(
          new ReceiveMessageCommand({
            QueueUrl,
            WaitTimeSeconds: pollSeconds,
            MaxNumberOfMessages: Math.min(concurrency - inWork.size, maxMessagesPerRequest),
            MessageSystemAttributeNames: ['ApproximateReceiveCount'],
          }),
        );
        for (const message of Messages) {
          const { ReceiptHandle = '' } = message;
          const done = work(queue, message).finally(() => {
            inWork.delete(done);
            held.delete(ReceiptHandle);
            loop.progressedAt = performance.now();
          });
          inWork.add(done);
          loop.progressedAt = performance.now();
          held.set(ReceiptHandle, { QueueUrl });
        }
      } catch (error) {
        log.error('the queue cannot be read', { error });
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
    await Promise.all(inWork);
    loops.delete(loop);
  };

  /** Another worker gets at once what this one cannot finish. */
  const handBack = async (): Promise<void> => {
    log.warn('messages are handed back', { count: held.size });
    setTimeout(() => process.exit(0), handBackMilliseconds);
    await Promise.allSettled(
      [...held].map(([ReceiptHandle, { QueueUrl }]) =>
        sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 })),
      ),
    );
    process.exit(0);
  };

  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(handBack, finishMilliseconds).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  log.info(`${name} polls`, { queues: queues.map(({ queueUrl }) => queueUrl) });
  heartbeat.beat();
  const beating = setInterval(() => {
    if ([...loops].every(isAlive)) heartbeat.beat();
  }, beatMilliseconds);
  await Promise.all(queues.map(poll));
  clearInterval(beating);
  heartbeat.end();
  log.info(`${name} stops`, {});
};
