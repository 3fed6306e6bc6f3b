import { startThread } from './thread.ts';

interface Watched {
  readonly service: string;
  /** Counts up each time that the event loop has come round. */
  readonly beats: Int32Array<SharedArrayBuffer>;
  readonly checkMilliseconds: number;
  readonly maxMissedChecks: number;
}

const beatMilliseconds = 500;
const checkMilliseconds = 1000;

/**
 * Seconds. Nothing that these processes do by themselves takes one without a turn of the event loop: images are decoded
 * elsewhere. A busy machine may hold a process up for that long.
 */
const maxMissedChecks = 10;

/**
 * Ends this process, with one line in its log, when its event loop has not turned for 10 seconds; what started it starts
 * another one. Nothing else would: a blocked process answers no signal that it handles.
 *
 * What counts is the checks of the watching thread, not a clock: a machine that was suspended misses one. In a container
 * the process must not be the first one, which the kernel lets no signal of its own kind end (pid_namespaces(7)): run it
 * with an init process (`docker run --init`, `initProcessEnabled` in ECS). On Lambda there is no need of this: the timeout
 * of the function ends a blocked process, and the next invocation gets a new one.
 */
export const startWatchdog = (service: string): void => {
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  setInterval(() => Atomics.add(beats, 0, 1), beatMilliseconds).unref();
  startThread(watch, { service, beats, checkMilliseconds, maxMissedChecks });
};

const watch = ({ service, beats, ...rules }: Watched): void => {
  let seen = -1;
  let missed = 0;
  setInterval(() => {
    const beat = Atomics.load(beats, 0);
    missed = beat === seen ? missed + 1 : 0;
    seen = beat;
    if (missed < rules.maxMissedChecks) return;
    const message = 'the event loop is blocked, so the process is ended';
    const line = { level: 'ERROR', message, timestamp: new Date().toISOString(), service };
    // Not by `console`, which in a thread needs the event loop of the main one.
    try {
      process.getBuiltinModule('node:fs').writeSync(2, `${JSON.stringify(line)}\n`);
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  }, rules.checkMilliseconds);
};
