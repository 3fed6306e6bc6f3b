import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../aws/events.ts';
import type { Originals, StoredOriginal } from '../aws/originals.ts';
import type { UploadBudget } from '../aws/upload-budget.ts';
import type { PresignedUpload, Uploads } from '../aws/uploads.ts';
import { type ImageState, isDeletion } from '../image/deletion.ts';
import type { ImageEvent } from '../image/event.ts';
import { type ImageId, imageIdOf } from '../image/id.ts';
import { duplicateEvent, linkServedEvent } from '../image/new-event.ts';
import { requireAcceptedType } from '../image/original-type.ts';
import { type ImageRecord, needsBytes, type Original } from '../image/record.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { RequestError } from '../runtime/request-error.ts';
import type { UnprovenUpload, UploadWish } from '../runtime/upload-extension.ts';
import { requireDigest } from './content-digest.ts';
import { type CurrentRecordsDependencies, createCurrentRecords } from './current-records.ts';
import { createWait, type WaitDependencies, type WaitUntilSettled } from './wait.ts';

export interface IngestDependencies
  extends Omit<CurrentRecordsDependencies, 'publish'>,
    Omit<WaitDependencies, 'find'> {
  readonly originals: Originals;
  readonly uploads: Uploads;
  readonly events: Events;
  /** How much may be uploaded in a day. */
  readonly budget: UploadBudget;
  readonly metrics: Metrics;
  /** The setting `heic`. */
  readonly acceptsHeic: boolean;
}

export interface Ingest {
  /**
   * Names an image by its hash, records it and stores its bytes unchanged, which starts the resizing. Known
   * bytes are neither stored nor resized again.
   *
   * @param contentDigest the caller's hash of the bytes (RFC 9530). @default - it is not checked
   * @throws ImageError `unsupported-type`, `checksum-mismatch`; RequestError `empty-body`,
   *   `daily-budget-exhausted`, `deletion-in-progress`; or of a wish
   */
  upload(bytes: Uint8Array, wishes: readonly UploadWish[], contentDigest?: string): Promise<ImageRecord>;
  /**
   * Presigns an upload straight to S3, unless the image is stored already. What the caller claims of the
   * image is not recorded: it may be false.
   *
   * @throws RequestError `daily-budget-exhausted`, `deletion-in-progress`; those of the wishes
   */
  announce(
    id: ImageId,
    bytes: number,
    wishes: readonly UploadWish[],
  ): Promise<{ readonly record: ImageRecord; readonly presigned?: PresignedUpload }>;
  /**
   * The record of an image. An image that was finished with other settings is resized again.
   *
   * @throws RequestError `not-found`
   */
  find(id: ImageId): Promise<ImageRecord>;
  /**
   * The same for a link to a thumbnail. If that is not stored any more, it is made again.
   *
   * @param variantName the first variant when undefined
   * @param tellsDeletions whether the caller may learn that the image was deleted
   * @throws RequestError `not-found`, `image-deleted`
   */
  findForLink(id: ImageId, variantName: string | undefined, tellsDeletions: boolean): Promise<ImageRecord>;
  settled: WaitUntilSettled;
  /** Publishes that a link led to a thumbnail. */
  publishServed(id: ImageId, variantName: string): Promise<void>;
}

/** The record of an announced image outlives its URL, for an upload under way and a lost event. */
const announcementDays = 2;

/** How long a concurrent upload of the same bytes may take to store them before this one stores them. */
const concurrentUploadMilliseconds = 3000;

/** How long an upload waits for a deletion of the same image. A deletion takes less than a second. */
const deletionMilliseconds = 3000;

/** How often an upload is recorded again after a deletion that it waited for. */
const maxAttempts = 3;

