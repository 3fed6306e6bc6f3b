import type { Catalog } from '../aws/catalog.ts';
import { type WaitingKind, waitingParts } from '../aws/catalog-table.ts';
import type { Originals } from '../aws/originals.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import type { PageStart } from '../aws/table.ts';
import type { ImageId } from '../image/id.ts';
import type { ImageRecord } from '../image/record.ts';

export interface ReconcileProps {
  readonly catalog: Catalog;
  readonly originals: Originals;
  readonly resizeRequests: ResizeRequests;
  readonly slowResizeRequests: Pick<ResizeRequests, 'waiting'>;
  readonly overdueSeconds: number;
  /** With more messages in the queue than these, an image may just wait for its turn. */
  readonly maxBacklog: number;
}

export interface ReconcileReport {
  readonly dryRun: boolean;
  /** Messages that wait in the queue. While there are many, only images that have waited very long count as overdue. */
  readonly backlog: number;
  /** The same of the slow lane. */
  readonly slowBacklog: number;
  /** Their originals are there: their thumbnails were requested again. Resize gives up those requested too often. */
  readonly requeued: readonly ImageId[];
  /** Their originals never came: they are not looked for again, and their records disappear. */
  readonly expired: readonly ImageId[];
}

export type Reconcile = (options: { readonly dryRun: boolean }) => Promise<ReconcileReport>;

/**
 * How many images of each kind one run looks at: stored ones, slow ones, and announced ones. There are 288 runs a day, so
 * announcements are cleared at 345,600 a day, three times as fast as the daily budget of 100,000 uploads lets them be
 * made. The report is one log event: the ids of all kinds take 241 KB, of at most 256 (CloudWatch Logs quotas).
 */
const maxImagesOfKind = 1200;

/**
 * How long one run works on each kind. All fit into the function's two minutes. A HEAD and a write take some 50 ms,
 * so `maxImagesOfKind` take some 5 s.
 */
const maxMillisecondsOfKind = 30_000;

/** Images that are looked at side by side: half of the SDK's 50 connections to one service. */
const concurrency = 25;

const pageSize = 50;

/** An image that has waited so long is requested again whatever the backlog: a flood must not hide what is lost. */
const longOverdueMilliseconds = 6 * 3_600_000;

/** A decode in the slow lane takes up to a minute and may happen twice, so its images are overdue later. */
const slowPatienceFactor = 4;

/** How long the record of a missing original stays before DynamoDB may delete it, where no announcement limits it. */
const expiryMilliseconds = 86_400_000;

/**
 * Finds the images that have been `received` for too long, because an event was lost or a process died, and requests
 * their thumbnails again. Takes those whose bytes never came out of the index. Stored images come first, and no part of
 * the index can keep the others from their share of a run. A dry run only reports.
 */
export const createReconcile = (props: ReconcileProps): Reconcile => {
  const { catalog, originals, resizeRequests, slowResizeRequests, overdueSeconds, maxBacklog } = props;

  return async ({ dryRun }) => {
    const found: Record<'requeued' | 'expired', ImageId[]> = { requeued: [], expired: [] };
    const failures: unknown[] = [];
    const [backlog, slowBacklog] = await Promise.all([
      resizeRequests.waiting(),
      slowResizeRequests.waiting(),
    ]);
    const patience: Readonly<Record<WaitingKind, Patience>> = {
      stored: { seconds: overdueSeconds, isBusy: backlog > maxBacklog },
      // While one message waits there, any image may be it.
      slow: { seconds: slowPatienceFactor * overdueSeconds, isBusy: slowBacklog > 0 },
      announced: { seconds: overdueSeconds, isBusy: backlog > maxBacklog },
    };

    const lookAt = async (record: ImageRecord, { isBusy }: Patience): Promise<void> => {
      const verdict = (await originals.head(record.id)) === undefined ? 'expired' : 'requeued';
      if (!dryRun && verdict === 'expired') {
        await catalog.expire(record, new Date(Date.now() + expiryMilliseconds));
      }
      // In a busy queue the image may have its message still: then it must not be given up for waiting.
      if (!dryRun && verdict === 'requeued' && (await catalog.noteRequeue(record, !isBusy))) {
        await resizeRequests.send(record.id);
      }
      found[verdict].push(record.id);
    };

    /** Takes one page of every part in turn, until nothing is left or the run has done its share. */
    const lookThrough = async (kind: WaitingKind): Promise<void> => {
      const parts: readonly string[] = waitingParts[kind];
      const overdueSince = overdueSinceOf(patience[kind]);
      const endsAt = Date.now() + maxMillisecondsOfKind;
      let left = maxImagesOfKind;
      let open = parts.map((part): OpenPart => ({ part, from: undefined }));
      while (open.length > 0 && left > 0 && Date.now() < endsAt) {
        const limit = Math.min(pageSize, Math.ceil(left / open.length));
        const pages = await Promise.all(
          open.map(async ({ part, from }) => ({
            part,
            ...(await catalog.overdue(part, overdueSince, limit, from)),
          })),
        );
        const records = pages.flatMap((page) => page.records).slice(0, left);
        left -= records.length;
        await sideBySide(records, async (record) => {
          if (Date.now() >= endsAt) return;
          // One image that cannot be looked at must not keep the others from it.
          await lookAt(record, patience[kind]).catch((error: unknown) => failures.push(error));
        });
        open = pages.flatMap(({ part, next }) => (next === undefined ? [] : [{ part, from: next }]));
      }
    };

    for (const kind of ['stored', 'slow', 'announced'] as const) await lookThrough(kind);
    if (failures.length > 0) {
      const [cause] = failures;
      throw new Error(
        `${failures.length} images could not be looked at (requeued ${found.requeued.length}, expired ${found.expired.length}). The first: ${cause}`,
        { cause },
      );
    }
    return { dryRun, backlog, slowBacklog, ...found };
  };
};

/** How long an image may wait. */
interface Patience {
  readonly seconds: number;
  /** Whether its queue holds so much that the image may just wait for its turn. */
  readonly isBusy: boolean;
}

const overdueSinceOf = ({ seconds, isBusy }: Patience): Date => {
  const milliseconds = seconds * 1000;
  return new Date(Date.now() - (isBusy ? Math.max(longOverdueMilliseconds, milliseconds) : milliseconds));
};

/** A part of the index that has not been read to its end. */
interface OpenPart {
  readonly part: string;
  readonly from: PageStart | undefined;
}

/** Handles all items, no more than `concurrency` at once. */
const sideBySide = async <Item>(
  items: readonly Item[],
  handle: (item: Item) => Promise<void>,
): Promise<void> => {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await handle(item);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
};
