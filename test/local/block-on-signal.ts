import { isMainThread } from 'node:worker_threads';

/** Imported into a process by a test: blocks its event loop for ever when it gets SIGUSR2. */
if (isMainThread) {
  process.on('SIGUSR2', () => {
    for (;;);
  });
}
