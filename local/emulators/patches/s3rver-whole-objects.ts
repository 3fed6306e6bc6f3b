/**
 * Patches: `FilesystemStore.putObject` of s3rver.
 * Why: it writes an object into its final place, where readers see it half written and a killed process
 * leaves it torn. It also ignores `x-amz-checksum-sha256` and `If-None-Match: *`.
 * Restores: S3 stores an object whole or not at all, refuses one whose checksum differs, and with
 * `If-None-Match: *` refuses a key that exists.
 * Upstream issue: none found.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FilesystemStore } from '@20minutes/s3rver';
import S3Error from '@20minutes/s3rver/lib/models/error.js';
import { type Disk, isFailedWrite } from '../disk.ts';

export interface WholeObjectsProps {
  /** The folder of the store. */
  readonly directory: string;
  readonly disk: Disk;
}

/** A bucket that no client can name: objects are written here and then moved. */
const unfinishedBucket = '.unfinished';

export const makeWritesAtomic = async (
  store: FilesystemStore,
  { directory, disk }: WholeObjectsProps,
): Promise<void> => {
  await rm(join(directory, unfinishedBucket), { recursive: true, force: true });
  const put = store.putObject.bind(store);
  store.putObject = async (object) => {
    const headers = object.content.headers ?? {};
    const sha256 = createHash('sha256');
    const hashed = async function* () {
      // A connection that is destroyed when a write fails could not carry the error to the client.
      for await (const chunk of object.content.iterator?.({ destroyOnReturn: false }) ?? object.content) {
        sha256.update(chunk);
        yield chunk;
      }
    };
    const folder = randomUUID();
    const unfinished = { ...object, content: hashed(), bucket: unfinishedBucket, key: `${folder}/object` };
    try {
      const result = await put(unfinished);
      const expected = headers['x-amz-checksum-sha256'];
      if (expected !== undefined && expected !== sha256.digest('base64')) {
        throw new S3Error('BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
      }
      const partPath = (part: string) => store.getResourcePath(object.bucket, object.key, part);
      await mkdir(dirname(partPath('object')), { recursive: true });
      // Synchronous from here on, so that only one of several writers to a new key succeeds.
      if (headers['if-none-match'] === '*' && existsSync(partPath('object'))) {
        throw new S3Error(
          'PreconditionFailed',
          'At least one of the pre-conditions you specified did not hold',
        );
      }
      for (const part of ['metadata.json', 'object.md5', 'object']) {
        renameSync(store.getResourcePath(unfinished.bucket, unfinished.key, part), partPath(part));
      }
      return result;
    } catch (error) {
      if (isFailedWrite(error)) disk.reportFailedWrite(error);
      // Discards the rest of the body, so that the connection can carry the next request.
      object.content.resume?.();
      throw error;
    } finally {
      await rm(join(directory, unfinishedBucket, folder), { recursive: true, force: true });
    }
  };
};
