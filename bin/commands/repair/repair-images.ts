import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog } from '../../../lambdas/aws/catalog.ts';
import type { ImageId } from '../../../lambdas/image/id.ts';
import type { Repair } from '../../../lambdas/ingest/repair.ts';

/** Some images of the catalog. */
export interface ImagesPage {
  readonly ids: readonly ImageId[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: string | undefined;
}

export interface RepairImagesProps {
  readonly catalog: Pick<Catalog, 'find'>;
  readonly repair: Repair;
  /** Reads a page of the catalog. */
  readonly pageFrom: (from: string | undefined) => Promise<ImagesPage>;
  readonly isDryRun: boolean;
  /** Images that are looked at in a second, at most. */
  readonly rate: number;
  /** Where to begin. @default - with the first image */
  readonly from: string | undefined;
  /** Once it is aborted, no further page is read. */
  readonly stopping: AbortSignal;
  /** Called after each page with the progress. */
  readonly onPage: (counts: Counts, next: string | undefined) => void;
}

export interface Counts {
  /** Images that were looked at. Those that were deleted do not count. */
  readonly images: number;
  /** Their missing thumbnails are made again. */
  readonly repaired: number;
  /** Their original is missing as well: they failed, until they are uploaded again. */
  readonly lost: number;
}

/** Looks at every image of the catalog, and repairs those whose thumbnails are not stored any more. */
export const repairImages = async (props: RepairImagesProps): Promise<Counts> => {
  const { catalog, repair, pageFrom, isDryRun, rate, stopping, onPage } = props;

  const look = async (id: ImageId): Promise<'deleted' | 'intact' | 'repaired' | 'lost'> => {
    const record = await catalog.find(id);
    if (record === undefined) return 'deleted';
    const damage = await repair.inspect(record);
    if (damage === undefined) return 'intact';
    if (!isDryRun) await repair.repair(record, damage);
    return damage.hasOriginal ? 'repaired' : 'lost';
  };

  let counts: Counts = { images: 0, repaired: 0, lost: 0 };
  let from = props.from;
  do {
    const { ids, next } = await pageFrom(from);
    const pageEndsAt = sleep((ids.length * 1000) / rate);
    const found = await Promise.all(
      ids.map(async (id, index) => {
        await sleep((index * 1000) / rate);
        return look(id);
      }),
    );
    await pageEndsAt;
    const countOf = (result: (typeof found)[number]) => found.filter((each) => each === result).length;
    counts = {
      images: counts.images + ids.length - countOf('deleted'),
      repaired: counts.repaired + countOf('repaired'),
      lost: counts.lost + countOf('lost'),
    };
    from = next;
    onPage(counts, next);
  } while (from !== undefined && !stopping.aborted);
  return counts;
};
