import type { Variant } from '../image/variant.ts';
import type { Log } from '../runtime/log.ts';
import { createDecoderChild, type DecoderChild, type IncomingImage } from './decoder-child.ts';
import type { Rendering } from './decoder-protocol.ts';
import type { ImageLimits } from './environment.ts';
import { type ForkedDecoder, forkDecoder } from './fork-decoder.ts';
import { createGate } from './gate.ts';
import { allowanceOf, type Lane } from './lanes.ts';

/** An image whose bytes have all arrived; nothing of it has been looked at. */
export interface LoadedImage {
  /**
   * Makes all the variants from one decode: upright, sRGB, without metadata, never enlarged.
   *
   * @throws ImageError `unsupported-type`, `image-too-large`, `image-corrupt`
   * @throws AllowanceExceeded, DecoderDied, DecoderStalled: these alone are no verdict about the image
   */
  render(variants: readonly Variant[]): Promise<Rendering>;
  /** To be called when all is done, whether it was rendered or not. */
  close(): void;
}

/**
 * Decodes images in processes of their own, as many as are asked for at once. No limit within libvips ends every decode
 * that is stuck, and none survives a crash: a process can be killed, and nothing else is lost with it. SECURITY.md says
 * what such a process could reach if an image took it over.
 */
export interface Decoder {
  /** An error of the source is thrown as it is: it says nothing of the image. */
  load(image: IncomingImage): Promise<LoadedImage>;
}

export interface DecoderOptions {
  /** Sets what an image may use. In the slow lane each image gets a process of its own, which leaves others the CPU. */
  readonly lane: Lane;
  /** Images that are decoded at once; others that have arrived wait. @default - as many as have arrived */
  readonly decodesAtOnce?: number;
  /** The first process, if it was started before. @default - it is started now */
  readonly first?: ForkedDecoder;
}

/** What a process of the fast lane may have decoded, and may still hold afterwards, before a new one replaces it. */
const maxImagesPerProcess = 500;
const maxResidentMiB = 256;

const isUsedUp = (lane: Lane, { images, residentMiB }: DecoderChild): boolean =>
  lane === 'slow' ? images > 0 : images >= maxImagesPerProcess || residentMiB > maxResidentMiB;

export const createDecoder = (
  limits: ImageLimits,
  log: Log,
  { lane, decodesAtOnce = Number.POSITIVE_INFINITY, first }: DecoderOptions,
): Decoder => {
  const inTurn = createGate(decodesAtOnce);
  const idle: DecoderChild[] = [];
  const busy = new Set<DecoderChild>();

  const start = (forked = forkDecoder()): DecoderChild =>
    createDecoderChild(forked, { limits, isLowPriority: lane === 'slow', log });

  /** The next one loads libvips before the next image arrives. If it cannot be started now, that image starts it. */
  const keepSpare = (): void => {
    if (idle.length > 0) return;
    try {
      idle.push(start());
    } catch (error) {
      log.warn('decoder not started', { error });
    }
  };

  const take = (): DecoderChild => {
    let decoder = idle.pop();
    while (decoder?.hasEnded) decoder = idle.pop();
    decoder ??= start();
    busy.add(decoder);
    // Where several images are decoded at once, one that kills its process is not to delay the next.
    if (lane === 'fast' && decodesAtOnce !== Number.POSITIVE_INFINITY) setImmediate(keepSpare);
    return decoder;
  };

  const giveBack = (decoder: DecoderChild): void => {
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
    async load(image) {
      const decoder = take();
      try {
        await decoder.load(image);
      } catch (error) {
        // It may still be reading what is of no use.
        decoder.kill();
        giveBack(decoder);
        throw error;
      }
      const { bytes } = image;
      return {
        render: (variants) =>
          inTurn((isCrowded) => {
            const allowance = allowanceOf(lane, limits, variants, isCrowded);
            return decoder.render({ bytes, variants, allowance });
          }),
        close: () => giveBack(decoder),
      };
    },
  };
};
