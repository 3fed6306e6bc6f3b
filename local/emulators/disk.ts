import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the services say of the disk that they share. */
export interface Disk {
  /** To be told of every write that failed. The person at the keyboard is told once, until writes work again. */
  failed(error: unknown): void;
  /** Whether a write has failed and none has worked since. */
  isFull(): boolean;
  /** Called when there is room; while it rejects, the disk counts as full. */
  onRoom(repair: () => Promise<void>): void;
}

/** How often it is tried whether there is room again. */
const tryMilliseconds = 1000;

/** LevelDB writes about as much at once when it is opened again. */
const roomBytes = 4 * 1024 * 1024;

/** Watches the disk with this folder, from the first write that fails until one works. */
export const createDisk = (folder: string): Disk => {
  const repairs: (() => Promise<void>)[] = [];
  const trial = join(folder, 'room');
  let isFull = false;

  const tryAgain = async (): Promise<void> => {
    try {
      await writeFile(trial, Buffer.alloc(roomBytes));
      await rm(trial);
      await Promise.all(repairs.map((repair) => repair()));
    } catch {
      await rm(trial, { force: true }).catch(() => {});
      setTimeout(tryAgain, tryMilliseconds).unref();
      return;
    }
    isFull = false;
    console.error(`\n  There is room for ${folder} again: everything works as before.\n`);
  };

  return {
    failed: (error) => {
      if (isFull) return;
      isFull = true;
      const message = error instanceof Error ? error.message : String(error);
      console.error(
        `\n  The disk is full: ${folder} cannot be written (${message}).\n` +
          '  Make room. Until then uploads are refused; images that were accepted before are kept.\n',
      );
      setTimeout(tryAgain, tryMilliseconds).unref();
    },
    isFull: () => isFull,
    onRoom: (repair) => {
      repairs.push(repair);
    },
  };
};

/** As the file system says it: no room, no quota, and a file that would exceed its limit. */
const fileCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** SQLite, "Result and Error Codes": SQLITE_FULL, and SQLITE_IOERR, of which the higher bits say more. */
const sqliteCodes: readonly unknown[] = [13, 10];

/** Whether an error of Node's file system or of SQLite means that something could not be written. */
export const isFailedWrite = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  if ('errcode' in error && typeof error.errcode === 'number')
    return sqliteCodes.includes(error.errcode & 0xff);
  return 'code' in error && fileCodes.includes(error.code);
};
