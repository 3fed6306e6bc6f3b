import type { Before, Catalog, Finished } from '../aws/catalog.ts';
import type { DeletionRequests } from '../aws/deletion-requests.ts';
import type { Events } from '../aws/events.ts';
import type { Originals } from '../aws/originals.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import type { Thumbnails } from '../aws/thumbnails.ts';
import { isDeletion } from '../image/deletion.ts';
import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import { thumbnailKey } from '../image/keys.ts';
import { endedEvent, receivedEvent } from '../image/new-event.ts';
import {
  fingerprintOf,
  hasNoRequeuesLeft,
  type ImageRecord,
  isSettled,
  type Original,
  type StoredThumbnail,
} from '../image/record.ts';
import { thumbnailContentTypes, type Variant, type Variants } from '../image/variant.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { createDecodeOriginal, type Failed, type Slow } from './decode-original.ts';
import type { Decoder } from './decoder/pool.ts';
import type { RenderedThumbnail } from './decoder/protocol.ts';
import type { ImageLimits } from './environment.ts';

export interface ResizeDependencies {
  readonly originals: Originals;
  readonly thumbnails: Thumbnails;
  readonly catalog: Catalog;
  /** Removes what is stored of an image that is being or was deleted. */
  readonly deletionRequests: Pick<DeletionRequests, 'send'>;
  readonly events: Events;
  readonly metrics: Metrics;
  /** The decoder of this lane. */
  readonly decoder: Decoder;
  readonly variants: Variants;
  readonly limits: ImageLimits;
  /** Where slow images are moved. @default - nowhere: this is the slow lane */
  readonly slowLane?: Pick<ResizeRequests, 'move'>;
}

export interface ResizeJob {
  readonly id: ImageId;
  /** When the original was stored. @default - unknown */
  readonly storedAt?: Date | undefined;
  /** Whether this is certainly the first delivery of its message. @default false */
  readonly isFirstDelivery?: boolean;
}

/** The image has a record. */
interface Kept {
  readonly record: ImageRecord;
  /** Whether this job settled the image, found nothing left to do, or moved it to the slow lane. */
  readonly result: 'settled' | 'nothing-to-do' | 'moved';
  /** What the decoder said of a damaged image, for the log. @default - nothing */
  readonly reason?: string | undefined;
}

/** The image is being or was deleted. */
interface Deleted {
  readonly result: 'deleted';
}

export type Outcome = Kept | Deleted;

/** @throws ImageError `original-missing`: the image may still arrive; or any temporary error */
export type Resize = (job: ResizeJob) => Promise<Outcome>;

/** What a record says whose original is not kept any more. */
const outdated = 'The original is no longer stored, so the thumbnails are those of earlier settings.';

/** How often a job begins again because another upload replaced the record meanwhile. */
const maxAttempts = 3;

const isKept = (outcome: Outcome | 'replaced'): outcome is Kept =>
  outcome !== 'replaced' && outcome.result !== 'deleted';

type Thumbnail = readonly [name: string, StoredThumbnail];

/** All thumbnails of an image are stored. */
interface Made {
  readonly kind: 'made';
  readonly finished: Pick<Finished, 'original' | 'uploadId' | 'thumbnails' | 'thumbhash' | 'outdated'>;
  /** What the decoder said of a damaged image. @default - nothing */
  readonly reason?: string | undefined;
}

/**
 * Settles one image, in this order: plan which thumbnails are missing, fetch the original, verify it, render,
 * store, record, publish.
 *
 * A job may be stopped anywhere and run again. Thumbnails are stored before the record is written, both under
 * keys that never change, and events are published last, with ids that never change.
 */
