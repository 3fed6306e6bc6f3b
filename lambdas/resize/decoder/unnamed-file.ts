import { randomUUID } from 'node:crypto';
import { constants, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Linux's O_TMPFILE (open(2)), which Node.js has no name for: the same number on arm64 and x64. */
const temporaryFile = 0o20_000_000 | constants.O_DIRECTORY;

/** What open(2) says where the kernel or the file system does not know such files. */
const unknownThere = ['EOPNOTSUPP', 'EISDIR', 'ENOENT', 'EINVAL'];

/**
 * A file that has no name at any moment, in the folder for temporary files unless another is named. If it had one, another
 * process could open it before the name is removed: it only has to list the folder in a loop.
 */
export const openUnnamedFile = (folder = tmpdir()): number => {
  if (process.platform === 'linux') {
    try {
      return openSync(folder, temporaryFile | constants.O_RDWR, 0o600);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && unknownThere.includes(String(error.code))))
        throw error;
      process.emitWarning('Files in the folder for temporary files have a name for a moment there.', {
        detail: String(error),
      });
    }
  }
  const path = join(folder, `image-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
};
