import { isMainThread } from 'node:worker_threads';

/** Preloaded into a process: blocks its event loop forever when it receives SIGUSR2. */
if (isMainThread) {
  process.on('SIGUSR2', () => {
    for (;;);
  });
}
