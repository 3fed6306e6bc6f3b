import { globSync } from 'node:fs';
import { join } from 'node:path';
import { lakePrefixes } from '../../../lambdas/lake/table.ts';
import { resources } from '../../../local/aws.ts';
import { dataFolderOf } from '../../../local/data-folder.ts';

/** The ports at which an `npm start` in this folder has written events, in ascending order. */
export const portsWithEvents = (): readonly number[] =>
  globSync('.local/*')
    .map((folder) => Number(folder.split(/[\\/]/).at(-1)))
    .filter((port) => Number.isInteger(port) && hasEvents(port))
    .sort((a, b) => a - b);

const hasEvents = (port: number): boolean =>
  globSync(join(dataFolderOf(port), 's3', resources.dataLakeBucket, lakePrefixes.events, '*')).length > 0;
