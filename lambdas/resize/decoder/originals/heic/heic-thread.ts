import { parentPort } from 'node:worker_threads';
import { decodeHeic, NotAsAnnounced } from './decode.ts';
import type { HeicJob, RefusedHeic, ThreadReply } from './job.ts';
import { LibheifError, loadLibheif } from './libheif.ts';

/*
 * The thread that runs libheif. A decode is one synchronous call, for seconds if there are no tiles. In a
 * thread of its own it leaves the process free to measure CPU time and memory (process.ts), which would go
 * unwatched otherwise. Starting the thread costs much less than loading the library.
 */

const port = parentPort;
if (port === null) throw new Error('This file runs as a thread.');

/** Samples are handed over, not copied. */
const send = (reply: ThreadReply): void => {
  const isPicture = reply !== 'ready' && reply.kind === 'decoded';
  port.postMessage(reply, isPicture ? [reply.samples.buffer] : []);
};

const refusalOf = (error: unknown): RefusedHeic => {
  if (error instanceof LibheifError) {
    const code = error.isOverLimit
      ? 'image-too-large'
      : error.isUnsupported
        ? 'unsupported-type'
        : 'image-corrupt';
    return { kind: 'refused', code, reason: error.message, isSpoilt: false };
  }
  if (error instanceof NotAsAnnounced) {
    return { kind: 'refused', code: 'image-corrupt', reason: error.message, isSpoilt: false };
  }
  // A trap within WebAssembly, or a C++ exception, which is a number.
  if ((error instanceof Error && error.name === 'RuntimeError') || typeof error === 'number') {
    return { kind: 'refused', code: 'image-corrupt', reason: `libheif failed (${error}).`, isSpoilt: true };
  }
  throw error;
};

const libheif = loadLibheif();

port.on('message', (job: HeicJob) => {
  try {
    send(decodeHeic(libheif, job));
  } catch (error) {
    send(refusalOf(error));
  }
});
send('ready');
