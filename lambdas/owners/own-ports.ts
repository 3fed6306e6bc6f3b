import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog } from '../aws/catalog.ts';
import type { Originals } from '../aws/originals.ts';
import type { Uploads } from '../aws/uploads.ts';
import { isDeletion } from '../image/deletion.ts';
import type { ImageId } from '../image/id.ts';
import { type ImageRecord, type Original, recordSchema } from '../image/record.ts';
import { RequestError } from '../runtime/request-error.ts';
import { countsFor, isUnderWay, type Ownership, type Ownerships } from './ownerships.ts';

export interface OwnedPorts {
  readonly catalog: Catalog;
  readonly originals: Originals;
  readonly uploads: Uploads;
}

export interface OwnPortsProps extends OwnedPorts {
  readonly ownerships: Ownerships;
}

/**
 * The ports of ingest as one owner sees them: images of others are not there. So the rules of an upload hold
 * for each owner, and need to know of none.
 */
export const ownPorts = (
  { catalog, originals, uploads, ownerships }: OwnPortsProps,
  owner: string,
): OwnedPorts => {
  /** An image of others costs the same reads as an unknown one, and an announcement does not show theirs. */
  const recordOf = async (
    id: ImageId,
    ownership: Ownership | undefined,
  ): Promise<ImageRecord | undefined> => {
    if (ownership === undefined) return undefined;
    if (ownership.claimedAt === undefined) return announcedRecord(ownership);
    const state = await catalog.state(id);
    if (state === undefined || isDeletion(state)) {
      return isUnderWay(ownership, state) ? announcedRecord(ownership) : undefined;
    }
    return countsFor(ownership, state) ? state : undefined;
  };

  const find = async (id: ImageId): Promise<ImageRecord | undefined> =>
    recordOf(id, await ownerships.find(id, owner));

  const isProven = async (id: ImageId): Promise<boolean> => (await find(id))?.announced === false;

  return {
    catalog: {
      ...catalog,
      find,
      // A deletion shows that there was an image.
      state: find,

      async receive(id, original, waitingSince) {
        const claimed = await claimAndReceive({ catalog, ownerships }, { id, owner, original, waitingSince });
        if (claimed !== undefined) return claimed.created;
        throw new RequestError(
          'deletion-in-progress',
          'The image is being deleted. Upload it again in a few seconds.',
          { retryAfterSeconds: 5 },
        );
      },

      /** Nothing is recorded of the image itself, which others may have uploaded. */
      async announce(id, _, expiresAt) {
        const seen = await ownerships.find(id, owner);
        const record = await recordOf(id, seen);
        if (record?.announced === false) return undefined;
        const isAnnounced = await ownerships.announce(id, owner, expiresAt, seen);
        return isAnnounced ? (record ?? announcedRecord({ imageId: id })) : undefined;
      },
    },

    originals: {
      ...originals,
      head: async (id) => ((await isProven(id)) ? originals.head(id) : undefined),
    },

    uploads: { sign: (id, bytes) => uploads.sign(id, bytes, owner) },
  };
};

interface ClaimedImage {
  readonly id: ImageId;
  readonly owner: string;
  readonly original: Original;
  readonly waitingSince: Date;
}

/** How long an upload waits for the end of a deletion. Most take less than a second. */
export const deletionMilliseconds = 3000;

export const deletionPauseMilliseconds = 100;

/**
 * Makes a caller an owner, then records the image, then makes the ownership stay. A deletion that began
 * before sees the claim, or fails because of `Catalog.claim`, or is waited for. If the owner has deleted the
 * image at the same time, the upload counts as the later one.
 *
 * @returns the record if it is new. Undefined as a whole while the image is being deleted
 */
const claimAndReceive = async (
  { catalog, ownerships }: Pick<OwnPortsProps, 'catalog' | 'ownerships'>,
  { id, owner, original, waitingSince }: ClaimedImage,
): Promise<{ readonly created: ImageRecord | undefined } | undefined> => {
  const waitUntil = Date.now() + deletionMilliseconds;
  let created: ImageRecord | undefined;
  for (;;) {
    const claimed = await ownerships.claim(id, owner);
    const received = await catalog.receive(id, original, waitingSince, 1);
    created = received ?? created;
    const record = received ?? (await catalog.claim(id));
    if (record !== undefined && (await ownerships.settle(id, owner))) {
      return { created: created?.createdAt === record.createdAt ? created : undefined };
    }
    if (Date.now() >= waitUntil) {
      await ownerships.release(claimed);
      return undefined;
    }
    await sleep(deletionPauseMilliseconds);
  }
};

const announcedRecord = ({
  imageId,
  createdAt = new Date().toISOString(),
}: Pick<Ownership, 'imageId'> & Partial<Ownership>): ImageRecord =>
  recordSchema.parse({
    id: imageId,
    status: 'received',
    createdAt,
    changedAt: createdAt,
    announced: true,
    original: { bytes: 0 },
  });
