import type { SQSClient } from '@aws-sdk/client-sqs';
import { countMessages, moveDeadLetters } from './dead-letters.ts';
import { createProgress } from './progress.ts';
import type { Queue } from './queues.ts';

/**
 * Moves the dead letters of one queue, and says how far it is.
 *
 * @returns whether SQS did all that it was asked to
 */
export const redriveQueue = async (sqs: SQSClient, queue: Queue, stopping: AbortSignal): Promise<boolean> => {
  const { waiting, inHand } = await countMessages(sqs, queue.deadLettersUrl);
  // What somebody has received comes back unless they delete it: a redrive that was killed left it so.
  const most = waiting + inHand;
  if (most === 0) return true;
  const progress = createProgress(queue.name, most);
  let moved = 0;
  let kept = 0;
  try {
    const onMoved = (done: number): void => {
      moved = done;
      progress.show(done);
    };
    kept = await moveDeadLetters({ sqs, queue, most, stopping, onMoved });
  } finally {
    progress.end();
    console.log(`${queue.name}: dead letters moved back: ${moved} of ${most}`);
  }
  if (kept > 0) console.error(`${queue.name}: dead letters that SQS did not move: ${kept}`);
  return kept === 0;
};

/** Says how many dead letters a queue has, and how many messages it has itself. */
export const tellCounts = async (sqs: SQSClient, { name, url, deadLettersUrl }: Queue): Promise<void> => {
  const { waiting, inHand } = await countMessages(sqs, deadLettersUrl);
  const hidden = inHand === 0 ? '' : ` (hidden for now, because somebody has received them: ${inHand})`;
  console.log(`${name}: dead letters: ${waiting + inHand}${hidden}`);
  console.log(`${name}: waiting in the queue: ${(await countMessages(sqs, url)).waiting}`);
};
