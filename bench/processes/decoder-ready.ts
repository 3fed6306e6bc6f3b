import { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { decoderFiles } from '../../lambdas/resize/decoder/descriptors.ts';
import { say } from './say.ts';

/** `decoder-ready <index.js>`: loads the packaged resize function, and says so once its decoder has loaded sharp, too. */
const [, , indexFile = ''] = process.argv;
subscribe('child_process', (message) => {
  if (typeof message !== 'object' || message === null || !('process' in message)) return;
  const { process: child } = message;
  if (!(child instanceof ChildProcess)) return;
  // Its first reply is that it is ready. It is read once this file has run to its end: the function is loaded by then.
  child.once('spawn', () => child.stdio[decoderFiles.replies]?.once('data', () => say('ready')));
});
createRequire(indexFile)(indexFile);
// A decoder is no reason for a function to stay.
setTimeout(() => process.exit(1), 30_000);
