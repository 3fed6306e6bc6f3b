import { randomUUID } from 'node:crypto';
import { constants, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Linux's O_TMPFILE (open(2)), which Node.js does not name. It is the same on arm64 and x64. */
const temporaryFile = 0o20_000_000 | constants.O_DIRECTORY;

/** Errors of open(2) where the kernel or the file system does not support such files. */
const unsupported = ['EOPNOTSUPP', 'EISDIR', 'ENOENT', 'EINVAL'];

const isUnsupported = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && unsupported.includes(String(error.code));

/**
 * Opens a file that never has a name. While a file has one, another process that lists the folder can open
 * it.
 *
 * @param folder where it is stored. @default - the folder for temporary files
 */
export const openUnnamedFile = (folder = tmpdir()): number => {
  if (process.platform === 'linux') {
    try {
      return openSync(folder, temporaryFile | constants.O_RDWR, 0o600);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      process.emitWarning('Temporary files have a name for a moment: the file system requires it.', {
        detail: String(error),
      });
    }
  }
  const path = join(folder, `image-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
};
