import type { Variant } from '../../image/variant.ts';
import type { Log } from '../../runtime/log.ts';
import { createTurns } from '../../runtime/turns.ts';
import type { ImageLimits } from '../environment.ts';
import { allowanceOf, type Lane } from '../lanes.ts';
import { createDecoderChild, type DecoderChild } from './child.ts';
import { type ForkedDecoder, forkDecoder } from './fork.ts';
import type { Rendering } from './protocol.ts';

/**
 * Decodes each requested image immediately, in a process of its own. No limit within libvips ends every
 * decode that hangs, and none survives a crash; a process can be killed, and nothing else is lost with it.
 * SECURITY.md describes what an image that takes over such a process could reach.
 */
export interface Decoder {
  /**
   * Makes all the variants from one decode: upright, sRGB, without metadata, never enlarged.
   *
   * @throws ImageError `unsupported-type`, `image-too-large`, `image-corrupt`
   * @throws DecodeStopped, which alone is no verdict about the image
   * @throws any error of the body, as it is; nothing has been decoded then
   */
  decode(body: AsyncIterable<Uint8Array>, variants: readonly Variant[]): Promise<Rendering>;
}

export interface DecoderOptions {
  /** Sets what an image may use. In the slow lane each image gets a process of its own, of low priority. */
  readonly lane: Lane;
  /** Images that are decoded at a time; others that have arrived wait. @default - as many as have arrived */
  readonly decodesAtOnce?: number;
  /** The first process, if it was started before. @default - it is started now */
  readonly first?: ForkedDecoder;
}

/**
 * A process of the fast lane is replaced after so many images, or when it still holds so much memory after
 * one.
 */
const maxImagesPerProcess = 500;
const maxResidentMiB = 256;

const isUsedUp = (lane: Lane, { images, residentMiB }: DecoderChild): boolean =>
  lane === 'slow' ? images > 0 : images >= maxImagesPerProcess || residentMiB > maxResidentMiB;

export const createDecoder = (
  limits: ImageLimits,
  log: Log,
  { lane, decodesAtOnce = Number.POSITIVE_INFINITY, first }: DecoderOptions,
): Decoder => {
  const inTurn = createTurns(decodesAtOnce);
  const idle: DecoderChild[] = [];
  const busy = new Set<DecoderChild>();

  const start = (forked = forkDecoder()): DecoderChild =>
    createDecoderChild(forked, { acceptance: limits, isLowPriority: lane === 'slow', log });

  /** Loads libvips before the next image arrives. If this fails, that image tries again. */
  const keepSpare = (): void => {
    if (idle.length > 0) return;
    try {
      idle.push(start());
    } catch (error) {
      log.warn('decoder not started', { error });
    }
  };

  const acquire = (): DecoderChild => {
    let decoder = idle.pop();
    while (decoder?.hasEnded) decoder = idle.pop();
    decoder ??= start();
    busy.add(decoder);
    // Where several images are decoded at a time, one that kills its process must not delay the next.
    if (lane === 'fast' && decodesAtOnce !== Number.POSITIVE_INFINITY) setImmediate(keepSpare);
    return decoder;
  };

  const release = (decoder: DecoderChild): void => {
    busy.delete(decoder);
    decoder.release();
    if (!decoder.hasEnded && !isUsedUp(lane, decoder)) {
      idle.push(decoder);
      return;
    }
    decoder.kill();
    keepSpare();
  };

  // Loads libvips while the service connects to AWS.
  idle.push(start(first));
  process.once('exit', () => {
    for (const decoder of [...idle, ...busy]) decoder.kill();
  });

  return {
    async decode(body, variants) {
      const decoder = acquire();
      try {
        await decoder.load(body);
        return await inTurn((isCrowded) =>
          decoder.render({ variants, allowance: allowanceOf(lane, limits, variants, isCrowded) }),
        );
      } finally {
        release(decoder);
      }
    },
  };
};
