import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { extname, join } from 'node:path';
import { openUnnamedFile } from './unnamed-file.ts';

/** A decoder process that has not replied yet. */
export interface ForkedDecoder {
  readonly child: ChildProcess;
  /** Descriptor of the file through which images and thumbnails pass. */
  readonly file: number;
}

/** `process.ts` beside this file, or `process.js` where that is packaged. */
const entry = join(import.meta.dirname, `process${extname(import.meta.filename)}`);

/** All that a decoder gets of the service's environment: no credentials, and no addresses of credentials. */
const inheritedVariables = [
  'PATH',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'MALLOC_ARENA_MAX',
  'TMPDIR',
  // Windows starts no process without these.
  'SYSTEMROOT',
  'TEMP',
] as const;

const environment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(inheritedVariables.map((name) => [name, process.env[name]])),
  // Otherwise libvips would move images over 100 MB to the disk, where no limit applies. The limit on memory
  // is lower than this.
  VIPS_DISC_THRESHOLD: '8g',
  // Each image keeps one core busy. With more threads no image of 12 megapixels is faster, and with jemalloc
  // libvips would start one for each core.
  VIPS_CONCURRENCY: '1',
});

/** Starts a decoder process, which ends with this one. `decoderFiles` names its descriptors. */
export const forkDecoder = (): ForkedDecoder => {
  // An image waits in this file, in the page cache. A socket would need many switches between the two
  // processes.
  const file = openUnnamedFile();
  try {
    const child = spawn(process.execPath, [entry], {
      env: environment(),
      stdio: ['pipe', 'ignore', 'pipe', file, 'pipe'],
    });
    return { child, file };
  } catch (error) {
    closeSync(file);
    throw error;
  }
};
