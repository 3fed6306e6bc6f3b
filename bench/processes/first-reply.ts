import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { printAndExit } from './output.ts';

/** `first-reply <index.js> <event.json>`: loads the packaged function, and prints the status of its reply. */
const [, , indexFile = '', eventFile = ''] = process.argv;
const {
  handler,
}: { handler: (event: unknown, context: object) => Promise<{ readonly statusCode: number }> } =
  createRequire(indexFile)(indexFile);

handler(JSON.parse(readFileSync(eventFile, 'utf8')), { awsRequestId: 'request' }).then(
  ({ statusCode }) => printAndExit(String(statusCode)),
  () => process.exit(1),
);
