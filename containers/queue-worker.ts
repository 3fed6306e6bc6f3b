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
  /** Throws to have the message delivered again. */
  readonly handleMessage: (body: string, delivery: Delivery) => Promise<void>;
  /** How many of its messages are processed at a time. */
  readonly concurrency: number;
}

export interface QueueWorkerProps {
  /** Names the worker in the log. */
  readonly name: string;
  /** Processed independently of each other. */
  readonly queues: readonly WorkerQueue[];
  readonly log: Log;
}

/**
 * How long the queue waits for a message. A stopping worker lets an open poll end: if it disconnected, a
 * message that is already on its way would stay hidden until its visibility timeout ends.
 */
const pollSeconds = 3;

/** SQS API Reference, "ReceiveMessage". */
const maxMessagesPerRequest = 10;

/** How often a worker updates its heartbeat. */
const beatMilliseconds = 5000;

/** Longer than polling an unresponsive queue takes: three attempts of 8 s, pauses, and one second more. */
const maxTurnMilliseconds = 40_000;

/** How long a full worker may make no progress. By then the queue redelivers its first message. */
const maxBusyMilliseconds = 720_000;

/** The progress of polling one queue. */
interface Loop {
  polledAt: number;
  progressedAt: number;
  readonly isFull: () => boolean;
}

const isAlive = ({ polledAt, progressedAt, isFull }: Loop): boolean => {
  const now = performance.now();
  return isFull() ? now - progressedAt < maxBusyMilliseconds : now - polledAt < maxTurnMilliseconds;
};

/** ECS kills a task 30 s after the signal to stop: unfinished messages are released before. */
const finishMilliseconds = 20_000;

/** How long releasing them may take. Otherwise their visibility timeout ends. */
const releaseMilliseconds = 7000;

/** Processes the messages of queues. After a signal to stop it finishes those that it holds. */
export const runQueueWorker = async ({ name, queues, log }: QueueWorkerProps): Promise<void> => {
  const poller = createSQSClient(pollSeconds);
  const sqs = createSQSClient();
  /** Messages that are being processed, by their receipt handles. */
  const held = new Map<string, { readonly QueueUrl: string }>();
  const heartbeat = createHeartbeat(log);
  const loops = new Set<Loop>();
  let isStopping = false;

  /** A message that fails stays in the queue and is delivered again when its visibility timeout ends. */
  const processMessage = async (
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

  /** Keeps all places of one queue busy until the process stops. */
  const poll = async (queue: WorkerQueue): Promise<void> => {
    const { queueUrl: QueueUrl, concurrency } = queue;
    const inProgress = new Set<Promise<void>>();
    const now = performance.now();
    const loop: Loop = { polledAt: now, progressedAt: now, isFull: () => inProgress.size >= concurrency };
    loops.add(loop);
    while (!isStopping) {
      loop.polledAt = performance.now();
      if (inProgress.size >= concurrency) {
        await Promise.race(inProgress);
        continue;
      }
      try {
        const { Messages = [] } = await poller.send(
          new ReceiveMessageCommand({
            QueueUrl,
            WaitTimeSeconds: pollSeconds,
            MaxNumberOfMessages: Math.min(concurrency - inProgress.size, maxMessagesPerRequest),
            MessageSystemAttributeNames: ['ApproximateReceiveCount'],
          }),
        );
        for (const message of Messages) {
          const { ReceiptHandle = '' } = message;
          const done = processMessage(queue, message).finally(() => {
            inProgress.delete(done);
            held.delete(ReceiptHandle);
            loop.progressedAt = performance.now();
          });
          inProgress.add(done);
          loop.progressedAt = performance.now();
          held.set(ReceiptHandle, { QueueUrl });
        }
      } catch (error) {
        log.error('the queue cannot be read', { error });
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
    await Promise.all(inProgress);
    loops.delete(loop);
  };

  /** Releases unfinished messages, so that other workers get them immediately. */
  const release = async (): Promise<void> => {
    log.warn('unfinished messages are released', { count: held.size });
    setTimeout(() => process.exit(0), releaseMilliseconds);
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
    setTimeout(release, finishMilliseconds).unref();
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
