import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { ImageError } from '../image/errors.ts';
import type { ImageLimits } from '../image/limits.ts';
import type { Variant } from '../image/variant.ts';
import type { Log } from '../log.ts';
import {
  type DecoderReply,
  type DecoderRequest,
  decoderReplySchema,
  type Rendering,
} from './decoder-protocol.ts';
import { type ForkedDecoder, forkDecoder } from './fork-decoder.ts';
import { createGate } from './gate.ts';

/** Bytes on their way, and how many they are to be. */
export interface IncomingImage {
  readonly bytes: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** An image whose bytes have all arrived; nothing of it has been looked at. */
export interface LoadedImage {
  /**
   * Makes all the variants from one decode: upright, sRGB, without metadata, never enlarged.
   *
   * @throws ImageError `unsupported-type`, `image-too-large`, `image-corrupt`, `decode-timeout`, `decode-memory`
   * @throws DecoderDied
   */
  render(variants: readonly Variant[]): Promise<Rendering>;
  /** To be called when all is done, whether it was rendered or not. */
  close(): void;
}

/**
 * Decodes images in processes of their own, as many as are asked for at once. No limit within libvips ends every decode
 * that is stuck, and none survives a crash: a process can be killed, and nothing else is lost with it. It holds no
 * credentials either.
 */
export interface Decoder {
  /** An error of the source is thrown as it is: it says nothing of the image. */
  load(image: IncomingImage): Promise<LoadedImage>;
}

/** The process ended by itself while it had an image: for a want of memory elsewhere, or because of the image. */
export class DecoderDied extends Error {
  override readonly name = 'DecoderDied';
}

export interface DecoderOptions {
  /** Images that are decoded at once; others that have arrived wait. @default - as many as have arrived */
  readonly decodesAtOnce?: number;
  /** The first process, if it was started before. @default - it is started now */
  readonly first?: ForkedDecoder;
}

export const createDecoder = (
  limits: ImageLimits,
  log: Log,
  { decodesAtOnce = Number.POSITIVE_INFINITY, first = forkDecoder() }: DecoderOptions = {},
): Decoder => {
  const inTurn = createGate(decodesAtOnce);
  const idle: DecoderProcess[] = [];
  const busy = new Set<DecoderProcess>();

  const take = (): DecoderProcess => {
    let decoder = idle.pop();
    while (decoder?.hasEnded()) decoder = idle.pop();
    decoder ??= createDecoderProcess(forkDecoder(), limits, log);
    busy.add(decoder);
    return decoder;
  };

  // Loads libvips while the service connects to AWS.
  idle.push(createDecoderProcess(first, limits, log));
  process.once('exit', () => {
    for (const decoder of [...idle, ...busy]) decoder.kill();
  });

  return {
    async load(image) {
      const decoder = take();
      try {
        await decoder.load(image);
      } catch (error) {
        // It may still be reading what is of no use.
        decoder.kill();
        busy.delete(decoder);
        throw error;
      }
      return {
        render: (variants) => inTurn(() => decoder.render(image, variants)),
        close: () => {
          decoder.release();
          busy.delete(decoder);
          if (!decoder.hasEnded()) idle.push(decoder);
        },
      };
    },
  };
};

interface DecoderProcess {
  load(image: IncomingImage): Promise<void>;
  /** As `LoadedImage.render`, of the image that was loaded last. */
  render(image: IncomingImage, variants: readonly Variant[]): Promise<Rendering>;
  /** It has no image any more. */
  release(): void;
  hasEnded(): boolean;
  kill(): void;
}

/** How long a process may take to load libvips: 0.1 s, and much longer on a machine that has just begun to run. */
const startSeconds = 30;

/** An answer to come. Nobody need be waiting for it yet when the process ends instead. */
const expectedAnswer = (): PromiseWithResolvers<DecoderReply> => {
  const answer = Promise.withResolvers<DecoderReply>();
  answer.promise.catch(() => {});
  return answer;
};

const createDecoderProcess = (
  { child, file }: ForkedDecoder,
  limits: ImageLimits,
  log: Log,
): DecoderProcess => {
  const { decodeTimeoutSeconds } = limits;
  const [, , errors] = child.stdio;
  if (!(errors instanceof Socket)) throw new Error('The decoder has no pipe.');
  // Libraries that complain do so in words of their own, as long as they like.
  createInterface(errors).on('line', (line) => log.warn('decoder complains', { line: line.slice(0, 200) }));

  let isKilled = false;
  let isReady = false;
  const kill = (): void => {
    isKilled = true;
    child.kill('SIGKILL');
  };

  const ended = new AbortController();
  /** The answer to the last request; the first one, that it is ready, comes by itself. */
  let answer = expectedAnswer();
  const end = (how: unknown): void => {
    if (ended.signal.aborted) return;
    if (!isKilled) log.error('decoder died', { how });
    closeSync(file);
    ended.abort(new DecoderDied(`The decoder ended (${how}).`));
    answer.reject(ended.signal.reason);
  };
  child.once('error', end);
  child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  child.on('message', (message) => answer.resolve(decoderReplySchema.parse(message)));
  // A service that is done need not wait for a decoder, unless that one has an image.
  child.unref();
  child.channel?.unref();
  errors.unref();

  const send = (request: DecoderRequest): void => {
    answer = expectedAnswer();
    if (ended.signal.aborted) answer.reject(ended.signal.reason);
    // That it cannot be sent is told by "exit".
    child.send(request, () => {});
  };

  /** Waits for what the process does, but makes it end after some seconds. */
  const within = async <Event>(seconds: number, event: Promise<Event>): Promise<Event> => {
    const deadline = setTimeout(kill, seconds * 1000);
    try {
      return await event;
    } finally {
      clearTimeout(deadline);
    }
  };

  const untilReady = async (): Promise<void> => {
    try {
      await within(startSeconds, answer.promise);
      isReady = true;
    } catch (cause) {
      throw new Error('The decoder does not start.', { cause });
    }
  };

  return {
    hasEnded: () => isKilled || ended.signal.aborted,
    kill,
    release: () => {
      child.unref();
    },

    async load({ bytes, body }) {
      child.ref();
      if (!isReady) await untilReady();
      // Over what is left of an image that was not rendered: the decoder reads no further than this one goes.
      let count = 0;
      for await (const chunk of body) {
        ended.signal.throwIfAborted();
        for (let written = 0; written < chunk.byteLength; ) {
          written += writeSync(file, chunk, written, chunk.byteLength - written, count + written);
        }
        count += chunk.byteLength;
      }
      if (count !== bytes) throw new Error(`${count} bytes came instead of ${bytes}.`);
      ended.signal.throwIfAborted();
    },

    async render({ bytes }, variants) {
      try {
        send({ bytes, variants, limits });
        const reply = await within(decodeTimeoutSeconds, answer.promise);
        if (reply.kind === 'rendered') return reply.rendering;
        if (reply.kind !== 'refused')
          throw new Error(`The decoder says ${reply.kind} to a request to render.`);
        // It still takes more and more.
        if (reply.code === 'decode-memory') kill();
        throw new ImageError(reply.code, reply.detail);
      } catch (error) {
        if (!isKilled || !(error instanceof DecoderDied)) throw error;
        const detail = `Decoding takes longer than ${decodeTimeoutSeconds} seconds.`;
        throw new ImageError('decode-timeout', detail, { cause: error });
      }
    },
  };
};
