import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { extname, join } from 'node:path';
import { openUnnamedFile } from './unnamed-file.ts';

/** A decoder process that has not said anything yet. */
export interface ForkedDecoder {
  readonly child: ChildProcess;
  /** Descriptor of the file through which images and thumbnails pass. */
  readonly file: number;
}

/** Beside this file, with the same ending: `.ts` as it is written, `.js` where it is packaged. */
const entry = join(import.meta.dirname, `process${extname(import.meta.filename)}`);

/**
 * All that a decoder gets of the service's environment. No credentials, and no addresses of credentials either: those
 * of ECS tasks are in variables of their own.
 */
const passedOn = [
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
  ...Object.fromEntries(passedOn.map((name) => [name, process.env[name]])),
  // libvips would move images over 100 MB to disk, where nothing bounds them. Memory is bounded, and never by more than this.
  VIPS_DISC_THRESHOLD: '8g',
  // One image for each core, one thread for each image. With jemalloc it would be as many as there are cores: two made no
  // image of 12 megapixels faster, in none of the formats, and 16 cost 8 % more CPU (measured with sharp 0.35.5).
  VIPS_CONCURRENCY: '1',
});

/** Starts a decoder process. It ends with this one. Its descriptors are those of decoder-files.ts. */
export const forkDecoder = (): ForkedDecoder => {
  // Images wait there for their decoder, in the page cache: a copy in and a copy out. Through a socket 4 MB took 14 ms,
  // most of them for the switches between two processes.
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
