/**
 * node contain.ts <command> <argument>...
 *
 * Runs a command in a process group of its own, which ends with the command, when standard input closes, or
 * on a signal. So no descendant outlives the command or the test: standard input closes even if the test is
 * killed.
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
    // The group is empty.
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
