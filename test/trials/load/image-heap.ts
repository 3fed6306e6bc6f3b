import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from '../../local/processes.ts';

const [, options] =
  /^ENV NODE_OPTIONS="(.+)"$/m.exec(readFileSync(join(project, 'Dockerfile'), 'utf8')) ?? [];
if (options === undefined) throw new Error('The Dockerfile says nothing of NODE_OPTIONS.');

/**
 * How the image bounds the heap. On a larger machine Node would rather let it grow than collect, and a leak could not be told
 * from laziness.
 */
export const imageHeap = { NODE_OPTIONS: options };
