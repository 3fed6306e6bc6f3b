import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import type { Log } from '../lambdas/log.ts';
import { createSQSClient } from '../lambdas/store/clients.ts';
import { createHeartbeat } from './heartbeat.ts';

export interface QueueWorkerProps {
  /** What the log calls it. */
  readonly name: string;
  readonly queueUrl: string;
  /** Throws when the message is to be delivered again. */
  readonly handleMessage: (body: string) => Promise<void>;
  /** How many messages are worked on at once. */
  readonly concurrency: number;
  readonly log: Log;
}

/**
 * How long the queue may wait for a message. A worker that is to stop lets it answer: a message on its way to whoever
 * hangs up would stay hidden until its visibility timeout ends.
 */
const pollSeconds = 3;

/** SQS API Reference, "ReceiveMessage". */
const maxMessagesPerRequest = 10;

/** How often a worker whose places are all taken shows that it is alive. */
const busyBeatMilliseconds = 5000;

/** For how long it may do so while none of its messages ends: then the queue shows the first of them to others. */
const maxBusyMilliseconds = 720_000;

/** ECS kills a task 30 s after it asked it to stop: what is not done by then is handed back before. */
const finishMilliseconds = 20_000;

/** What a queue that does not answer may take of the rest; then the visibility timeout brings the messages back. */
const handBackMilliseconds = 7000;

/** Works off a queue until the process is told to stop; finishes what it holds by then. */
export const runQueueWorker = async (props: QueueWorkerProps): Promise<void> => {
  const { name, queueUrl: QueueUrl, handleMessage, concurrency, log } = props;
  const poller = createSQSClient(pollSeconds);
  const sqs = createSQSClient();
  /** The messages that are being worked on, by their receipts. */
  const held = new Map<string, Promise<void>>();
  const heartbeat = createHeartbeat(log);
  let lastProgress = performance.now();
  let isStopping = false;

  /** Waits for messages, but for no more than so many. */
  const receive = async (most: number): Promise<readonly Message[]> => {
    const { Messages } = await poller.send(
      new ReceiveMessageCommand({
        QueueUrl,
        WaitTimeSeconds: pollSeconds,
        MaxNumberOfMessages: Math.min(most, maxMessagesPerRequest),
      }),
    );
    return Messages ?? [];
  };

  /** A message that fails stays in the queue: it comes back when its visibility timeout ends. */
  const work = async ({ MessageId, Body = '', ReceiptHandle = '' }: Message): Promise<void> => {
    try {
      await handleMessage(Body);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    } catch (error) {
      log.error('message failed, to be delivered again', { messageId: MessageId, error });
    }
  };

  /** Keeps as many messages in work as there are places until the process is told to stop; finishes those that it holds. */
  const poll = async (): Promise<void> => {
    while (!isStopping) {
      heartbeat.beat();
      if (held.size >= concurrency) {
        await Promise.race(held.values());
        continue;
      }
      try {
        for (const message of await receive(concurrency - held.size)) {
          const { ReceiptHandle = '' } = message;
          const worked = work(message).finally(() => {
            held.delete(ReceiptHandle);
            lastProgress = performance.now();
          });
          held.set(ReceiptHandle, worked);
        }
      } catch (error) {
        log.error('the queue cannot be read', { error });
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
    await Promise.all(held.values());
  };

  /** Another worker gets at once what this one cannot finish. */
  const handBack = async (): Promise<void> => {
    log.warn('messages are handed back', { count: held.size });
    setTimeout(() => process.exit(0), handBackMilliseconds);
    await Promise.allSettled(
      [...held.keys()].map((ReceiptHandle) =>
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

  log.info(`${name} polls`, { queue: QueueUrl });
  const whileBusy = setInterval(() => {
    const isBusy = held.size >= concurrency && performance.now() - lastProgress < maxBusyMilliseconds;
    if (isBusy) heartbeat.beat();
  }, busyBeatMilliseconds);
  await poll();
  clearInterval(whileBusy);
  heartbeat.end();
  log.info(`${name} stops`, {});
};
