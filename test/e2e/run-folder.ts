import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** An empty folder for this run below `.tmp/<name>`. Folders of killed runs are removed. */
export const createRunFolder = (name: string): string => {
  const parent = resolve('.tmp', name);
  mkdirSync(parent, { recursive: true });
  for (const folder of readdirSync(parent)) {
    const [, pid] = /^run-(\d+)$/.exec(folder) ?? [];
    if (pid === undefined || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue;
    rmSync(join(parent, folder), { recursive: true, force: true });
  }
  const folder = join(parent, `run-${process.pid}`);
  mkdirSync(folder);
  return folder;
};
