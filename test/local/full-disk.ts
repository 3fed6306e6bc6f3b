import { execFileSync } from 'node:child_process';

/**
 * Makes every write of a process to a file fail, as on a full disk, or lets it write again: no file of it may be longer than
 * a byte. So any user may, for processes of their own, without a disk that could really be filled. Pipes are no files.
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
