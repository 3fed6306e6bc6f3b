/**
 * node invoke.ts <index.js>
 *
 * Loads a packaged function like Lambda's runtime. It receives one event, and sends the handler's result.
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
