import { availableParallelism } from 'node:os';
import { Logger } from '@aws-lambda-powertools/logger';
import { DeleteMessageCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { readEnvironment } from '../lambdas/environment.ts';
import { resizeEnvironment } from '../lambdas/resize/environment.ts';
import { createResizeService } from '../lambdas/resize/service.ts';

const environment = readEnvironment(resizeEnvironment.extend({ RESIZE_QUEUE_URL: z.string().min(1) }));
const log = new Logger({ serviceName: 'resize' });
const handleMessage = createResizeService(environment, log);
const sqs = new SQSClient();
const QueueUrl = environment.RESIZE_QUEUE_URL;

const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
process.once('SIGINT', () => stopping.abort());

const receive = async (): Promise<readonly Message[]> => {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 1 }),
    { abortSignal: stopping.signal },
  );
  return Messages ?? [];
};

/** A message that fails stays in the queue: it comes back when its visibility timeout ends. */
const work = async ({ MessageId, Body, ReceiptHandle }: Message): Promise<void> => {
  try {
    await handleMessage(Body ?? '');
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  } catch (error) {
    log.error('message failed, to be delivered again', { messageId: MessageId, error });
  }
};

/** Takes one message after the other until the process is told to stop; finishes the one it holds. */
const poll = async (): Promise<void> => {
  while (!stopping.signal.aborted) {
    try {
      for (const message of await receive()) await work(message);
    } catch (error) {
      if (stopping.signal.aborted) return;
      log.error('the queue cannot be read', { error });
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
};

log.info('resize polls', { queue: QueueUrl });
await Promise.all(Array.from({ length: availableParallelism() }, poll));
log.info('resize stops', {});
