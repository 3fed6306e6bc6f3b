import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { postEvent } from '../../test/events.ts';
import { serveJobs } from './answer.ts';

/**
 * `ingest-function <index.js>`: the packaged function, loaded as in Lambda. A job is the name of a file to
 * post.
 */
const [, , indexFile = ''] = process.argv;
const {
  handler,
}: { handler: (event: unknown, context: object) => Promise<{ readonly statusCode: number }> } =
  createRequire(indexFile)(indexFile);

serveJobs(async (job) => {
  const event = postEvent('/upload_image', await readFile(String(job)));
  return async () => {
    const { statusCode } = await handler(event, { awsRequestId: 'request' });
    if (statusCode !== 202) throw new Error(`The function replied ${statusCode}.`);
  };
});
