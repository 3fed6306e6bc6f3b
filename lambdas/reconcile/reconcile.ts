import type { ImageId } from '../image/id.ts';
import type { ImageRecord } from '../image/record.ts';
import type { Catalog } from '../store/catalog.ts';
import type { Originals } from '../store/originals.ts';
import type { ResizeRequests } from '../store/resize-requests.ts';

export interface ReconcileProps {
  readonly catalog: Catalog;
  readonly originals: Originals;
  readonly resizeRequests: ResizeRequests;
  readonly overdueSeconds: number;
  /** With more messages in the queue than these, nothing counts as lost: it may be one of them. */
  readonly maxBacklog: number;
}

export interface ReconcileReport {
  readonly dryRun: boolean;
  /** Messages that wait in the queue. While there are many, nothing counts as lost: it may be one of them. */
  readonly backlog: number;
  /** Their originals are there: their thumbnails were asked for again. Resize gives up those asked for too often. */
  readonly requeued: readonly ImageId[];
  /** Their originals never came: their records will disappear. */
  readonly expired: readonly ImageId[];
}

export type Reconcile = (options: { readonly dryRun: boolean }) => Promise<ReconcileReport>;

/** How many images one run takes on; what is left is the next run's. */
const maxImages = 500;

/** How long a record without an original stays before DynamoDB may delete it. */
const expiryDays = 1;

/**
 * Finds the images that have been `received` for too long, because an event was lost or a process died, and brings
 * each on its way again. A dry run only reports.
 */
export const createReconcile = (props: ReconcileProps): Reconcile => {
  const { catalog, originals, resizeRequests, overdueSeconds, maxBacklog } = props;

  const judge = async ({ id }: ImageRecord): Promise<'requeued' | 'expired'> =>
    (await originals.exists(id)) ? 'requeued' : 'expired';

  const actions = {
    requeued: async (record: ImageRecord) => {
      if (await catalog.noteRequeue(record)) await resizeRequests.send(record.id);
    },
    expired: (record: ImageRecord) => catalog.expire(record, new Date(Date.now() + expiryDays * 86_400_000)),
  };

  return async ({ dryRun }) => {
    const found: Record<keyof typeof actions, ImageId[]> = { requeued: [], expired: [] };
    const backlog = await resizeRequests.waiting();
    const overdueSince = new Date(Date.now() - overdueSeconds * 1000);
    const overdue = backlog > maxBacklog ? [] : await catalog.overdue(overdueSince, maxImages);
    for (const record of overdue) {
      const verdict = await judge(record);
      if (!dryRun) await actions[verdict](record);
      found[verdict].push(record.id);
    }
    return { dryRun, backlog, ...found };
  };
};
