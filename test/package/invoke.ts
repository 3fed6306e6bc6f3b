/**
 * node invoke.ts <index.js>
 *
 * Loads a packaged function as Lambda's runtime does, and answers the one message that it gets, an event, with what
 * the function's handler makes of it.
 */
import { createRequire } from 'node:module';

const [, , indexFile = ''] = process.argv;
const { handler }: { handler: (event: unknown, context: object) => Promise<unknown> } = createRequire(
  import.meta.url,
)(indexFile);

process.once('message', async (event) => {
  const answer = await handler(event, { awsRequestId: 'request' });
  process.send?.(answer, undefined, undefined, () => process.disconnect());
});
