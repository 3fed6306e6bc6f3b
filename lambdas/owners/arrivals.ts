import type { Events } from '../aws/events.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import type { ImageId } from '../image/id.ts';
import type { Arrival } from '../image/keys.ts';
import { duplicateEvent } from '../image/new-event.ts';
import { isGivenUp } from '../image/record.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { ArrivalObjects } from './arrival-objects.ts';
import { claimAndReceive, type OwnPortsProps } from './own-ports.ts';

/** What waits for the bytes of a presigned upload, such as a request for a mail. */
export interface ProofListener {
  /** Called before any event that follows from the upload. May be called again. */
  prove(id: ImageId, uploadId: string): Promise<void>;
}

export interface ArrivalsDependencies extends Omit<OwnPortsProps, 'uploads'> {
  readonly objects: ArrivalObjects;
  readonly resizeRequests: ResizeRequests;
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
  const { objects, ownerships, catalog, originals, resizeRequests, events, metrics, log } = dependencies;

  const receive = async (arrival: Arrival, owner: string, bytes: number): Promise<void> => {
    const { id, uploadId } = arrival;
    const image = { id, owner, original: { bytes }, waitingSince: new Date() };
    const claimed = await claimAndReceive(dependencies, image);
    // The claim stays: it is younger than the deletion, and the next delivery needs it.
    if (claimed === undefined) throw new Error('The image is being deleted: the arrival has to wait.');
    // Not earlier: a deletion removes what is proven.
    for (const listener of dependencies.proofListeners) await listener.prove(id, uploadId);
    const { created } = claimed;
    const record = created ?? (await catalog.find(id));
    if (record === undefined) throw new Error('The record disappeared meanwhile.');
    if (created) metrics.record({ Uploads: 1, UploadedBytes: bytes });
    const isStored = (await originals.head(id)) !== undefined;
    // The event of the copy starts the resizing.
    if (!isStored) await objects.copyToOriginal(arrival);
    if (created) {
      if (isStored) await resizeRequests.send(id);
      return;
    }
    if (!isStored && record.status === 'received') return;
    if (isGivenUp(record) && (await catalog.renew(id))) await resizeRequests.send(id);
    metrics.record({ Duplicates: 1 });
    await events.publish(duplicateEvent(record));
  };

  return async (arrival) => {
    const { id } = arrival;
    const stored = await objects.find(arrival);
    if (stored === undefined) {
      log.info('arrival received before', { imageId: id });
      return;
    }
    const { owner, bytes } = stored;
    // The owner may have deleted the image after announcing it.
    if (await ownerships.confirm(id, owner)) {
      await receive(arrival, owner, bytes);
      log.info('arrival received', { imageId: id, bytes });
    } else {
      log.info('arrival discarded, its owner has deleted the image', { imageId: id });
    }
    await objects.empty(arrival, stored);
  };
};
