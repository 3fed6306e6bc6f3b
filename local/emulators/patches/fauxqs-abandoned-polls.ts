/**
 * Patches: the request handling of fauxqs, by a hook.
 * Why: the long poll of a consumer that has died stays open and swallows the next message.
 * Restores: SQS gives a message to a consumer that is connected. Here a lost connection ends every long poll;
 * the consumers that still run poll again immediately.
 * Upstream issue: none found.
 */
import type { buildApp } from 'fauxqs';
import type { SqsStore } from './fauxqs-internals.ts';

export const endAbandonedPolls = (app: ReturnType<typeof buildApp>, sqsStore: SqsStore): void => {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return;
      for (const queue of sqsStore.allQueues()) queue.cancelWaiters();
    });
    done();
  });
};
