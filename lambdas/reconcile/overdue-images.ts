import type { Catalog } from '../aws/catalog.ts';
import { type WaitingKind, waitingParts } from '../aws/catalog-table.ts';
import type { PageStart } from '../aws/table.ts';
import type { ImageState } from '../image/deletion.ts';

export interface OverdueQuery {
  readonly kind: WaitingKind;
  /** Images that wait since before this time are overdue. */
  readonly before: Date;
  readonly maxImages: number;
  /** No page is read after this time, in milliseconds since the epoch. */
  readonly deadline: number;
}

/** A part of the index that has not been read to its end. */
interface OpenPart {
  readonly part: string;
  /** @default - at its start */
  readonly from?: PageStart;
}

const pageSize = 50;

/** Lists overdue images of one kind, round robin: a page of every part, then the next page of each. */
export const overdueImages = async function* (
  catalog: Pick<Catalog, 'overdue'>,
  { kind, before, maxImages, deadline }: OverdueQuery,
): AsyncGenerator<readonly ImageState[]> {
  let open: readonly OpenPart[] = waitingParts[kind].map((part) => ({ part }));
  let left = maxImages;
  while (open.length > 0 && left > 0 && Date.now() < deadline) {
    const limit = Math.min(pageSize, Math.ceil(left / open.length));
    const pages = await Promise.all(
      open.map(async ({ part, from }) => ({ part, ...(await catalog.overdue(part, before, limit, from)) })),
    );
    const states = pages.flatMap((page) => page.states).slice(0, left);
    left -= states.length;
    yield states;
    open = pages.flatMap(({ part, next }) => (next === undefined ? [] : [{ part, from: next }]));
  }
};
