import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { say } from './say.ts';

/** `first-reply <index.js> <event.json>`: loads the packaged function, and says so once it has answered. */
const [, , indexFile = '', eventFile = ''] = process.argv;
const {
  handler,
}: { handler: (event: unknown, context: object) => Promise<{ readonly statusCode: number }> } =
  createRequire(indexFile)(indexFile);

handler(JSON.parse(readFileSync(eventFile, 'utf8')), { awsRequestId: 'request' }).then(
  ({ statusCode }) => say(String(statusCode)),
  () => process.exit(1),
);
