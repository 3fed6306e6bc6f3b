import { join, resolve } from 'node:path';

/** The project's top. */
export const project = resolve(import.meta.dirname, '..');

/** What the bench makes and may be deleted at any time. */
export const benchFolder = join(project, '.tmp', 'bench');
