import type { Originals } from '../aws/originals.ts';
import { damageSentences } from '../image/damage.ts';
import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import type { Failure, Original } from '../image/record.ts';
import type { Variant } from '../image/variant.ts';
import { ArrivedBytes } from './arrived-bytes.ts';
import { DecodeStopped } from './decoder/errors.ts';
import type { Decoder } from './decoder/pool.ts';
import type { Rendering } from './decoder/protocol.ts';
import type { ImageLimits } from './environment.ts';
import type { Lane } from './lanes.ts';

export interface DecodeDependencies {
  readonly originals: Pick<Originals, 'open'>;
  readonly decoder: Decoder;
  readonly limits: ImageLimits;
  readonly lane: Lane;
}

/** What is known of an original once it was fetched. */
interface Fetched {
  /** Its type and size, as far as they are known. */
  readonly original: Original;
  /** The presigned upload that stored it, if one did. */
  readonly uploadId: string | undefined;
}

export interface Rendered extends Fetched {
  readonly kind: 'rendered';
  readonly rendering: Rendering;
}

/** The image is at fault, or was given up. */
export interface Failed extends Fetched {
  readonly kind: 'failed';
  readonly failure: Failure;
  /** For the log, in the decoder's words. @default - there are none */
  readonly reason?: string | undefined;
}

/** The fast lane stops working on the image. */
export interface Slow extends Fetched {
  readonly kind: 'slow';
}

interface Stopped extends Fetched {
  readonly kind: 'stopped';
  readonly error: DecodeStopped;
}

/**
 * Fetches an original, verifies it and renders variants of it.
 *
 * @throws ImageError `original-missing`: the image may still arrive; or any temporary error
 */
export type DecodeOriginal = (id: ImageId, variants: readonly Variant[]) => Promise<Rendered | Failed | Slow>;

/** Larger originals take long to fetch, whatever they contain. */
const maxFastBytes = 20_000_000;

export const createDecodeOriginal = ({
  originals,
  decoder,
  limits,
  lane,
}: DecodeDependencies): DecodeOriginal => {
  const attempt = async (id: ImageId, variants: readonly Variant[]): Promise<Rendered | Failed | Stopped> => {
    const { bytes, uploadId, body } = await originals.open(id);
    const arrived = new ArrivedBytes(id, bytes, limits.heic);
    const fetched = (): Fetched => {
      const { contentType } = arrived;
      return { original: contentType === undefined ? { bytes } : { bytes, contentType }, uploadId };
    };
    try {
      requireSize(bytes);
      const rendering = await decoder.decode(arrived.checked(body), variants);
      const { original: arrivedOriginal, ...rest } = fetched();
      const original = { ...arrivedOriginal, ...rendering.original, ...describedDamage(rendering) };
      return { kind: 'rendered', original, ...rest, rendering };
    } catch (error) {
      if (error instanceof ImageError) {
        const reason = typeof error.cause === 'string' ? error.cause : undefined;
        return { kind: 'failed', ...fetched(), failure: error.failure, reason };
      }
      if (error instanceof DecodeStopped) return { kind: 'stopped', ...fetched(), error };
      throw error;
    } finally {
      body.destroy();
    }
  };

  const requireSize = (bytes: number): void => {
    if (bytes > limits.maxUploadBytes) {
      throw new ImageError(
        'image-too-large',
        `The image has ${bytes} bytes. At most ${limits.maxUploadBytes} are accepted.`,
      );
    }
    if (lane === 'fast' && bytes > maxFastBytes) {
      throw new DecodeStopped('estimate', `The image has ${bytes} bytes, which take long to fetch.`);
    }
  };

  const inFastLane: DecodeOriginal = async (id, variants) => {
    const result = await attempt(id, variants);
    return result.kind === 'stopped' ? { ...result, kind: 'slow' } : result;
  };

  /**
   * One crash may be an out-of-memory kill elsewhere. Two, the last in a fresh process, are the image's
   * fault.
   */
  const inSlowLane: DecodeOriginal = async (id, variants) => {
    const first = await attempt(id, variants);
    if (first.kind !== 'stopped') return first;
    if (first.error.reason === 'stall') throw first.error;
    const second = await attempt(id, variants);
    if (second.kind !== 'stopped') return second;
    return { ...second, kind: 'failed', failure: verdictOf(second.error, limits).failure };
  };

  return lane === 'fast' ? inFastLane : inSlowLane;
};

const describedDamage = ({ damage }: Rendering): Pick<Original, 'damage'> =>
  damage ? { damage: damageSentences[damage.kind] } : {};

/**
 * What is recorded of an image whose decode stopped twice. Bytes alone do not determine it, so the image is
 * decoded again when it is uploaded again.
 *
 * @throws DecodeStopped if the machine is at fault
 */
const verdictOf = (
  error: DecodeStopped,
  { decodeTimeoutSeconds, decodeMemoryMiB }: ImageLimits,
): ImageError => {
  switch (error.reason) {
    case 'stall':
    case 'estimate':
      throw error;
    case 'crash':
      return new ImageError('processing-failed', 'Decoding it crashed the decoder twice.');
    case 'memory':
      return new ImageError('decode-memory', `Decoding it takes more than ${decodeMemoryMiB} MiB.`);
    case 'cpu':
      return new ImageError(
        'decode-timeout',
        `Decoding it takes more than ${decodeTimeoutSeconds} seconds of CPU time.`,
      );
  }
};
