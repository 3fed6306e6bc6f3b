import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ImageError } from '../../../../image/errors.ts';
import { refusalOf } from '../damage.ts';
import type { DecodedHeic, HeicJob, RefusedHeic, ThreadReply } from './job.ts';

/** `heic-thread.ts` beside this file, or `heic-thread.js` where that is packaged. */
const entry = join(import.meta.dirname, `heic-thread${extname(import.meta.filename)}`);

interface Thread {
  readonly isReady: Promise<void>;
  run(job: HeicJob): Promise<ThreadReply>;
  stop(): void;
}

let thread: Thread | undefined;

/** The replies of a thread come in the order of its jobs, of which there is one at a time. */
const startThread = (): Thread => {
  const worker = new Worker(entry, { env: {}, execArgv: [] });
  let expected = Promise.withResolvers<ThreadReply>();
  const first = expected.promise;
  const fail = (error: Error): void => {
    thread = undefined;
    expected.reject(error);
  };
  worker.on('message', (reply: ThreadReply) => {
    // It must not keep a process alive that has nothing to do.
    worker.unref();
    expected.resolve(reply);
  });
  worker.once('error', fail);
  worker.once('exit', (code) => fail(new Error(`The thread for HEIC ended with exit code ${code}.`)));
  first.catch(() => {});
  return {
    isReady: first.then(() => {}),
    run(job) {
      expected = Promise.withResolvers();
      worker.ref();
      worker.postMessage(job);
      return expected.promise;
    },
    stop() {
      thread = undefined;
      worker.removeAllListeners();
      worker.terminate();
    },
  };
};

/** Loads libheif, unless it is loaded: its time and memory are not those of the image that needs it first. */
export const loadHeicDecoder = async (): Promise<void> => {
  thread ??= startThread();
  await thread.isReady;
};

/** Only one job runs at a time, as images do in this process. */
let last: Promise<unknown> = Promise.resolve();

/** @throws ImageError `unsupported-type`, `image-too-large`, `image-corrupt` */
export const decodeInThread = (job: Omit<HeicJob, 'bytes'>, bytes: Uint8Array): Promise<DecodedHeic> => {
  const result = last.then(() => decode(job, bytes));
  last = result.catch(() => {});
  return result;
};

const decode = async (job: Omit<HeicJob, 'bytes'>, bytes: Uint8Array): Promise<DecodedHeic> => {
  await loadHeicDecoder();
  const current = thread;
  if (current === undefined) throw new Error('There is no thread for HEIC.');
  // Shared, so that the bytes are not copied once more on their way.
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  shared.set(bytes);
  const reply = await current.run({ ...job, bytes: shared });
  if (reply === 'ready') throw new Error('The thread for HEIC was started twice.');
  if (reply.kind === 'decoded') return reply;
  if (reply.isSpoilt) current.stop();
  throw imageErrorOf(reply);
};

const imageErrorOf = ({ code, reason }: RefusedHeic): ImageError => {
  switch (code) {
    case 'image-corrupt':
      return refusalOf(reason, undefined);
    case 'unsupported-type':
      return new ImageError(code, 'The image is a HEIC of a kind that cannot be decoded.', { cause: reason });
    case 'image-too-large':
      return new ImageError(code, 'The image exceeds a limit of its decoder.', { cause: reason });
  }
};
