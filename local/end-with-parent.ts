import { startThread } from '../containers/thread.ts';

/**
 * Loaded into each child before its entry file: ends the child with its parent, even when the parent was
 * killed. The child could not finish anything then, because the emulators run in the parent.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// The channel must not keep a child alive that has finished.
process.channel?.unref();

const pollMilliseconds = 500;

// A blocked event loop gets no event, so a thread watches the parent as well: an orphan gets another one.
startThread(
  ({ parentPid, milliseconds }) => {
    setInterval(() => {
      if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL');
    }, milliseconds);
  },
  { parentPid: process.ppid, milliseconds: pollMilliseconds },
);
