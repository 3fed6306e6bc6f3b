import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The state of the disk that all emulators write to. */
export interface Disk {
  /** Call it for every failed write. It prints the first one, and no more until writes work again. */
  reportFailedWrite(error: unknown): void;
  /** Whether a write has failed and none has worked since. */
  isFull(): boolean;
  /** Registers what to repair when there is room again. While a repair rejects, the disk counts as full. */
  onRoom(repair: () => Promise<void>): void;
}

const retryMilliseconds = 1000;

/** About what LevelDB writes in one go when it is opened again. */
const roomBytes = 4 * 1024 * 1024;

/** Watches the disk that holds this folder, from the first failed write until one works. */
export const createDisk = (folder: string): Disk => {
  const repairs: (() => Promise<void>)[] = [];
  const trial = join(folder, 'room');
  let isFull = false;

  const retry = async (): Promise<void> => {
    try {
      await writeFile(trial, Buffer.alloc(roomBytes));
      await rm(trial);
      await Promise.all(repairs.map((repair) => repair()));
    } catch {
      await rm(trial, { force: true }).catch(() => {});
      setTimeout(retry, retryMilliseconds).unref();
      return;
    }
    isFull = false;
    console.error(`\n  There is room for ${folder} again. All services work as before.\n`);
  };

  return {
    reportFailedWrite: (error) => {
      if (isFull) return;
      isFull = true;
      const message = error instanceof Error ? error.message : String(error);
      console.error(
        `\n  The disk is full: ${folder} cannot be written (${message}).\n` +
          '  Free some space. Until then uploads are refused; accepted images are kept.\n',
      );
      setTimeout(retry, retryMilliseconds).unref();
    },
    isFull: () => isFull,
    onRoom: (repair) => {
      repairs.push(repair);
    },
  };
};

/** No space, no quota, and a file larger than its limit. */
const fileCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** SQLite, "Result and Error Codes": SQLITE_FULL, and SQLITE_IOERR, whose higher bits give the reason. */
const sqliteCodes: readonly unknown[] = [13, 10];

/** Whether an error of Node's file system or of SQLite means that a write failed. */
export const isFailedWrite = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  if ('errcode' in error && typeof error.errcode === 'number')
    return sqliteCodes.includes(error.errcode & 0xff);
  return 'code' in error && fileCodes.includes(error.code);
};
