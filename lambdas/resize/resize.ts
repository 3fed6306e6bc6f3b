import type { Catalog, Finished } from '../aws/catalog.ts';
import type { Events } from '../aws/events.ts';
import type { Originals } from '../aws/originals.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import type { Thumbnails } from '../aws/thumbnails.ts';
import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import { thumbnailKey } from '../image/keys.ts';
import { endedEvent, receivedEvent } from '../image/new-event.ts';
import { originalTypeOf, requireAcceptedType } from '../image/original-type.ts';
import {
  fingerprintOf,
  type ImageRecord,
  isHopeless,
  isSettled,
  type Original,
  type StoredThumbnail,
} from '../image/record.ts';
import { thumbnailContentTypes, type Variant, type Variants } from '../image/variant.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { ArrivedBytes } from './arrived-bytes.ts';
import { AllowanceExceeded, DecoderDied, DecoderStalled, verdictOf } from './decode-errors.ts';
import type { Decoder } from './decoder.ts';
import type { Rendering } from './decoder-protocol.ts';
import type { ImageLimits } from './environment.ts';

export interface ResizeProps {
  readonly originals: Originals;
  readonly thumbnails: Thumbnails;
  readonly catalog: Catalog;
  readonly events: Events;
  readonly metrics: Metrics;
  /** The decoder of this lane. */
  readonly decoder: Decoder;
  readonly variants: Variants;
  readonly limits: ImageLimits;
  /** Where slow images are sent. @default - nowhere: this is the slow lane */
  readonly slowLane?: Pick<ResizeRequests, 'move'>;
}

type Made = Pick<Finished, 'original' | 'thumbnails' | 'thumbhash'>;

/** What has been learnt of an original so far. */
interface Found {
  original: Original;
  /** The presigned upload that stored it, if one did. */
  uploadId: string | undefined;
}

export interface Outcome {
  readonly record: ImageRecord;
  /** Whether this work ended the image, found nothing left to do, or left it to the slow lane. */
  readonly result: 'ended' | 'nothing-to-do' | 'moved';
}

/**
 * @param storedAt when the original was stored, if that is known
 * @param isFirst whether no one has worked on this message before. @default false
 */
export type Resize = (id: ImageId, storedAt?: Date, isFirst?: boolean) => Promise<Outcome>;

/**
 * Brings one image to its end: makes and stores the thumbnails that are not there yet and then says so in the catalog,
 * or why it failed. Then tells it. It may be ended at any moment and done again: thumbnails are written first, the
 * record next, each under the same key, and the event last, each time with the same id.
 *
 * @throws ImageError `original-missing`, after which the image may still come; anything else may succeed when tried again
 */
