import { closeSync, ftruncateSync, readFileSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { ImageError } from '../image/errors.ts';
import { InvalidThumbnail, verifyThumbnail } from '../image/thumbnail-file.ts';
import type { Variant } from '../image/variant.ts';
import type { Log } from '../runtime/log.ts';
import { AllowanceExceeded, DecoderDied, DecoderStalled } from './decode-errors.ts';
import { decoderFiles } from './decoder-files.ts';
import {
  type DecoderReply,
  type DecoderRequest,
  decoderReplySchema,
  maxReplyBytes,
  type Rendering,
} from './decoder-protocol.ts';
import type { HeaderLimits } from './environment.ts';
import type { ForkedDecoder } from './fork-decoder.ts';
import { readLines } from './lines.ts';

/** Bytes on their way, and how many they are to be. */
export interface IncomingImage {
  readonly bytes: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** The parent's side of one decoder process. */
export interface DecoderChild {
  /** Images that it has decoded or refused. */
  readonly images: number;
  /** Memory that it held after the last one. */
  readonly residentMiB: number;
  readonly hasEnded: boolean;
  load(image: IncomingImage): Promise<void>;
  /** Renders the image that was loaded last. */
  render(request: DecoderRequest): Promise<Rendering>;
  /** It has no image any more, so the service need not wait for it. */
  release(): void;
  kill(): void;
}

export interface DecoderChildOptions {
  readonly limits: HeaderLimits;
  /** Lowers its priority, so that other decoders get the CPU first. */
  readonly isLowPriority: boolean;
  readonly log: Log;
}

/** How long a process may take to load libvips: 0.1 s, and much longer on a machine that has just begun to run. */
const startSeconds = 30;

/** A decode shares the CPU with others: it has this many times its CPU time, and not less than some seconds. */
const wallFactor = 10;
const minWallMilliseconds = 10_000;

/** Niceness, 0 to 19. At 5 a process gets a quarter of the CPU beside one of normal priority. */
const lowPriority = 5;

/** libvips and its codecs complain at length. */
const maxComplaints = 20;
const maxComplaintBytes = 200;

type ExpectedReply = PromiseWithResolvers<DecoderReply>;

/** A reply to come. The empty handler prevents an unhandled rejection if the process ends before anyone waits. */
const expectReply = (): ExpectedReply => {
  const expected = Promise.withResolvers<DecoderReply>();
  expected.promise.catch(() => {});
  return expected;
};

export const createDecoderChild = (
  { child, file }: ForkedDecoder,
  { limits, isLowPriority, log }: DecoderChildOptions,
): DecoderChild => {
  // A child that could not be started has no pipes: its error is to end nothing else.
  child.once('error', (error) => onEnd(error));
  const { stdin: requests, stderr: complaints } = child;
  const replies = child.stdio?.[decoderFiles.replies];
  if (!(requests instanceof Socket && complaints instanceof Socket && replies instanceof Socket)) {
    closeSync(file);
    throw new Error('The decoder has no pipes.');
  }
  let images = 0;
  let residentMiB = 0;
  let isKilled = false;
  let isReady = false;
  let complaintsLeft = maxComplaints;
  /** The reply to the last request. The first one, that it is ready, needs no request. */
  let expected = expectReply();
  let ended: DecoderDied | undefined;

  const kill = (): void => {
    isKilled = true;
    child.kill('SIGKILL');
  };
  const onEnd = (how: unknown): void => {
    if (ended) return;
    if (!isKilled) log.error('decoder died', { how });
    closeSync(file);
    ended = new DecoderDied(`The decoder ended (${how}).`);
    expected.reject(ended);
  };
  const onMalformed = (reply: string): void => {
    // What follows is no better: it need not fill the log.
    if (isKilled) return;
    log.error('decoder sent a malformed reply', { reply: reply.slice(0, maxComplaintBytes) });
    kill();
    expected.reject(new DecoderDied('The decoder sent a malformed reply.'));
  };
  const onComplaint = (line: string): void => {
    complaintsLeft -= 1;
    if (complaintsLeft >= 0) log.warn('decoder complains', { line });
  };
  child.once('exit', (code, signal) => onEnd(signal ?? `exit code ${code}`));
  // That a request cannot be sent, "exit" reports.
  requests.on('error', () => {});
  const { maxSidePixels, maxPixels, maxFrames, maxAnimationPixels }: HeaderLimits = limits;
  requests.write(`${JSON.stringify({ maxSidePixels, maxPixels, maxFrames, maxAnimationPixels })}\n`);
  readLines(replies, {
    maxBytes: maxReplyBytes,
    onLine: (line) => {
      const reply = parseReply(line);
      if (reply === undefined) onMalformed(line);
      else expected.resolve(reply);
    },
    onLongLine: onMalformed,
  });
  readLines(complaints, { maxBytes: maxComplaintBytes, onLine: onComplaint, onLongLine: onComplaint });
  // A service that is done need not wait for a decoder, unless that one has an image.
  const handles = [child, requests, complaints, replies];
  for (const handle of handles) handle.unref();
  if (isLowPriority && child.pid !== undefined) setPriority(child.pid, lowPriority);

  const throwIfEnded = (): void => {
    if (ended) throw ended;
  };

  /** Waits for the reply to the last request, and kills the process if none comes in time. */
  const replyWithin = async (milliseconds: number, onLate: () => Error): Promise<DecoderReply> => {
    const { promise, reject } = expected;
    const deadline = setTimeout(() => {
      reject(onLate());
      kill();
    }, milliseconds);
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
    }
  };

  /** A process that burnt its CPU time and did not say so has exceeded it; one that got none is not at fault. */
  const lateError = (cpuMilliseconds: number, cpuBefore: number): Error =>
    cpuMillisecondsOf(child.pid) - cpuBefore >= cpuMilliseconds
      ? new AllowanceExceeded('cpu')
      : new DecoderStalled('The decoder did not get the CPU time that it may use.');

  const readThumbnails = (
    described: Extract<DecoderReply, { kind: 'rendered' }>['thumbnails'],
    variants: readonly Variant[],
  ): Rendering['thumbnails'] => {
    let position = 0;
    const thumbnails = described.map(({ bytes: length, ...size }, index) => {
      const variant = variants[index];
      if (variant === undefined || length > maxThumbnailBytes(variant))
        throw malformed('size of a thumbnail');
      const bytes = Buffer.alloc(length);
      for (let filled = 0; filled < length; ) {
        const count = readSync(file, bytes, filled, length - filled, position + filled);
        if (count === 0) throw malformed('bytes of thumbnails');
        filled += count;
      }
      position += length;
      requireThumbnail(bytes, variant, size);
      return { bytes, ...size };
    });
    if (thumbnails.length !== variants.length) throw malformed('number of thumbnails');
    ftruncateSync(file, 0);
    return thumbnails;
  };

  /** Another format, metadata or more bytes than a picture has: what an image put there that took over the process. */
  const requireThumbnail = (bytes: Buffer, { format, width, height }: Variant, said: Size): void => {
    try {
      const found = verifyThumbnail(bytes, { format, maxWidth: width, maxHeight: height });
      if (found.width === said.width && found.height === said.height) return;
    } catch (error) {
      if (!(error instanceof InvalidThumbnail)) throw error;
      throw malformed(`thumbnail: ${error.message}`);
    }
    throw malformed('size of a thumbnail');
  };

  const malformed = (what: string): DecoderDied => {
    log.error('decoder sent a malformed reply', { what });
    kill();
    return new DecoderDied(`The decoder sent a malformed reply (${what}).`);
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

    async load({ bytes, body }) {
      child.ref();
      if (!isReady) {
        const { kind } = await replyWithin(
          startSeconds * 1000,
          () => new Error('The decoder does not start.'),
        );
        if (kind !== 'ready') throw new Error(`The decoder starts with a reply of the kind ${kind}.`);
        isReady = true;
      }
      // Over what is left of an image that was not rendered: the decoder reads no further than this one goes.
      let count = 0;
      for await (const chunk of body) {
        throwIfEnded();
        for (let written = 0; written < chunk.byteLength; ) {
          written += writeSync(file, chunk, written, chunk.byteLength - written, count + written);
        }
        count += chunk.byteLength;
      }
      if (count !== bytes) throw new Error(`${count} bytes came instead of ${bytes}.`);
      throwIfEnded();
    },

    async render(request) {
      throwIfEnded();
      expected = expectReply();
      complaintsLeft = maxComplaints;
      images += 1;
      requests.write(`${JSON.stringify(request)}\n`);
      const { cpuMilliseconds } = request.allowance;
      const cpuBefore = cpuMillisecondsOf(child.pid);
      const reply = await replyWithin(Math.max(minWallMilliseconds, wallFactor * cpuMilliseconds), () =>
        lateError(cpuMilliseconds, cpuBefore),
      );
      switch (reply.kind) {
        case 'ready':
          throw malformed('kind');
        case 'exceeded':
          // It still takes more and more, unless it stopped at the header.
          if (reply.what !== 'estimate') kill();
          throw new AllowanceExceeded(reply.what);
        case 'refused':
          residentMiB = reply.residentMiB;
          throw new ImageError(reply.code, reply.detail);
        case 'rendered': {
          residentMiB = reply.residentMiB;
          const { original, thumbhash } = reply;
          return { original, thumbhash, thumbnails: readThumbnails(reply.thumbnails, request.variants) };
        }
      }
    },
  };
};

const parseReply = (line: string): DecoderReply | undefined => {
  try {
    return decoderReplySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

type Size = Pick<Rendering['thumbnails'][number], 'width' | 'height'>;

/** What is read of the file at most; verifyThumbnail is stricter. */
const maxThumbnailBytes = ({ width, height }: Variant): number => 8 * width * height + 65_536;

/** CPU time of a process so far, on Linux (proc(5), /proc/pid/stat: fields 14 and 15, in ticks of 10 ms); elsewhere 0. */
const cpuMillisecondsOf = (pid: number | undefined): number => {
  if (process.platform !== 'linux' || pid === undefined) return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
};
