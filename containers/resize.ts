import { availableParallelism } from 'node:os';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { readEnvironment } from '../lambdas/environment.ts';
import { createLog } from '../lambdas/log.ts';
import { resizeEnvironment } from '../lambdas/resize/environment.ts';
import { createResizeService } from '../lambdas/resize/service.ts';
import { createSQSClient } from '../lambdas/store/clients.ts';

const environment = readEnvironment(resizeEnvironment.extend({ RESIZE_QUEUE_URL: z.string().min(1) }));
const log = createLog('resize');
const handleMessage = createResizeService(environment, log);
/**
 * How long the queue may wait for a message. A worker that is to stop lets it answer: a message on its way to whoever
 * hangs up would stay hidden until its visibility timeout ends.
 */
const pollSeconds = 3;
const poller = createSQSClient(pollSeconds);
const sqs = createSQSClient();
const QueueUrl = environment.RESIZE_QUEUE_URL;

/** ECS kills a task 30 s after it asked it to stop: what is not done by then is handed back before. */
const finishMilliseconds = 20_000;

/** The receipts of the messages that are being worked on. */
const held = new Set<string>();

let isStopping = false;

const receive = async (): Promise<readonly Message[]> => {
  const { Messages } = await poller.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: pollSeconds, MaxNumberOfMessages: 1 }),
  );
  return Messages ?? [];
};

/** A message that fails stays in the queue: it comes back when its visibility timeout ends. */
const work = async ({ MessageId, Body = '', ReceiptHandle = '' }: Message): Promise<void> => {
  held.add(ReceiptHandle);
  try {
    await handleMessage(Body);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  } catch (error) {
    log.error('message failed, to be delivered again', { messageId: MessageId, error });
  } finally {
    held.delete(ReceiptHandle);
  }
};

/** Takes one message after the other until the process is told to stop; finishes the one it holds. */
const poll = async (): Promise<void> => {
  while (!isStopping) {
    try {
      for (const message of await receive()) await work(message);
    } catch (error) {
      log.error('the queue cannot be read', { error });
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
};

/** Another worker gets at once what this one cannot finish. */
const handBack = async (): Promise<void> => {
  log.warn('messages are handed back', { count: held.size });
  await Promise.allSettled(
    [...held].map((ReceiptHandle) =>
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

log.info('resize polls', { queue: QueueUrl });
await Promise.all(Array.from({ length: availableParallelism() }, poll));
log.info('resize stops', {});
