/**
 * node contain.ts <command> <argument>...
 *
 * Runs a command so that nothing it starts outlives it, nor whoever asked for it: the command has a process
 * group of its own, which is ended with the command, when standard input closes, or on a signal. A test that
 * is killed closes its end of standard input without having to do anything.
 */
import { spawn } from 'node:child_process';

const graceMilliseconds = 5000;
const [command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });

const signalGroup = (signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
};

const stop = (): void => {
  signalGroup('SIGTERM');
  setTimeout(() => signalGroup('SIGKILL'), graceMilliseconds).unref();
};

process.stdin.resume().once('end', stop).once('error', stop);
process.once('SIGINT', stop).once('SIGTERM', stop).once('SIGHUP', stop);
child.once('error', (error) => {
  console.error(`${command} cannot be started: ${error.message}`);
  process.exit(127);
});
child.once('exit', (code) => {
  signalGroup('SIGKILL');
  process.exit(code ?? 1);
});
