import { setTimeout as wait } from 'node:timers/promises';
import type { Catalog } from '../../../lambdas/aws/catalog.ts';
import type { DeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { isDeletion } from '../../../lambdas/image/deletion.ts';
import type { ImageId } from '../../../lambdas/image/id.ts';
import { createTurns } from '../../../lambdas/runtime/turns.ts';

/**
 * - `deleted`: nothing of the image is left.
 * - `was-deleted`: it was deleted before.
 * - `unknown`: there is no such image.
 * - `unfinished`: its deletion has begun, or not even that. Delete it again.
 * - `kept`: it was taken from an owner, and others own it.
 * - `would-delete`, `would-release`: in a dry run.
 */
export type DeletedImage = {
  readonly id: ImageId;
  readonly result:
    | 'deleted'
    | 'was-deleted'
    | 'kept'
    | 'unknown'
    | 'unfinished'
    | 'would-delete'
    | 'would-release';
};

export interface DeleteImagesProps {
  readonly catalog: Pick<Catalog, 'state' | 'startDeletion'>;
  readonly deletionRequests: Pick<DeletionRequests, 'send'>;
  readonly ids: readonly ImageId[];
  /**
   * Whether to begin deletions, for all owners. Otherwise this only waits for those that have begun: an image
   * that is uploaded meanwhile belongs to others.
   */
  readonly ofAllOwners: boolean;
  readonly isDryRun: boolean;
  /** How long to wait for each deletion to end. */
  readonly waitSeconds: number;
  /** Once it is aborted, no further deletion begins or is waited for. */
  readonly stopping: AbortSignal;
  /** Called with the number of images that are done. */
  readonly onProgress: (done: number) => void;
}

/** Images that are deleted at a time. More than the deletion worker works on, so that it is never idle. */
const imagesAtOnce = 10;

/** How often a deletion is begun again because the image was claimed meanwhile. */
const maxAttempts = 5;

const pauseMilliseconds = 500;

/** Deletes images, and waits until nothing of them is left. It can be repeated. */
export const deleteImages = async (props: DeleteImagesProps): Promise<readonly DeletedImage[]> => {
  const { catalog, deletionRequests, ids, ofAllOwners, isDryRun, waitSeconds, stopping, onProgress } = props;
  const inTurn = createTurns(imagesAtOnce);
  let done = 0;

  /** @returns `begun`, or the result if there is nothing to wait for */
  const begin = async (id: ImageId): Promise<DeletedImage['result'] | 'begun'> => {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const state = await catalog.state(id);
      if (state === undefined) return 'unknown';
      if (state.status === 'deleted') return 'was-deleted';
      if (!ofAllOwners && !isDeletion(state)) return 'kept';
      if (isDryRun) return 'would-delete';
      if (isDeletion(state) || (await catalog.startDeletion(state)) !== undefined) {
        await deletionRequests.send(id);
        return 'begun';
      }
    }
    return 'unfinished';
  };

  /** An image that is uploaded again has a record again: it was deleted before that. */
  const untilDeleted = async (id: ImageId): Promise<'deleted' | 'unfinished'> => {
    const waitUntil = Date.now() + waitSeconds * 1000;
    while (!stopping.aborted && Date.now() < waitUntil) {
      if ((await catalog.state(id))?.status !== 'deleting') return 'deleted';
      await wait(pauseMilliseconds);
    }
    return 'unfinished';
  };

  return Promise.all(
    ids.map((id) =>
      inTurn(async (): Promise<DeletedImage> => {
        const begun = stopping.aborted ? 'unfinished' : await begin(id);
        const result = begun === 'begun' ? await untilDeleted(id) : begun;
        done += 1;
        onProgress(done);
        return { id, result };
      }),
    ),
  );
};
