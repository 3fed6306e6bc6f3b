import type { SQSClient } from '@aws-sdk/client-sqs';
import { createProgress } from '../progress.ts';
import { countMessages, moveDeadLetters } from './dead-letters.ts';
import type { Queue } from './queues.ts';

/**
 * Moves the dead letters of one queue, and prints the progress.
 *
 * @returns whether SQS moved every message that it returned
 */
export const redriveQueue = async (sqs: SQSClient, queue: Queue, stopping: AbortSignal): Promise<boolean> => {
  const { waiting, inFlight } = await countMessages(sqs, queue.deadLettersUrl);
  // A redrive that was killed leaves messages in flight, which become visible again.
  const total = waiting + inFlight;
  if (total === 0) return true;
  const progress = createProgress({ name: queue.name, total, describe: (moved) => `${moved} of ${total}` });
  let moved = 0;
  let failed = 0;
  try {
    for await (const counts of moveDeadLetters({ sqs, queue, maxMessages: total, stopping })) {
      ({ moved, failed } = counts);
      progress.show(moved);
    }
  } finally {
    progress.end();
    console.log(`${queue.name}: dead letters moved back: ${moved} of ${total}`);
  }
  if (failed > 0) console.error(`${queue.name}: dead letters that SQS did not move: ${failed}`);
  return failed === 0;
};

/** Prints how many dead letters a queue has, and how many messages wait in it. */
export const printCounts = async (sqs: SQSClient, { name, url, deadLettersUrl }: Queue): Promise<void> => {
  const { waiting, inFlight } = await countMessages(sqs, deadLettersUrl);
  const hidden = inFlight === 0 ? '' : ` (in flight, and hidden until their timeout: ${inFlight})`;
  console.log(`${name}: dead letters: ${waiting + inFlight}${hidden}`);
  console.log(`${name}: waiting in the queue: ${(await countMessages(sqs, url)).waiting}`);
};
