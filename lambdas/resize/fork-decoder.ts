import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';

/** A process that decodes, of which nothing has been heard yet. */
export interface ForkedDecoder {
  readonly child: ChildProcess;
  /** Descriptor of the file that its images are written to. */
  readonly file: number;
}

/** Beside this file, with the same ending: `.ts` as it is written, `.js` where it is packaged. */
const entry = join(import.meta.dirname, `decoder-process${extname(import.meta.filename)}`);

const environment = (): NodeJS.ProcessEnv => ({
  // A decoder talks to nobody: no credentials for it.
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))),
  // libvips would move images over 100 MB to disc, where nothing bounds them. Memory is bounded, and never by more than this.
  VIPS_DISC_THRESHOLD: '8g',
  // One image for each core, one thread for each image. With jemalloc it would be as many as there are cores: two made no
  // image of 12 megapixels faster, in none of the formats, and 16 cost 8 % more CPU (measured with sharp 0.35.5).
  VIPS_CONCURRENCY: '1',
});

/**
 * Where an image waits for its decoder, in the page cache: bytes get there and out again for a copy each. Through a socket
 * 4 MB took 14 ms, most of them the switches between two processes. No other process can find the file.
 */
const openUnnamedFile = (): number => {
  const path = join(tmpdir(), `image-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
};

/** Starts a process that decodes. It ends with this one. */
export const forkDecoder = (): ForkedDecoder => {
  const file = openUnnamedFile();
  const child = fork(entry, {
    execArgv: [],
    env: environment(),
    // Sends bytes as bytes.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', file, 'ipc'],
  });
  return { child, file };
};
