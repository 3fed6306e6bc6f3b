import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Partition, partitionPrefix } from '../../lambdas/lake/table.ts';

/** Stores rows as the S3 emulator would store an object. */
export const storeRows = async (
  bucketFolder: string,
  partition: Partition,
  lines: readonly string[],
): Promise<void> => {
  const folder = join(bucketFolder, partitionPrefix(partition));
  await mkdir(folder, { recursive: true });
  const object = join(folder, `${randomUUID()}.json._S3rver_`);
  await writeFile(`${object}object`, lines.join(''));
  await writeFile(`${object}object.md5`, 'd41d8cd98f00b204e9800998ecf8427e');
  await writeFile(`${object}metadata.json`, '{}');
};
