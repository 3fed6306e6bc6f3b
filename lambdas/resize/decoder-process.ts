import { ftruncateSync, readSync } from 'node:fs';
import { ImageError } from '../image/errors.ts';
import type { ImageLimits } from '../image/limits.ts';
import type { DecoderReply, DecoderRequest } from './decoder-protocol.ts';
import { renderImage } from './render.ts';

/**
 * The process that decodes: one image after the other, and nothing else. It may be killed at any moment, and often starts
 * while somebody waits: it loads nothing but sharp. Zod would take 15 ms more, to check what our own code asks for.
 */

/** The file descriptor that an image's bytes are read from. */
const bytesFile = 3;

/** How often memory is looked at: what a decoder can take meanwhile, about 50 MB, is what it may be over its limit. */
const memoryCheckMilliseconds = 10;

const reply = (message: DecoderReply): void => {
  // That it cannot be sent is told by "disconnect".
  process.send?.(message, () => {});
};

/** Takes the image out of the file: its bytes need not stay in the page cache, nor get to the disc. */
const receive = (length: number): Uint8Array => {
  const bytes = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const count = readSync(bytesFile, bytes, filled, length - filled, filled);
    if (count === 0) throw new Error(`The file ends after ${filled} bytes instead of ${length}.`);
    filled += count;
  }
  ftruncateSync(bytesFile, 0);
  return bytes;
};

/** libvips runs in other threads: this one is free to look at what they take. Whoever is told will end the process. */
const watchMemory = ({ decodeMemoryMiB }: ImageLimits): NodeJS.Timeout => {
  const maxBytes = decodeMemoryMiB * 2 ** 20;
  const timer = setInterval(() => {
    if (process.memoryUsage.rss() <= maxBytes) return;
    clearInterval(timer);
    reply({
      kind: 'refused',
      code: 'decode-memory',
      detail: `Decoding it takes more than ${decodeMemoryMiB} MiB.`,
    });
  }, memoryCheckMilliseconds);
  return timer;
};

process.on('message', async ({ bytes, variants, limits }: DecoderRequest) => {
  const watch = watchMemory(limits);
  try {
    reply({ kind: 'rendered', rendering: await renderImage(receive(bytes), variants, limits) });
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    reply({ kind: 'refused', ...error.failure });
  } finally {
    clearInterval(watch);
  }
});

// Whoever asked is gone, and with it whoever would end a decode that takes too long.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
reply({ kind: 'ready' });
