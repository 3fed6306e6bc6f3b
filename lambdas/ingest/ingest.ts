import { setImmediate as oneTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Catalog } from '../aws/catalog.ts';
import type { Events } from '../aws/events.ts';
import type { Originals, StoredOriginal } from '../aws/originals.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import type { UploadBudget } from '../aws/upload-budget.ts';
import type { PresignedUpload, Uploads } from '../aws/uploads.ts';
import type { WaitingPlaces } from '../aws/waiting-places.ts';
import { ImageError } from '../image/errors.ts';
import type { ImageEvent } from '../image/event.ts';
import { type ImageId, imageIdOf } from '../image/id.ts';
import { duplicateEvent, linkServedEvent } from '../image/new-event.ts';
import { requireAcceptedType } from '../image/original-type.ts';
import { fingerprintOf, type ImageRecord, isGivenUp } from '../image/record.ts';
import type { Variants } from '../image/variant.ts';
import { notifyHeader } from '../notify/mail-request.ts';
import type { MailRequests, UnprovenUpload } from '../notify/mail-requests.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';

export interface IngestProps {
  readonly originals: Originals;
  readonly catalog: Catalog;
  readonly uploads: Uploads;
  readonly resizeRequests: ResizeRequests;
  readonly events: Events;
  /** Where to note who wants a mail. @default - nobody may: mail is off */
  readonly mailRequests?: MailRequests;
  /** What may be uploaded in a day. */
  readonly budget: UploadBudget;
  readonly waitingPlaces: WaitingPlaces;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly variants: Variants;
  /** Nobody waits any longer once it is aborted. @default - the process does not end while someone waits */
  readonly stopping?: AbortSignal;
}

export interface Ingest {
  /**
   * Takes an image in: names it by its hash, notes it and stores its bytes exactly. Storing is what starts the
   * resizing. Bytes that are known already are neither stored nor resized again.
   *
   * @param recipient who wants a mail once the image is ready or has failed
   * @throws ImageError `empty-body`, `unsupported-type`, `daily-budget-exhausted`, `too-many-recipients`
   */
  upload(bytes: Uint8Array, recipient?: string): Promise<ImageRecord>;
  /**
   * Prepares an upload straight to S3; without one when the image is there already. Nothing that the caller says of the
   * image is kept: it may not be true.
   *
   * @param recipient who wants a mail once the image that this upload stores is ready or has failed
   * @throws ImageError `mail-needs-bytes` when a mail is wanted about an image that is there already,
   *   `daily-budget-exhausted`
   */
  announce(
    id: ImageId,
    bytes: number,
    recipient?: string,
  ): Promise<{ readonly record: ImageRecord; readonly upload?: PresignedUpload }>;
  /**
   * What is known of an image. One that was finished with other settings is sent to be finished with the present ones.
   *
   * @throws ImageError `not-found`
   */
  find(id: ImageId): Promise<ImageRecord>;
  /**
   * Waits until an image is `ready` or `failed`, but no longer than that: then returns its state so far.
   * Where no place is free for one more caller that waits, it returns at once, with `waited` false.
   */
  settled(
    record: ImageRecord,
    waitSeconds: number,
  ): Promise<{ readonly record: ImageRecord; readonly waited: boolean }>;
  /** Tells that a link led somebody to a thumbnail. */
  noteServed(id: ImageId, variantName: string): Promise<void>;
}

/** How long the record of an announced image is kept after its URL ends, for an upload under way and a lost event. */
const announcementDays = 2;

/** How long an upload of the same bytes, under way elsewhere, is given to store them before this one does. */
const concurrentUploadMilliseconds = 3000;

