import type { Catalog } from '../aws/catalog.ts';
import type { WaitingKind } from '../aws/catalog-table.ts';
import type { DeletionRequests } from '../aws/deletion-requests.ts';
import type { Originals } from '../aws/originals.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import { type Deletion, type ImageState, isDeletion } from '../image/deletion.ts';
import type { ImageId } from '../image/id.ts';
import type { ImageRecord } from '../image/record.ts';
import { createTurns } from '../runtime/turns.ts';
import { overdueImages } from './overdue-images.ts';

export interface ReconcileDependencies {
  readonly catalog: Catalog;
  readonly originals: Pick<Originals, 'head'>;
  readonly resizeRequests: ResizeRequests;
  readonly slowResizeRequests: Pick<ResizeRequests, 'waiting'>;
  readonly deletionRequests: Pick<DeletionRequests, 'send'>;
  readonly overdueSeconds: number;
  /** With more messages in the queue, an image that waits may simply not have had its turn. */
  readonly maxBacklog: number;
}

export interface ReconcileReport {
  readonly dryRun: boolean;
  /** Messages in the queue. While there are many, only images that have waited very long count as overdue. */
  readonly backlog: number;
  /** Messages in the slow lane's queue. */
  readonly slowBacklog: number;
  /** Their originals are stored, and their thumbnails were requested again. Resize gives up eventually. */
  readonly requeued: readonly ImageId[];
  /** Images whose original was never stored: they are no longer examined, and their records expire. */
  readonly expired: readonly ImageId[];
  /** Images whose deletion did not end, and was requested again. */
  readonly deletions: readonly ImageId[];
}

export type Reconcile = (options: { readonly dryRun: boolean }) => Promise<ReconcileReport>;

/** The kinds of images in the order in which they are examined. Each has its own share of a run. */
const kinds: readonly WaitingKind[] = ['deletion', 'stored', 'slow', 'announced'];

/**
 * Images of each kind in one run. With 288 runs a day, announcements are cleared three times as fast as the
 * daily budget allows them to be made. The ids of all kinds fit into one log event (CloudWatch Logs quotas:
 * 256 KB).
 */
const maxImagesOfKind = 1200;

/** All kinds together fit into the function's two minutes. `maxImagesOfKind` take some 5 s. */
const maxMillisecondsOfKind = 30_000;

/** Images that are examined at a time: half of the SDK's connections to one service. */
const concurrency = 25;

/** An image that has waited so long is requested whatever the backlog: floods must not hide lost images. */
const longOverdueSeconds = 6 * 3600;

/** A decode in the slow lane takes up to a minute and may happen twice, so its images are overdue later. */
const slowPatienceFactor = 4;

/** How long the record of a missing original is kept, unless its announcement ends earlier. */
const expiryMilliseconds = 86_400_000;

/** How long an image may wait. */
interface Patience {
  readonly seconds: number;
  /** Whether the queue is so long that an image may simply not have had its turn. */
  readonly isBusy: boolean;
}

/** What was done with one image. */
interface Examined {
  readonly id: ImageId;
  readonly action: 'requeued' | 'expired' | 'deletions';
}

/** Undefined for images that the run had no time for. */
type Results = readonly PromiseSettledResult<Examined | undefined>[];

/**
 * Finds images that have been `received` for too long, because an event was lost or a process died, and
 * requests their thumbnails again. Images without an original are left to expire. Deletions that did not end
 * are requested again as well. A dry run only reports.
 */
export const createReconcile = ({
  catalog,
  originals,
  resizeRequests,
  slowResizeRequests,
  deletionRequests,
  overdueSeconds,
  maxBacklog,
}: ReconcileDependencies): Reconcile => {
  const requeue = async (record: ImageRecord, { isBusy }: Patience): Promise<void> => {
    // In a busy queue the image may still have its message, and must not be given up for waiting.
    if (await catalog.noteRequeue(record, !isBusy)) await resizeRequests.send(record.id);
  };

  const expire = (record: ImageRecord): Promise<boolean> =>
    catalog.expire(record, new Date(Date.now() + expiryMilliseconds));

  const requestDeletion = async (deletion: Deletion): Promise<void> => {
    if (await catalog.noteDeletionRequested(deletion)) await deletionRequests.send(deletion.id);
  };

  const examine = async (state: ImageState, patience: Patience, dryRun: boolean): Promise<Examined> => {
    if (!isDeletion(state)) return examineRecord(state, patience, dryRun);
    if (!dryRun) await requestDeletion(state);
    return { id: state.id, action: 'deletions' };
  };

  const examineRecord = async (
    record: ImageRecord,
    patience: Patience,
    dryRun: boolean,
  ): Promise<Examined> => {
    const isStored = (await originals.head(record.id)) !== undefined;
    if (!dryRun) await (isStored ? requeue(record, patience) : expire(record));
    return { id: record.id, action: isStored ? 'requeued' : 'expired' };
  };

  const examineKind = async (kind: WaitingKind, patience: Patience, dryRun: boolean): Promise<Results> => {
    const deadline = Date.now() + maxMillisecondsOfKind;
    const query = { kind, before: overdueSinceOf(patience), maxImages: maxImagesOfKind, deadline };
    const inTurn = createTurns(concurrency);
    const results: Results[number][] = [];
    for await (const states of overdueImages(catalog, query)) {
      const examined = states.map((state) =>
        inTurn(async () => (Date.now() < deadline ? examine(state, patience, dryRun) : undefined)),
      );
      results.push(...(await Promise.allSettled(examined)));
    }
    return results;
  };

  return async ({ dryRun }) => {
    const [backlog, slowBacklog] = await Promise.all([
      resizeRequests.waiting(),
      slowResizeRequests.waiting(),
    ]);
    const patience: Readonly<Record<WaitingKind, Patience>> = {
      stored: { seconds: overdueSeconds, isBusy: backlog > maxBacklog },
      // A single message there may be the image's own.
      slow: { seconds: slowPatienceFactor * overdueSeconds, isBusy: slowBacklog > 0 },
      announced: { seconds: overdueSeconds, isBusy: backlog > maxBacklog },
      // A repeated request does no harm.
      deletion: { seconds: overdueSeconds, isBusy: false },
    };
    const results: Results[number][] = [];
    for (const kind of kinds) results.push(...(await examineKind(kind, patience[kind], dryRun)));
    return reportOf({ dryRun, backlog, slowBacklog }, results);
  };
};

const overdueSinceOf = ({ seconds, isBusy }: Patience): Date =>
  new Date(Date.now() - 1000 * (isBusy ? Math.max(longOverdueSeconds, seconds) : seconds));

/** @throws Error if an image could not be examined, so that the run counts as failed */
const reportOf = (
  run: Pick<ReconcileReport, 'dryRun' | 'backlog' | 'slowBacklog'>,
  results: Results,
): ReconcileReport => {
  const examined = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const idsOf = (action: Examined['action']): readonly ImageId[] =>
    examined.flatMap((image) => (image?.action === action ? [image.id] : []));
  const [requeued, expired, deletions] = [idsOf('requeued'), idsOf('expired'), idsOf('deletions')];
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (errors.length === 0) return { ...run, requeued, expired, deletions };
  const [cause] = errors;
  throw new Error(
    `${errors.length} images could not be examined (requeued ${requeued.length}, expired ${expired.length}, deletions ${deletions.length}). The first: ${cause}`,
    { cause },
  );
};
