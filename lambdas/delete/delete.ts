import { randomUUID } from 'node:crypto';
import type { Catalog } from '../aws/catalog.ts';
import type { DeletionRequests } from '../aws/deletion-requests.ts';
import type { Events } from '../aws/events.ts';
import { type Deletion, isDeletion } from '../image/deletion.ts';
import type { ImageId } from '../image/id.ts';
import { deletedEvent } from '../image/new-event.ts';
import type { ImageRecord } from '../image/record.ts';
import type { Forgetter } from '../runtime/forgetter.ts';
import type { Metrics } from '../runtime/metrics.ts';

export interface DeleteDependencies {
  readonly catalog: Catalog;
  readonly deletionRequests: DeletionRequests;
  /** Remove everything about an image. */
  readonly forgetters: readonly Forgetter[];
  readonly events: Events;
  readonly metrics: Metrics;
  /** How long the catalog remembers that an image was deleted. */
  readonly deletedDays: number;
  /**
   * Whether an image still has an owner, read consistently.
   * @default - callers are anonymous: only an operator's command begins a deletion
   */
  readonly hasOwner?: ((record: ImageRecord) => Promise<boolean>) | undefined;
}

/**
 * - `deleted`: nothing of the image is left.
 * - `swept`: the image was deleted before, and what arrived late is removed as well.
 * - `busy`: another worker deletes the image. It is looked at again later.
 * - `nothing-to-do`: there is no such image, or it is not to be deleted.
 */
export type DeleteResult = 'deleted' | 'swept' | 'busy' | 'nothing-to-do';

/** Deletes an image, or removes what arrived late of one. @throws any temporary error */
export type Delete = (id: ImageId) => Promise<DeleteResult>;

/** For so long, one worker alone deletes an image. A visibility timeout is longer. */
const leaseSeconds = 60;

/**
 * The worker stops before its lease ends by the clock of another one: after the deletion the image may be
 * uploaded again, and must not be removed then.
 */
const workSeconds = 40;

/**
 * When a deleted image is swept: whatever was under way has arrived by then. It is the longest delay of SQS
 * (SQS API Reference, `SendMessage`), and longer than a resize takes.
 */
const sweepAfterSeconds = 900;

/**
 * Deletes one image, in this order: begin, take the lease, plan the sweep, remove everything, publish,
 * record.
 *
 * A deletion may be stopped anywhere and begun again: until the last step the image is `deleting`, each step
 * can be repeated, and the event has an id that never changes.
 */
export const createDelete = (dependencies: DeleteDependencies): Delete => {
  const { catalog, deletionRequests, forgetters, events, metrics, deletedDays, hasOwner } = dependencies;

  /** An image that no caller ever claimed belongs to the operator. */
  const startUnlessOwned = async (record: ImageRecord): Promise<Deletion | undefined> => {
    if (hasOwner === undefined || record.claims === 0) return undefined;
    // Read after the record: an upload that the answer misses has claimed the image since then.
    return (await hasOwner(record)) ? undefined : catalog.startDeletion(record);
  };

  const removeAll = async (deletion: Deletion, token: string, stopping: AbortSignal): Promise<void> => {
    const { id, changedAt, isPublished } = deletion;
    if (!isPublished) await deletionRequests.sendLater(id, sweepAfterSeconds);
    for (const { forget } of forgetters) {
      stopping.throwIfAborted();
      await forget(id, stopping);
    }
    if (!isPublished) await events.publish(deletedEvent(deletion));
    const expiresAt = new Date(Date.parse(changedAt) + deletedDays * 86_400_000);
    if (!(await catalog.finishDeletion(deletion, token, expiresAt))) {
      throw new Error('Another worker has taken over the deletion.');
    }
    if (!isPublished) metrics.record({ Deleted: 1 });
  };

  return async (id) => {
    const state = await catalog.state(id);
    if (state === undefined) return 'nothing-to-do';
    const deletion = isDeletion(state) ? state : await startUnlessOwned(state);
    if (deletion === undefined) return 'nothing-to-do';
    const token = randomUUID();
    const stopping = AbortSignal.timeout(workSeconds * 1000);
    const lease = await catalog.takeLease(deletion, token, new Date(Date.now() + leaseSeconds * 1000));
    if (lease === undefined) {
      await deletionRequests.sendLater(id, leaseSeconds);
      return 'busy';
    }
    await removeAll(lease, token, stopping);
    return lease.isPublished ? 'swept' : 'deleted';
  };
};
