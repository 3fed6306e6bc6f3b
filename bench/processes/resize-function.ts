import { createRequire } from 'node:module';
import { queueEvent } from '../../test/events.ts';
import { serveJobs } from './answer.ts';

/**
 * Usage: `resize-function <index.js>`. Loads the packaged function as Lambda does; each job is a list of
 * message bodies.
 */
const [, , indexFile = ''] = process.argv;
const { handler }: { handler: (event: unknown, context: object) => Promise<unknown> } =
  createRequire(indexFile)(indexFile);

serveJobs(async (job) => {
  if (!Array.isArray(job)) throw new Error('A job is a list of messages.');
  const events = job.map((body) => queueEvent(String(body)));
  return async () => {
    for (const event of events) {
      const answer = JSON.stringify(await handler(event, { awsRequestId: 'request' }));
      if (answer !== '{"batchItemFailures":[]}') throw new Error(`The function returned ${answer}.`);
    }
  };
});
