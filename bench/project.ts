import { join, resolve } from 'node:path';

/** The root of the project. */
export const project = resolve(import.meta.dirname, '..');

/** For files that the bench makes; it may be deleted at any time. */
export const benchFolder = join(project, '.tmp', 'bench');