export const createResize = (props: ResizeProps): Resize => {
  const { originals, thumbnails, catalog, events, metrics, decoder, variants, limits, slowLane } = props;
  const { maxUploadBytes: maxBytes } = limits;
  const fingerprint = fingerprintOf(variants);

  const store = async (
    id: ImageId,
    variant: Variant,
    { width, height, bytes }: Rendering['thumbnails'][number],
  ) => {
    const key = thumbnailKey(id, variant);
    const contentType = thumbnailContentTypes[variant.format];
    await thumbnails.put(key, bytes, contentType);
    const stored: StoredThumbnail = { key, contentType, width, height, bytes: bytes.byteLength };
    return [variant.name, stored] as const;
  };

  /** Fetches an original and makes variants of it. Whatever comes of it, `found` learns what is known of its bytes. */
  const decode = async (id: ImageId, wanted: readonly Variant[], found: Found) => {
    const source = await originals.open(id);
    found.original = { bytes: source.bytes };
    found.uploadId = source.uploadId;
    if (source.bytes > maxBytes) {
      source.body.destroy();
      throw new ImageError(
        'image-too-large',
        `The image has ${source.bytes} bytes. At most ${maxBytes} are accepted.`,
      );
    }
    if (slowLane && source.bytes > maxFastBytes) {
      source.body.destroy();
      throw new AllowanceExceeded('estimate');
    }
    const arrived = new ArrivedBytes();
    const image = await decoder.load({ bytes: source.bytes, body: arrived.from(source.body) });
    try {
      found.original = { bytes: source.bytes, contentType: originalTypeOf(arrived.start) };
      arrived.requireId(id);
      requireAcceptedType(arrived.start);
      return await image.render(wanted);
    } finally {
      image.close();
    }
  };

  /**
   * One crash may be the fault of the machine, and the first decode may have been hindered: what a decode in another
   * fresh process ends in is recorded.
   */
  const decodeTwice = async (...job: Parameters<typeof decode>): Promise<Rendering> => {
    try {
      return await decode(...job);
    } catch (error) {
      if (!isInconclusive(error)) throw error;
    }
    try {
      return await decode(...job);
    } catch (error) {
      throw isInconclusive(error) ? verdictOf(error, limits) : error;
    }
  };

  /** Makes what is missing. Whatever comes of it, `found` learns what is known of the original. */
  const make = async (id: ImageId, before: ImageRecord | undefined, found: Found): Promise<Made> => {
    if (before && isHopeless(before)) {
      const stored = await originals.head(id);
      if (stored === undefined) throw new ImageError('original-missing', 'There is no original.');
      if (before.announced) found.original = { bytes: stored.bytes };
      found.uploadId = stored.uploadId;
      const detail = `No thumbnails came of it, although they were asked for ${before.requeued} times.`;
      throw new ImageError('processing-failed', detail);
    }
    const there = Object.entries(before?.thumbnails ?? {}).filter(([name, { key }]) =>
      variants.some((variant) => variant.name === name && thumbnailKey(id, variant) === key),
    );
    const missing = variants.filter(({ name }) => !there.some(([thereName]) => thereName === name));
    if (before && missing.length === 0) {
      // Variants were only taken away.
      const { original, thumbhash } = before;
      return { original, thumbnails: Object.fromEntries(there), thumbhash };
    }
    const rendering = await (slowLane ? decode : decodeTwice)(id, missing, found);
    const made = await Promise.all(
      missing.map((variant, index) => {
        const thumbnail = rendering.thumbnails[index];
        if (thumbnail === undefined) throw new Error(`The decoder left out the variant ${variant.name}.`);
        return store(id, variant, thumbnail);
      }),
    );
    return {
      original: { ...found.original, ...rendering.original },
      thumbnails: Object.fromEntries([...there, ...made]),
      thumbhash: rendering.thumbhash,
    };
  };

  /** Ends an image in the catalog, unless somebody else did meanwhile. */
  const end = async (
    id: ImageId,
    before: ImageRecord | undefined,
    storedAt: Date | undefined,
  ): Promise<Outcome> => {
    const startedAt = performance.now();
    const found: Found = {
      original: before?.original ?? { bytes: 0 },
      uploadId: before?.uploadId,
    };
    let ended: ImageRecord | undefined;
    try {
      const made = await make(id, before, found);
      ended = await catalog.finish(id, fingerprint, {
        ...made,
        uploadId: found.uploadId,
        resizeMilliseconds: Math.round(performance.now() - startedAt),
        // S3's clock and ours are not the same.
        uploadToReadyMilliseconds: storedAt && Math.max(0, Date.now() - storedAt.getTime()),
      });
    } catch (error) {
      if (slowLane && isSlowLaneCase(error)) {
        return moveTo(slowLane, id, storedAt, { ...before?.original, ...found.original });
      }
      // An original that is not there may still come: its image has not failed.
      if (!(error instanceof ImageError) || error.code === 'original-missing') throw error;
      ended = await catalog.fail(id, fingerprint, found.original, error.failure, found.uploadId);
    }
    if (ended === undefined) return { record: await present(id), result: 'nothing-to-do' };
    if (before?.announced) metrics.record({ Uploads: 1, UploadedBytes: ended.original.bytes });
    count(ended);
    return { record: ended, result: 'ended' };
  };

  /** The record says so first: the reconciler is patient with images of the slow lane. */
  const moveTo = async (
    lane: Pick<ResizeRequests, 'move'>,
    id: ImageId,
    storedAt: Date | undefined,
    original: Original,
  ): Promise<Outcome> => {
    const record = await catalog.noteSlowLane(id, fingerprint, original);
    if (record === undefined) return { record: await present(id), result: 'nothing-to-do' };
    await lane.move(id, storedAt);
    metrics.record({ MovedToSlowLane: 1 });
    return { record, result: 'moved' };
  };

  const present = async (id: ImageId): Promise<ImageRecord> => {
    const record = await catalog.find(id);
    if (record === undefined) throw new Error('The record disappeared meanwhile.');
    return record;
  };

  const count = ({ error, uploadToReadyMilliseconds }: ImageRecord): void => {
    if (error) metrics.record({ Failed: 1 }, error.code);
    else metrics.record({ Ready: 1, UploadToReadyMilliseconds: uploadToReadyMilliseconds });
  };

  const tellEnd = async (record: ImageRecord): Promise<void> => {
    const event = endedEvent(record);
    if (event !== undefined) await events.publish(event);
  };

  /** All that has become of an image so far. */
  const tell = async (record: ImageRecord): Promise<void> => {
    await events.publish(receivedEvent(record));
    await tellEnd(record);
  };

  return async (id, storedAt, isFirst = false) => {
    const before = await catalog.find(id);
    if (before && isSettled(before, fingerprint)) {
      // Whoever noted this state may have died before it was told, or could not tell it. Then the message that they
      // worked on comes again. This one is another one, of the same image, if no one has worked on it before.
      if (!isFirst) await tell(before);
      return { record: before, result: 'nothing-to-do' };
    }
    // Only what has read the bytes knows what was announced.
    const isKnown = before !== undefined && !before.announced;
    const [outcome] = await bothOf(end(id, before, storedAt), isKnown ? tell(before) : undefined);
    if (!isKnown) await tell(outcome.record);
    else await tellEnd(outcome.record);
    return outcome;
  };
};

/** Larger originals take long to fetch, whatever they hold. */
const maxFastBytes = 20_000_000;

const isInconclusive = (error: unknown): error is AllowanceExceeded | DecoderDied =>
  error instanceof AllowanceExceeded || error instanceof DecoderDied;

const isSlowLaneCase = (error: unknown): boolean => isInconclusive(error) || error instanceof DecoderStalled;

/** Waits for both to end, even if one fails: nothing goes on behind the back of whoever is told so. */
const bothOf = async <First, Second>(
  first: Promise<First>,
  second: Promise<Second> | undefined,
): Promise<readonly [First, Second | undefined]> => {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
};
