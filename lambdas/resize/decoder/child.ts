import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { ImageError } from '../../image/errors.ts';
import type { Variant } from '../../image/variant.ts';
import type { Log } from '../../runtime/log.ts';
import type { Acceptance } from '../environment.ts';
import { cpuMillisecondsOf } from './cpu-time.ts';
import { decoderFiles } from './descriptors.ts';
import { DecodeStopped } from './errors.ts';
import type { ForkedDecoder } from './fork.ts';
import { readLines } from './lines.ts';
import {
  type DecoderReply,
  type DecoderRequest,
  type DescribedThumbnail,
  decoderReplySchema,
  maxReplyBytes,
  type Rendering,
} from './protocol.ts';
import { MalformedReply, readThumbnails } from './thumbnails.ts';

/** The parent's side of one decoder process. */
export interface DecoderChild {
  /** Images that it has decoded or refused. */
  readonly images: number;
  /** Memory that it held after the last one. */
  readonly residentMiB: number;
  readonly hasEnded: boolean;
  /**
   * Gives it an image, in place of one that was not rendered.
   *
   * @throws any error of the body, as it is
   */
  load(body: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Renders the loaded image.
   *
   * @throws ImageError, DecodeStopped
   */
  render(job: Omit<DecoderRequest, 'bytes'>): Promise<Rendering>;
  /** It has no image, so the service need not wait for it. */
  release(): void;
  kill(): void;
}

export interface DecoderChildOptions {
  readonly acceptance: Acceptance;
  /** Lowers its priority, so that other decoders get the CPU first. */
  readonly isLowPriority: boolean;
  readonly log: Log;
}

/** Loading libvips takes 0.1 s, and much longer on a machine that has just started. */
const startSeconds = 30;

/** A decode shares the CPU, so its deadline is a multiple of its CPU time, and at least some seconds. */
const deadlineFactor = 10;
const minDeadlineMilliseconds = 10_000;

/** Niceness, 0 to 19. At 5 a process gets a quarter of the CPU beside one of normal priority. */
const lowPriority = 5;

/** What is logged of a decoder's standard error, for each image. */
const maxWarnings = 20;
const maxLoggedBytes = 200;

export const createDecoderChild = (
  { child, file }: ForkedDecoder,
  { acceptance, isLowPriority, log }: DecoderChildOptions,
): DecoderChild => {
  // A process that could not be started has no pipes, and emits this error as well.
  child.once('error', (error) => onEnd(error));
  const { stdin: requests, stderr: warnings } = child;
  const replies = child.stdio?.[decoderFiles.replies];
  if (!(requests instanceof Socket && warnings instanceof Socket && replies instanceof Socket)) {
    closeSync(file);
    throw new Error('The decoder has no pipes.');
  }
  let images = 0;
  let residentMiB = 0;
  let isKilled = false;
  let isReady = false;
  let warningsLeft = maxWarnings;
  let loadedBytes = 0;
  /** The reply to the last request. The first one, that it is ready, needs no request. */
  let expected = expectReply();
  let ended: DecodeStopped | undefined;

  const kill = (): void => {
    isKilled = true;
    child.kill('SIGKILL');
  };

  const onEnd = (how: unknown): void => {
    if (ended) return;
    if (!isKilled) log.error('decoder died', { how });
    closeSync(file);
    ended = new DecodeStopped('crash', `The decoder ended (${how}).`);
    expected.reject(ended);
  };

  const throwIfEnded = (): void => {
    if (ended) throw ended;
  };

  /** Kills the process: an image may have taken it over. */
  const malformed = (what: string): DecodeStopped => {
    if (!isKilled) log.error('decoder sent a malformed reply', { what });
    kill();
    return new DecodeStopped('crash', `The decoder sent a malformed reply (${what}).`);
  };

  const onReply = (line: string): void => {
    const reply = parseReply(line);
    if (reply) expected.resolve(reply);
    else expected.reject(malformed(line.slice(0, maxLoggedBytes)));
  };

  const onWarning = (line: string): void => {
    warningsLeft -= 1;
    if (warningsLeft >= 0) log.warn('decoder wrote to standard error', { line });
  };

  child.once('exit', (code, signal) => onEnd(signal ?? `exit code ${code}`));
  // A request that cannot be sent means that the process ended, which "exit" reports.
  requests.on('error', () => {});
  const { maxSidePixels, maxPixels, maxFrames, maxAnimationPixels, damaged, heic } = acceptance;
  const sent: Acceptance = { maxSidePixels, maxPixels, maxFrames, maxAnimationPixels, damaged, heic };
  requests.write(`${JSON.stringify(sent)}\n`);
  readLines(replies, { maxBytes: maxReplyBytes, onLine: onReply, onLongLine: onReply });
  readLines(warnings, { maxBytes: maxLoggedBytes, onLine: onWarning, onLongLine: onWarning });
  // A service that stops need not wait for a decoder without an image.
  for (const handle of [child, requests, warnings, replies]) handle.unref();
  if (isLowPriority && child.pid !== undefined) setPriority(child.pid, lowPriority);

  /** Waits for the reply to the last request, and kills the process if none comes in time. */
  const replyWithin = async (milliseconds: number, lateError: () => Error): Promise<DecoderReply> => {
    const { promise, reject } = expected;
    const deadline = setTimeout(() => {
      reject(lateError());
      kill();
    }, milliseconds);
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
    }
  };

