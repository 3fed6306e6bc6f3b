import { setTimeout as sleep } from 'node:timers/promises';
import type { DeletionRequests } from '../aws/deletion-requests.ts';
import type { Events } from '../aws/events.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import type { ImageId } from '../image/id.ts';
import type { Arrival } from '../image/keys.ts';
import { duplicateEvent } from '../image/new-event.ts';
import { type ImageRecord, isGivenUp } from '../image/record.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { ArrivalObjects } from './arrival-objects.ts';
import { deletionMilliseconds, deletionPauseMilliseconds, type OwnPortsProps } from './own-ports.ts';

/** What waits for the bytes of a presigned upload, such as a request for a mail. */
export interface ProofListener {
  /** Called before any event that follows from the upload. May be called again. */
  prove(id: ImageId, uploadId: string): Promise<void>;
}

export interface ArrivalsDependencies extends Omit<OwnPortsProps, 'uploads'> {
  readonly objects: ArrivalObjects;
  readonly resizeRequests: ResizeRequests;
  readonly deletionRequests: Pick<DeletionRequests, 'send'>;
  readonly events: Events;
  readonly proofListeners: readonly ProofListener[];
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Receives a presigned upload of a known caller: makes the caller an owner, and the bytes the image's
 * original unless it has one. It may be stopped anywhere and run again.
 *
 * @throws temporary errors, also while the image is being deleted: to be repeated
 */
export type ReceiveArrival = (arrival: Arrival) => Promise<void>;

export const createReceiveArrival = (dependencies: ArrivalsDependencies): ReceiveArrival => {
  const { objects, ownerships, catalog, originals, resizeRequests, deletionRequests, events } = dependencies;
  const { metrics, log, proofListeners } = dependencies;

  /**
   * Claims the image for its announcer, records it, and makes the claim stay. Each write needs the one
   * before: what the owner deletes meanwhile does not come back.
   *
   * @returns undefined where the owner has deleted the image since announcing it
   */
  const claimAndReceive = async (
    { id }: Arrival,
    owner: string,
    bytes: number,
  ): Promise<{ readonly record: ImageRecord; readonly isNew: boolean } | undefined> => {
    const waitUntil = Date.now() + deletionMilliseconds;
    while (await ownerships.confirm(id, owner)) {
      const created = await catalog.receive(id, { bytes }, new Date(), 1);
      const record = created ?? (await catalog.claim(id));
      if (record !== undefined) {
        if (await ownerships.settle(id, owner)) return { record, isNew: created !== undefined };
        // Perhaps no one else owns what was recorded after the owner had deleted it.
        await deletionRequests.send(id);
        return undefined;
      }
      // The claim stays: the next delivery needs it.
      if (Date.now() >= waitUntil) throw new Error('The image is being deleted: the arrival has to wait.');
      await sleep(deletionPauseMilliseconds);
    }
    return undefined;
  };

  const receive = async (arrival: Arrival, record: ImageRecord, isNew: boolean): Promise<void> => {
    const { id } = arrival;
    const isStored = (await originals.head(id)) !== undefined;
    // The event of the copy starts the resizing.
    if (!isStored) await objects.copyToOriginal(arrival);
    if (isNew) {
      if (isStored) await resizeRequests.send(id);
      return;
    }
    if (!isStored && record.status === 'received') return;
    if (isGivenUp(record) && (await catalog.renew(id))) await resizeRequests.send(id);
    metrics.record({ Duplicates: 1 });
    await events.publish(duplicateEvent(record));
  };

  return async (arrival) => {
    const { id, uploadId } = arrival;
    const stored = await objects.find(arrival);
    if (stored === undefined) {
      log.info('arrival received before', { imageId: id });
      return;
    }
    const { owner, bytes } = stored;
    const received = await claimAndReceive(arrival, owner, bytes);
    if (received) {
      const { record, isNew } = received;
      if (isNew) metrics.record({ Uploads: 1, UploadedBytes: bytes });
      for (const listener of proofListeners) await listener.prove(id, uploadId);
      await receive(arrival, record, isNew);
      log.info('arrival received', { imageId: id, bytes });
    } else {
      log.info('arrival discarded, its owner has deleted the image', { imageId: id });
    }
    await objects.empty(arrival, stored);
  };
};
