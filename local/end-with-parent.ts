import { startThread } from '../containers/thread.ts';

/**
 * Loaded into each child before its entry file: ends the child with the process that started it, even when that one
 * was killed. Nothing could be finished then anyway, because S3 and the queue went with it.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// To wait for that must not keep the child from ending by itself.
process.channel?.unref();

const pollMilliseconds = 500;

// An event loop that is blocked has no events. A process whose parent has ended is given another one.
startThread(
  ({ parentPid, milliseconds }) => {
    setInterval(() => {
      if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL');
    }, milliseconds);
  },
  { parentPid: process.ppid, milliseconds: pollMilliseconds },
);