  const waitUntilReady = async (): Promise<void> => {
    if (isReady) return;
    const { kind } = await replyWithin(startSeconds * 1000, () => new Error('The decoder does not start.'));
    if (kind !== 'ready') {
      kill();
      throw new Error(`Expected a decoder that is ready but received the reply "${kind}"`);
    }
    isReady = true;
  };

  const request = (job: DecoderRequest): Promise<DecoderReply> => {
    expected = expectReply();
    warningsLeft = maxWarnings;
    requests.write(`${JSON.stringify(job)}\n`);
    const { cpuMilliseconds } = job.allowance;
    const cpuBefore = cpuMillisecondsOf(child.pid);
    // A decoder reports that it exceeds its CPU time. One that used it up in silence hangs; one that did not
    // got no CPU.
    return replyWithin(Math.max(minDeadlineMilliseconds, deadlineFactor * cpuMilliseconds), () =>
      cpuMillisecondsOf(child.pid) - cpuBefore >= cpuMilliseconds
        ? new DecodeStopped('cpu', 'The decoder used up its CPU time and does not reply.')
        : new DecodeStopped('stall', 'The decoder did not get its CPU time.'),
    );
  };

  const takeThumbnails = (described: readonly DescribedThumbnail[], variants: readonly Variant[]) => {
    try {
      return readThumbnails(file, described, variants);
    } catch (error) {
      throw error instanceof MalformedReply ? malformed(error.message) : error;
    }
  };

  return {
    get images() {
      return images;
    },
    get residentMiB() {
      return residentMiB;
    },
    get hasEnded() {
      return isKilled || ended !== undefined;
    },
    kill,
    release: () => child.unref(),

    async load(body) {
      child.ref();
      await waitUntilReady();
      throwIfEnded();
      ftruncateSync(file, 0);
      loadedBytes = 0;
      for await (const chunk of body) {
        throwIfEnded();
        for (let written = 0; written < chunk.byteLength; ) {
          written += writeSync(file, chunk, written, chunk.byteLength - written, loadedBytes + written);
        }
        loadedBytes += chunk.byteLength;
      }
    },

    async render(job) {
      throwIfEnded();
      images += 1;
      const reply = await request({ ...job, bytes: loadedBytes });
      switch (reply.kind) {
        case 'ready':
          throw malformed(reply.kind);
        case 'exceeded':
          // The decode is still under way, unless it stopped at the header.
          if (reply.what !== 'estimate') kill();
          throw new DecodeStopped(reply.what, `The decode exceeds its allowance (${reply.what}).`);
        case 'refused':
          residentMiB = reply.residentMiB;
          throw new ImageError(reply.code, reply.detail, { cause: reply.reason });
        case 'rendered': {
          residentMiB = reply.residentMiB;
          const { kind: _, residentMiB: __, ...rendering } = reply;
          return { ...rendering, thumbnails: takeThumbnails(reply.thumbnails, job.variants) };
        }
      }
    },
  };
};

/** The empty handler prevents an unhandled rejection if the process ends before its reply is awaited. */
const expectReply = () => {
  const expected = Promise.withResolvers<DecoderReply>();
  expected.promise.catch(() => {});
  return expected;
};

const parseReply = (line: string): DecoderReply | undefined => {
  try {
    return decoderReplySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};
