import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from '../../local/processes.ts';

const [, options] =
  /^ENV NODE_OPTIONS="(.+)"$/m.exec(readFileSync(join(project, 'Dockerfile'), 'utf8')) ?? [];
if (options === undefined) throw new Error('The Dockerfile does not set NODE_OPTIONS.');

/**
 * The limit of the image on the heap. Without it Node.js lets the heap grow on a large machine instead of
 * collecting garbage, and that looks like a leak.
 */
export const imageHeap = { NODE_OPTIONS: options };
