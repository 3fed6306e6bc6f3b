import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that pillow-heif made, because no npm package encodes HEVC: see test/heic/generate.py. */
export const heicFile = (
  name: 'tiles' | 'tiles-without-thumbnail' | 'tiles-other-thumbnail' | 'deep-p3' | 'alpha' | 'photo',
): Buffer => readFileSync(join(import.meta.dirname, 'heic/fixtures', `${name}.heic`));