export const createIngest = (props: IngestProps): Ingest => {
  const { originals, catalog, uploads, resizeRequests, events, metrics, log, variants, stopping } = props;
  const fingerprint = fingerprintOf(variants);

  /** Whoever turns the state sends the one request; should it die in between, the reconciler finds the image. */
  const renew = async (id: ImageId, unlessFinishedWith?: string): Promise<void> => {
    if (await catalog.renew(id, unlessFinishedWith)) await resizeRequests.send(id);
  };

  const findCurrent = async (id: ImageId): Promise<ImageRecord | undefined> => {
    const record = await catalog.find(id);
    if (record === undefined || record.status === 'received' || record.fingerprint === fingerprint)
      return record;
    await renew(id, fingerprint);
    return catalog.find(id);
  };

  const orNotFound = (record: ImageRecord | undefined): ImageRecord => {
    if (record === undefined) throw new ImageError('not-found', 'No image with this id was uploaded.');
    return record;
  };

  /** As `findCurrent`, for whoever brings the image again: one that was given up on gets another chance. */
  const findForUpload = async (id: ImageId): Promise<ImageRecord | undefined> => {
    const record = await findCurrent(id);
    if (record === undefined || !isGivenUp(record)) return record;
    await renew(id);
    return catalog.find(id);
  };

  /** Whether the bytes of a noted image are there; waits for an upload of the same that may be under way. */
  const isStored = async ({ id, createdAt }: ImageRecord): Promise<boolean> => {
    const giveUpAt = Date.parse(createdAt) + concurrentUploadMilliseconds;
    while ((await originals.head(id)) === undefined) {
      if (Date.now() >= giveUpAt) return false;
      await sleep(100);
    }
    return true;
  };

  /**
   * Every request that is accepted counts, also one of a known image: the budget bounds what requests cost,
   * too.
   */
  const takeFromBudget = async (bytes: number): Promise<void> => {
    try {
      metrics.record({ BudgetUsedPercent: await props.budget.take(bytes) });
    } catch (error) {
      // Also the percentage, so that the alarm at 80 % stays on when nothing is taken any more.
      if (error instanceof ImageError) metrics.record({ BudgetUsedPercent: 100, BudgetRefusals: 1 });
      throw error;
    }
  };

  /** First of all, so that whatever is told of the image from now on finds the request. */
  const requestMail = async (
    id: ImageId,
    recipient: string | undefined,
    upload?: UnprovenUpload,
  ): Promise<void> => {
    if (recipient === undefined) return;
    if (props.mailRequests === undefined) throw new Error('Mail is off.');
    await props.mailRequests.add(id, recipient, upload);
  };

  const untilSettled = async (record: ImageRecord, waitSeconds: number): Promise<ImageRecord> => {
    const giveUpAt = Date.now() + waitSeconds * 1000;
    let latest = record;
    // Often at first, then ever more seldom: so the wait is a tenth longer than it need be, for 14 reads when
    // that is 0.6 s.
    let pauseMilliseconds = 15;
    while (latest.status === 'received') {
      const left = giveUpAt - Date.now();
      if (left <= 0 || stopping?.aborted) break;
      await sleep(Math.min(pauseMilliseconds, left));
      pauseMilliseconds = Math.min(pauseMilliseconds * 1.15, 1000);
      latest = orNotFound(await findCurrent(record.id));
    }
    return latest;
  };

  /** Nobody is refused because the topic is out of reach: then the log keeps what it was not told. */
  const tell = async (event: ImageEvent): Promise<void> => {
    try {
      await events.publish(event);
    } catch (error) {
      log.error('event not published', { event, error });
      metrics.record({ EventsUnpublished: 1 });
    }
  };

  const tellDuplicate = async (record: ImageRecord, recipient: string | undefined): Promise<void> => {
    metrics.record({ Duplicates: 1 });
    const event = duplicateEvent(record);
    // Nothing else brings the mail on its way.
    await (recipient === undefined ? tell(event) : events.publish(event));
  };

  /** @param stored what S3 knows of the original, unless the image has ended */
  const announceAgain = async (id: ImageId, stored: StoredOriginal | undefined): Promise<ImageRecord> => {
    const known = await findForUpload(id);
    if (known === undefined && stored !== undefined) {
      // As in `upload`, for bytes that have lost their record.
      const created = await catalog.receive(id, { bytes: stored.bytes }, new Date());
      if (created) await resizeRequests.send(id);
    }
    const record = known ?? orNotFound(await catalog.find(id));
    const original = record.announced && stored ? { bytes: stored.bytes } : record.original;
    await tellDuplicate({ ...record, original }, undefined);
    return record;
  };

  return {
    find: async (id) => orNotFound(await findCurrent(id)),

    async upload(bytes, recipient) {
      if (bytes.byteLength === 0) {
        throw new ImageError('empty-body', 'The request has no body: send the image as the body.');
      }
      const contentType = requireAcceptedType(bytes);
      const taking = takeFromBudget(bytes.byteLength);
      // The request leaves within one turn of the event loop, and is answered while a large body is hashed.
      // What is refused without a request is refused before that. (Hashing in a thread copies the body: 1.7
      // times the CPU of an upload.)
      await Promise.race([taking, oneTurn()]);
      const id = imageIdOf(bytes);
      await taking;
      await requestMail(id, recipient);
      const created = await catalog.receive(id, { contentType, bytes: bytes.byteLength }, new Date());
      const record = created ?? orNotFound(await findForUpload(id));
      if (created) metrics.record({ Uploads: 1, UploadedBytes: bytes.byteLength });
      if (record.status === 'received' && (created || !(await isStored(record)))) {
        const outcome = await originals.put(id, bytes, contentType);
        // Bytes that are there without a lasting record: S3 takes them no more, so no event starts the work on them.
        if (created && outcome === 'already-stored') await resizeRequests.send(id);
      } else {
        const original = record.announced ? { contentType, bytes: bytes.byteLength } : record.original;
        await tellDuplicate({ ...record, original }, recipient);
      }
      return record;
    },

    async announce(id, bytes, recipient) {
      await takeFromBudget(bytes);
      const noted = await catalog.find(id);
      const isOpen = noted === undefined || noted.status === 'received';
      const stored = isOpen ? await originals.head(id) : undefined;
      if (!isOpen || stored !== undefined) {
        // Anyone can know a hash. What S3 does not take a second time shows no bytes.
        if (recipient !== undefined) {
          const detail = `This image is stored already. POST the image itself, or leave ${notifyHeader} out.`;
          throw new ImageError('mail-needs-bytes', detail, { field: notifyHeader });
        }
        return { record: await announceAgain(id, stored) };
      }
      const { uploadId, request } = await uploads.sign(id, bytes);
      const urlEndsAt = new Date(request.expiresAt);
      await requestMail(id, recipient, { uploadId, expiresAt: urlEndsAt });
      const expiresAt = new Date(urlEndsAt.getTime() + announcementDays * 86_400_000);
      const announced = await catalog.announce(id, urlEndsAt, expiresAt);
      return { record: announced ?? orNotFound(await catalog.find(id)), upload: request };
    },

    async settled(record, waitSeconds) {
      if (record.status !== 'received' || waitSeconds === 0) return { record, waited: true };
      const giveBack = await props.waitingPlaces.take(waitSeconds);
      if (giveBack === undefined) return { record, waited: false };
      try {
        return { record: await untilSettled(record, waitSeconds), waited: true };
      } finally {
        // The place becomes free by itself as well: the caller gets its answer.
        await giveBack().catch((error) => log.warn('waiting place not given back', { error }));
      }
    },

    noteServed: (id, variantName) => tell(linkServedEvent(id, variantName)),
  };
};
