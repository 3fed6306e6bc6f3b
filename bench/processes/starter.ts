import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type Started, startSchema } from './started.ts';

/** Starts a process, waits for its first word and then for its end. */
const untilFirstWord = async (message: unknown): Promise<Started> => {
  const { file, args, env } = startSchema.parse(message);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [file, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  // What it has to end with is done then, such as to write a compile cache.
  const exit = once(child, 'exit');
  const pipe = child.stdio[3];
  if (!(pipe instanceof Readable)) throw new Error('The process has no pipe.');
  const word = await Promise.race([once(pipe, 'data'), once(pipe, 'end')]);
  const milliseconds = performance.now() - startedAt;
  await exit;
  return word.length === 0 ? { failed: 'it ended without a word' } : { milliseconds, word: String(word) };
};

/**
 * Starts processes, one after the other, and tells how long each took until its first word. In a process of its own, which
 * is small: Linux copies the page tables of whoever starts a process, 40 ms for those of a gigabyte.
 */
process.on('message', (message) => {
  untilFirstWord(message).then(
    (started) => process.send?.(started),
    (error) => process.send?.({ failed: String(error) }),
  );
});
process.once('disconnect', () => process.exit());
