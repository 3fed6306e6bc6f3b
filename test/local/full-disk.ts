import { execFileSync } from 'node:child_process';

/**
 * Makes every write of a process to a file fail, as on a full disk, or lets it write again. It limits the
 * size of the process's files to one byte, which needs neither a privilege nor a disk to fill. Pipes are not
 * affected.
 */
const limitFiles = (pid: number, bytes: string): void => {
  try {
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
  } catch (cause) {
    throw new Error('Full disks are tried with prlimit, which is part of util-linux on every Linux.', {
      cause,
    });
  }
};

export const fillDisk = (...pids: readonly number[]): void => {
  for (const pid of pids) limitFiles(pid, '1');
};

export const makeRoom = (...pids: readonly number[]): void => {
  for (const pid of pids) limitFiles(pid, 'unlimited');
};
