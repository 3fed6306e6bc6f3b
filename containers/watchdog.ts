import { startThread } from './thread.ts';

interface Watched {
  readonly service: string;
  /** Incremented on turns of the event loop. */
  readonly beats: Int32Array<SharedArrayBuffer>;
  readonly checkMilliseconds: number;
  readonly maxMissedChecks: number;
}

const beatMilliseconds = 500;
const checkMilliseconds = 1000;

/** Seconds. No work of these processes blocks the loop for so long; a busy machine may. */
const maxMissedChecks = 10;

/**
 * Logs a line and kills this process when its event loop has been blocked for 10 seconds, so that it is
 * restarted. A blocked process handles no signal. On Lambda the function's timeout does the same.
 *
 * The watching thread counts its checks instead of reading a clock, so that a suspended machine misses only
 * one. In a container this must not be the first process, which the kernel protects from such signals
 * (pid_namespaces(7)): run it with an init process (`docker run --init`, `initProcessEnabled` in ECS).
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
    // Not with `console`, which needs the event loop of the main thread.
    try {
      process.getBuiltinModule('node:fs').writeSync(2, `${JSON.stringify(line)}\n`);
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  }, rules.checkMilliseconds);
};
