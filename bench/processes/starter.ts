import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type Started, startSchema } from './started.ts';

/** Starts a process, and waits for its output and then for its exit. */
const untilOutput = async (message: unknown): Promise<Started> => {
  const { file, args, env } = startSchema.parse(message);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [file, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  // By its exit it has written its compile cache.
  const exit = once(child, 'exit');
  const pipe = child.stdio[3];
  if (!(pipe instanceof Readable)) throw new Error('The process has no pipe.');
  const output = await Promise.race([once(pipe, 'data'), once(pipe, 'end')]);
  const milliseconds = performance.now() - startedAt;
  await exit;
  return output.length === 0 ? { failed: 'it printed nothing' } : { milliseconds, output: String(output) };
};

/**
 * Starts processes, one after the other, and reports the time until the output of each. It is a small process
 * of its own, because Linux copies the page tables of the parent: 40 ms for those of a gigabyte.
 */
process.on('message', (message) => {
  untilOutput(message).then(
    (started) => process.send?.(started),
    (error) => process.send?.({ failed: String(error) }),
  );
});
process.once('disconnect', () => process.exit());
