import { join } from 'node:path';

/** The root of this project, so that an app can use its constructs from any folder. */
export const projectFolder = join(import.meta.dirname, '..', '..');