export const createResize = (dependencies: ResizeDependencies): Resize => {
  const { originals, thumbnails, catalog, deletionRequests, events, metrics, variants, slowLane } =
    dependencies;
  const decodeOriginal = createDecodeOriginal({ ...dependencies, lane: slowLane ? 'fast' : 'slow' });
  const fingerprint = fingerprintOf(variants);

  const resize: Resize = async (job) => {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const before = await catalog.state(job.id);
      if (before && isDeletion(before)) return sweep(job.id);
      const outcome = await resizeOf(job, before);
      if (outcome !== 'replaced') return outcome;
    }
    throw new Error('Other uploads replaced the record each time.');
  };

  /** @returns `replaced` if the image has another record now, for which nothing is done yet */
  const resizeOf = async (job: ResizeJob, before: Before): Promise<Outcome | 'replaced'> => {
    if (before && isSettled(before, fingerprint)) {
      // A worker may have died between recording and publishing. Its message is then delivered again.
      if (!job.isFirstDelivery) await publish(before);
      return { record: before, result: 'nothing-to-do' };
    }
    if (before === undefined || before.announced) {
      // What was received is known only once its bytes have been read.
      const outcome = await settle(job, before);
      if (isKept(outcome)) await publish(outcome.record);
      return outcome;
    }
    const [outcome] = await bothOf(settle(job, before), publish(before));
    if (isKept(outcome)) await publishEnd(outcome.record);
    return outcome;
  };

  /** Something of a deleted image was stored, perhaps after the deletion listed what there is. */
  const sweep = async (id: ImageId): Promise<Deleted> => {
    await deletionRequests.send(id);
    return { result: 'deleted' };
  };

  const settle = async (job: ResizeJob, before: Before): Promise<Outcome | 'replaced'> => {
    const startedAt = performance.now();
    const result = await make(job.id, before);
    return record(job, before, result, Math.round(performance.now() - startedAt));
  };

  /** Without its original an image keeps the thumbnails that it has. */
  const make = async (id: ImageId, before: Before): Promise<Made | Failed | Slow> => {
    try {
      return await makeFromOriginal(id, before);
    } catch (error) {
      const isMissing = error instanceof ImageError && error.code === 'original-missing';
      if (!isMissing || before === undefined || Object.keys(before.thumbnails).length === 0) throw error;
      const { original, uploadId, thumbhash, thumbnails } = before;
      return { kind: 'made', finished: { original, uploadId, thumbhash, thumbnails, outdated } };
    }
  };

  /**
   * Makes the missing thumbnails, or finds out why there can be none.
   *
   * @throws ImageError `original-missing`
   */
  const makeFromOriginal = async (id: ImageId, before: Before): Promise<Made | Failed | Slow> => {
    if (before && hasNoRequeuesLeft(before)) return giveUp(before);
    const { kept, missing } = planOf(id, variants, before);
    if (before && missing.length === 0) {
      const { original, uploadId, thumbhash } = before;
      return {
        kind: 'made',
        finished: { original, uploadId, thumbhash, thumbnails: Object.fromEntries(kept) },
      };
    }
    const decoded = await decodeOriginal(id, missing);
    if (decoded.kind !== 'rendered') return decoded;
    const stored = await store(id, missing, decoded.rendering.thumbnails);
    const { original, uploadId, rendering } = decoded;
    const thumbnails = Object.fromEntries([...kept, ...stored]);
    return {
      kind: 'made',
      finished: { original, uploadId, thumbhash: rendering.thumbhash, thumbnails },
      reason: rendering.damage?.reason,
    };
  };

  /** The image itself must be the reason that there are no thumbnails yet, so it is not fetched again. */
  const giveUp = async ({ id, announced, original, requeued }: ImageRecord): Promise<Failed> => {
    const stored = await originals.head(id);
    if (stored === undefined) throw new ImageError('original-missing', 'There is no original.');
    return {
      kind: 'failed',
      original: announced ? { bytes: stored.bytes } : original,
      uploadId: stored.uploadId,
      failure: {
        code: 'processing-failed',
        detail: `The thumbnails were requested ${requeued} times without a result.`,
      },
    };
  };

  const store = (
    id: ImageId,
    missing: readonly Variant[],
    rendered: readonly RenderedThumbnail[],
  ): Promise<readonly Thumbnail[]> =>
    Promise.all(
      missing.map(async (variant, index): Promise<Thumbnail> => {
        const thumbnail = rendered[index];
        if (thumbnail === undefined) throw new Error(`The decoder left out the variant ${variant.name}.`);
        const { bytes, width, height } = thumbnail;
        const key = thumbnailKey(id, variant);
        const contentType = thumbnailContentTypes[variant.format];
        await thumbnails.put(key, bytes, contentType);
        return [variant.name, { key, contentType, width, height, bytes: bytes.byteLength }];
      }),
    );

  /** Records a result, unless another worker has settled the image meanwhile. */
  const record = async (
    job: ResizeJob,
    before: Before,
    result: Made | Failed | Slow,
    resizeMilliseconds: number,
  ): Promise<Outcome | 'replaced'> => {
    const { id, storedAt } = job;
    switch (result.kind) {
      case 'slow':
        return moveToSlowLane(job, before, { ...before?.original, ...result.original });
      case 'failed': {
        const { original, failure, uploadId, reason } = result;
        const failed = await catalog.fail(id, before, fingerprint, original, failure, uploadId);
        return outcomeOf(id, before, failed, reason);
      }
      case 'made': {
        // S3 has another clock.
        const uploadToReadyMilliseconds = storedAt && Math.max(0, Date.now() - storedAt.getTime());
        const finished = { ...result.finished, resizeMilliseconds, uploadToReadyMilliseconds };
        const ready = await catalog.finish(id, before, fingerprint, finished);
        return outcomeOf(id, before, ready, result.reason);
      }
    }
  };

  const outcomeOf = async (
    id: ImageId,
    before: Before,
    settled: ImageRecord | undefined,
    reason: string | undefined,
  ): Promise<Outcome | 'replaced'> => {
    if (settled === undefined) return overtaken(id, before);
    const { original, error, uploadToReadyMilliseconds } = settled;
    // With zeros: alarms compare these metrics, and one without data has no value to compare.
    const uploaded = before?.announced ? { Uploads: 1, UploadedBytes: original.bytes } : { Uploads: 0 };
    if (error) {
      metrics.record(uploaded);
      metrics.record({ Failed: 1 }, error.code);
    } else {
      metrics.record({
        ...uploaded,
        Ready: 1,
        Failed: 0,
        UploadToReadyMilliseconds: uploadToReadyMilliseconds,
      });
    }
    return { record: settled, result: 'settled', reason };
  };

  /** Records the move first: the reconciler waits longer for images of the slow lane. */
  const moveToSlowLane = async (
    { id, storedAt }: ResizeJob,
    before: Before,
    original: Original,
  ): Promise<Outcome | 'replaced'> => {
    if (slowLane === undefined) throw new Error('An image of the slow lane cannot move to it.');
    const moved = await catalog.noteSlowLane(id, before, fingerprint, original);
    if (moved === undefined) return overtaken(id, before);
    await slowLane.move(id, storedAt);
    metrics.record({ MovedToSlowLane: 1 });
    return { record: moved, result: 'moved' };
  };

  /** Another process changed the record first. */
  const overtaken = async (id: ImageId, before: Before): Promise<Outcome | 'replaced'> => {
    const present = await catalog.state(id);
    if (present === undefined) throw new Error('The record disappeared meanwhile.');
    if (isDeletion(present)) return sweep(id);
    const isOther = present.createdAt !== before?.createdAt && !isSettled(present, fingerprint);
    return isOther ? 'replaced' : { record: present, result: 'nothing-to-do' };
  };

  /** Publishes everything that has happened to an image. */
  const publish = async (image: ImageRecord): Promise<void> => {
    await events.publish(receivedEvent(image));
    await publishEnd(image);
  };

  const publishEnd = async (image: ImageRecord): Promise<void> => {
    const event = endedEvent(image);
    if (event !== undefined) await events.publish(event);
  };

  return resize;
};

interface Plan {
  /** Thumbnails that are stored already, made with the present settings. */
  readonly kept: readonly Thumbnail[];
  readonly missing: readonly Variant[];
}

const planOf = (id: ImageId, variants: Variants, before: Before): Plan => {
  const kept = Object.entries(before?.thumbnails ?? {}).filter(([name, { key }]) =>
    variants.some((variant) => variant.name === name && thumbnailKey(id, variant) === key),
  );
  const missing = variants.filter(({ name }) => !kept.some(([keptName]) => keptName === name));
  return { kept, missing };
};

/** Waits for both, so that no work outlives the returned error. */
const bothOf = async <First, Second>(
  first: Promise<First>,
  second: Promise<Second>,
): Promise<readonly [First, Second]> => {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
};
