import { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { decoderFiles } from '../../lambdas/resize/decoder/descriptors.ts';
import { printAndExit } from './output.ts';

/** `decoder-ready <index.js>`: loads the packaged resize function, until its decoder has loaded sharp. */
const [, , indexFile = ''] = process.argv;
subscribe('child_process', (message) => {
  if (typeof message !== 'object' || message === null || !('process' in message)) return;
  const { process: child } = message;
  if (!(child instanceof ChildProcess)) return;
  // Its first reply is that it is ready. This process reads it after this file ends, when the function is
  // loaded.
  child.once('spawn', () => child.stdio[decoderFiles.replies]?.once('data', () => printAndExit('ready')));
});
createRequire(indexFile)(indexFile);
// The decoder does not keep the process running.
setTimeout(() => process.exit(1), 30_000);
