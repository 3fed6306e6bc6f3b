import type { Catalog } from '../aws/catalog.ts';
import type { DeletionRequests } from '../aws/deletion-requests.ts';
import { type Deletion, type ImageState, isDeletion } from '../image/deletion.ts';
import type { ImageId } from '../image/id.ts';
import type { ImageRecord } from '../image/record.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { countsFor, isUnderWay, type Ownerships, type Position, positionOf } from './ownerships.ts';

export interface ListQuery {
  /** @default - images of every status */
  readonly status?: ImageRecord['status'] | undefined;
  /** The most images in one page. */
  readonly limit: number;
  /** `next` of the page before. @default - the first page */
  readonly cursor?: string | undefined;
}

export interface ImagePage {
  readonly records: readonly ImageRecord[];
  /** The cursor of the next page; undefined after the last one. */
  readonly next: string | undefined;
}

/** What an owner may do with all their images, and with no others. */
export interface OwnImages {
  /**
   * The images of the owner, the newest first. Those that are uploaded meanwhile are before the first page,
   * so no later page misses or repeats one. With a status, a page may have fewer images than `limit`.
   *
   * @throws RequestError `invalid-cursor`
   */
  list(query: ListQuery): Promise<ImagePage>;
  /**
   * Takes an image from the owner. If no one owns it any more, its deletion begins.
   *
   * @returns false if it is not the owner's, after the same reads as for an unknown image
   */
  remove(id: ImageId): Promise<boolean>;
}

export interface OwnImagesProps {
  readonly owner: string;
  readonly ownerships: Ownerships;
  readonly catalog: Catalog;
  readonly deletionRequests: DeletionRequests;
  /** The present record of an image of this owner. */
  readonly find: (id: ImageId) => Promise<ImageRecord | undefined>;
}

/** Pages that one request examines. Images of a rare status take several requests. */
const maxPages = 5;

/** How often an image is deleted again that its owner uploads at the same time. */
const maxAttempts = 5;

/** When a deletion is examined again that this process may not have begun. */
const checkSeconds = 60;

export const createOwnImages = ({
  owner,
  ownerships,
  catalog,
  deletionRequests,
  find,
}: OwnImagesProps): OwnImages => ({
  async list({ status, limit, cursor }) {
    const records: ImageRecord[] = [];
    let after: Position | undefined = cursor === undefined ? undefined : readCursor(owner, cursor);
    for (let pages = 0; pages < maxPages; pages += 1) {
      // One more, to know whether the page is the last one.
      const page = await ownerships.ofOwner(owner, limit + 1, after);
      const found = await Promise.all(
        page.ownerships.map(async (ownership) => ({ ownership, record: await find(ownership.imageId) })),
      );
      for (const [index, { ownership, record }] of found.entries()) {
        if (record === undefined || (status !== undefined && record.status !== status)) continue;
        records.push(record);
        if (records.length < limit) continue;
        const isEnd = index === found.length - 1 && page.next === undefined;
        return { records, next: isEnd ? undefined : writeCursor(owner, positionOf(ownership)) };
      }
      after = page.next;
      if (after === undefined) return { records, next: undefined };
    }
    return { records, next: after && writeCursor(owner, after) };
  },

  async remove(id) {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const ownership = await ownerships.find(id, owner);
      if (ownership === undefined) return false;
      // An announcement has nothing to do with the image, which may belong to others.
      const isAnnouncement = ownership.claimedAt === undefined;
      const state = isAnnouncement ? undefined : await catalog.state(id);
      const image = state === undefined || isDeletion(state) ? undefined : state;
      const isOwn = image ? countsFor(ownership, image) : isUnderWay(ownership, deletionOf(state));
      // This process may die at any line that follows, and an upload may record the image after them.
      if (isOwn && !isAnnouncement) await deletionRequests.sendLater(id, checkSeconds);
      if (!(await ownerships.release(ownership))) continue;
      if (!isOwn) return false;
      // Read after the record: an upload that the answer misses has claimed the image since then.
      if (image === undefined || (await ownerships.isOwned(image))) return true;
      if (await catalog.startDeletion(image)) await deletionRequests.send(id);
      return true;
    }
    throw new Error('The owner has uploaded the image each time.');
  },
});

const deletionOf = (state: ImageState | undefined): Deletion | undefined =>
  state !== undefined && isDeletion(state) ? state : undefined;