export const createIngest = (dependencies: IngestDependencies): Ingest => {
  const { originals, catalog, uploads, resizeRequests, events, budget, metrics, log, acceptsHeic, variants } =
    dependencies;
  /**
   * Every accepted request counts, also for a known image: the budget limits the cost of requests as well.
   */
  const chargeBudget = async (bytes: number): Promise<void> => {
    try {
      metrics.record({ BudgetUsedPercent: await budget.take(bytes) });
    } catch (error) {
      // The percentage is recorded too, so that the alarm at 80 % stays on while every upload is refused.
      if (error instanceof RequestError) metrics.record({ BudgetUsedPercent: 100, BudgetRefusals: 1 });
      throw error;
    }
  };

  /** Hashes the bytes while the budget's table answers. */
  const hashAndCharge = async (bytes: Uint8Array): Promise<ImageId> => {
    const charged = chargeBudget(bytes.byteLength);
    // One turn of the event loop sends the request, or ends here with a refusal. Hashing then blocks the
    // loop; in a thread it would cost a copy of the body.
    await Promise.race([charged, nextTurn()]);
    const id = imageIdOf(bytes);
    await charged;
    return id;
  };

  /** Whether the bytes of a recorded image are stored, after waiting for a concurrent upload of them. */
  const isStored = async ({ id, createdAt }: ImageRecord): Promise<boolean> => {
    const waitUntil = Date.parse(createdAt) + concurrentUploadMilliseconds;
    while ((await originals.head(id)) === undefined) {
      if (Date.now() >= waitUntil) return false;
      await sleep(100);
    }
    return true;
  };

  /** The state of an image, after waiting for its deletion to end. */
  const stateAfterDeletion = async (id: ImageId): Promise<ImageState | undefined> => {
    const waitUntil = Date.now() + deletionMilliseconds;
    for (;;) {
      const state = await catalog.state(id);
      if (state?.status !== 'deleting') return state;
      if (Date.now() >= waitUntil) throw deletionInProgress();
      await sleep(100);
    }
  };

  /** Records an upload, unless the image has a record. */
  const receive = async (
    id: ImageId,
    original: Original,
    wishes: readonly UploadWish[],
  ): Promise<{ readonly record: ImageRecord; readonly isNew: boolean }> => {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const created = await catalog.receive(id, original, new Date());
      if (created) {
        // A deletion that has ended just now may have removed them.
        await recordAll(wishes, id);
        return { record: created, isNew: true };
      }
      const known = await records.findForUpload(id);
      if (known) return { record: known, isNew: false };
      await stateAfterDeletion(id);
      // The deletion may have removed them.
      await recordAll(wishes, id);
    }
    throw deletionInProgress();
  };

  /** The record of an image that had one a moment ago. Without it the image was deleted meanwhile. */
  const recordOf = async (id: ImageId): Promise<ImageRecord> => {
    const state = await catalog.state(id);
    if (state === undefined || isDeletion(state)) throw deletionInProgress();
    return state;
  };

  /** A caller gets its reply although the topic is unreachable. The log then has the event. */
  const publishOrLog = async (event: ImageEvent): Promise<void> => {
    try {
      await events.publish(event);
    } catch (error) {
      log.error('event not published', { event, error });
      metrics.record({ EventsUnpublished: 1 });
    }
  };

  const records = createCurrentRecords({ ...dependencies, publish: publishOrLog });
  const find = async (id: ImageId): Promise<ImageRecord> => requireRecord(await records.find(id));

  const publishDuplicate = async (record: ImageRecord, wishes: readonly UploadWish[]): Promise<void> => {
    metrics.record({ Duplicates: 1 });
    const event = duplicateEvent(record);
    // A wish depends on the event: no other one follows for a settled image.
    await (wishes.length === 0 ? publishOrLog(event) : events.publish(event));
  };

  /** @param stored what S3 knows of the original; undefined when the image is settled */
  const announceStored = async (id: ImageId, stored: StoredOriginal | undefined): Promise<ImageRecord> => {
    const known = await records.findForUpload(id);
    if (known === undefined && stored !== undefined) {
      // The bytes have lost their record. S3 does not accept them again, so no event would start the work.
      const created = await catalog.receive(id, { bytes: stored.bytes }, new Date());
      if (created) await resizeRequests.send(id);
    }
    const record = known ?? (await recordOf(id));
    const original = record.announced && stored ? { bytes: stored.bytes } : record.original;
    await publishDuplicate({ ...record, original }, []);
    return record;
  };

  return {
    find,

    async findForLink(id, variantName = variants[0].name, tellsDeletions) {
      const record = await records.findStored(id, [variantName]);
      if (record !== undefined || !tellsDeletions) return requireRecord(record);
      const state = await catalog.state(id);
      if (state === undefined || !isDeletion(state)) return requireRecord(state);
      throw new RequestError(
        'image-deleted',
        'It is no longer available. Whoever has the file can upload it again.',
      );
    },

    async upload(bytes, wishes, contentDigest) {
      if (bytes.byteLength === 0) {
        throw new RequestError('empty-body', 'The request has no body: send the image as the body.');
      }
      const contentType = requireAcceptedType(bytes, acceptsHeic);
      const id = await hashAndCharge(bytes);
      requireDigest(contentDigest, id);
      await recordAll(wishes, id);
      const original = { contentType, bytes: bytes.byteLength };
      const { record, isNew } = await receive(id, original, wishes);
      if (isNew) metrics.record({ Uploads: 1, UploadedBytes: bytes.byteLength });
      if (record.status === 'received' && (isNew || !(await isStored(record)))) {
        const outcome = await originals.put(id, bytes, contentType);
        // The bytes had lost their record. S3 did not accept them again, so no event starts the work.
        if (isNew && outcome === 'already-stored') await resizeRequests.send(id);
      } else {
        await publishDuplicate(record.announced ? { ...record, original } : record, wishes);
      }
      return record;
    },

    async announce(id, bytes, wishes) {
      await chargeBudget(bytes);
      const state = await stateAfterDeletion(id);
      const recorded = state && !isDeletion(state) ? state : undefined;
      const [wish] = wishes;
      // Anyone may know a hash. S3 does not accept the bytes again, so the caller cannot prove having them,
      // and a refused request must not cause any work.
      if (wish !== undefined && isSettled(recorded)) throw wish.missingBytes();
      const known = recorded && (await records.findStored(id));
      const stored = isSettled(known) ? undefined : await originals.head(id);
      if (isSettled(known) || stored !== undefined) {
        if (wish !== undefined) throw wish.missingBytes();
        return { record: await announceStored(id, stored) };
      }
      const { uploadId, request } = await uploads.sign(id, bytes);
      const urlEndsAt = new Date(request.expiresAt);
      await recordAll(wishes, id, { uploadId, expiresAt: urlEndsAt });
      const expiresAt = new Date(urlEndsAt.getTime() + announcementDays * 86_400_000);
      const announced = await catalog.announce(id, urlEndsAt, expiresAt);
      return { record: announced ?? (await recordOf(id)), presigned: request };
    },

    settled: createWait({ ...dependencies, find }),

    publishServed: (id, variantName) => publishOrLog(linkServedEvent(id, variantName)),
  };
};

/** Whether the bytes of an image are not needed again. */
const isSettled = (record: ImageRecord | undefined): boolean =>
  record !== undefined && record.status !== 'received' && !needsBytes(record);

const deletionInProgress = (): RequestError =>
  new RequestError('deletion-in-progress', 'The image is being deleted. Upload it again in a few seconds.', {
    retryAfterSeconds: 5,
  });

const requireRecord = (record: ImageRecord | undefined): ImageRecord => {
  if (record === undefined) throw noImage();
  return record;
};

export const noImage = (): RequestError => new RequestError('not-found', 'There is no image with this id.');

const recordAll = async (
  wishes: readonly UploadWish[],
  id: ImageId,
  presigned?: UnprovenUpload,
): Promise<void> => {
  await Promise.all(wishes.map((wish) => wish.record(id, presigned)));
};
