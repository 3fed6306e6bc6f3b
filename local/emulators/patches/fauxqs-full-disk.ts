/**
 * Patches: `SqsQueue.dequeue` of fauxqs.
 * Why: it moves messages in memory before it writes the move to disk. When the write fails, a message on its
 * way to the dead-letter queue is lost; any other one stays hidden and uses up a receive for nothing.
 * Restores: in SQS a ReceiveMessage request that fails changes no message.
 * Upstream issue: none found.
 */
import type { SqsQueue } from './fauxqs-internals.ts';

export interface FullDiskProps {
  readonly deadLetterQueue: SqsQueue;
  readonly maxReceiveCount: number;
}

export const keepMessagesOnFailedReceive = (
  queue: SqsQueue,
  { deadLetterQueue, maxReceiveCount }: FullDiskProps,
): void => {
  const dequeue = queue.dequeue.bind(queue);
  queue.dequeue = (...request) => {
    queue.processTimers();
    for (const message of queue.messages.filter((each) => each.approximateReceiveCount >= maxReceiveCount)) {
      // One write moves the message's row.
      deadLetterQueue.enqueue(message);
      queue.messages.splice(queue.messages.indexOf(message), 1);
    }
    const inFlightBefore = new Set(queue.inflightMessages.keys());
    try {
      return dequeue(...request);
    } catch (error) {
      for (const [handle, { message }] of queue.inflightMessages) {
        if (inFlightBefore.has(handle)) continue;
        queue.inflightMessages.delete(handle);
        message.approximateReceiveCount -= 1;
        queue.messages.unshift(message);
      }
      throw error;
    }
  };
};
