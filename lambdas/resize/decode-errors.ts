import { ImageError } from '../image/errors.ts';
import type { Exceeded } from './decoder-protocol.ts';
import type { ImageLimits } from './environment.ts';

/** The image needs more CPU time or memory than its lane allows, or its header promises to. */
export class AllowanceExceeded extends Error {
  override readonly name = 'AllowanceExceeded';
  readonly what: Exceeded;

  constructor(what: Exceeded) {
    super(`The decode exceeds its allowance (${what}).`);
    this.what = what;
  }
}

/** The process ended by itself while it had an image, or sent what is no reply. */
export class DecoderDied extends Error {
  override readonly name = 'DecoderDied';
}

/** The process did not get the CPU time that the image may use. That is the machine's fault, so the image is retried. */
export class DecoderStalled extends Error {
  override readonly name = 'DecoderStalled';
}

/**
 * What is recorded of an image whose decode was ended twice, the second time in a fresh process. All three codes are
 * retried when the image is uploaded again: the bytes alone do not determine them.
 */
export const verdictOf = (
  error: AllowanceExceeded | DecoderDied,
  { decodeTimeoutSeconds, decodeMemoryMiB }: ImageLimits,
): ImageError => {
  const options = { cause: error };
  if (error instanceof DecoderDied) {
    return new ImageError('processing-failed', 'Decoding it crashed the decoder, twice.', options);
  }
  return error.what === 'memory'
    ? new ImageError('decode-memory', `Decoding it takes more than ${decodeMemoryMiB} MiB.`, options)
    : new ImageError(
        'decode-timeout',
        `Decoding it takes more than ${decodeTimeoutSeconds} seconds of CPU time.`,
        options,
      );
};
