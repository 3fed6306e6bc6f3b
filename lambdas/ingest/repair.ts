import type { Catalog } from '../aws/catalog.ts';
import type { Originals } from '../aws/originals.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import type { Thumbnails } from '../aws/thumbnails.ts';
import type { ImageEvent } from '../image/event.ts';
import { endedEvent } from '../image/new-event.ts';
import type { ImageRecord } from '../image/record.ts';
import type { Log } from '../runtime/log.ts';
import { createRecentKeys } from './recent-keys.ts';

export interface RepairDependencies {
  readonly catalog: Pick<Catalog, 'find' | 'repair' | 'lose'>;
  readonly originals: Pick<Originals, 'head'>;
  readonly thumbnails: Pick<Thumbnails, 'exists'>;
  readonly resizeRequests: Pick<ResizeRequests, 'send'>;
  readonly publish: (event: ImageEvent) => Promise<void>;
  readonly log: Log;
}

/** What an image lacks although its record is `ready`. */
export interface Damage {
  /** The thumbnails that are stored. */
  readonly kept: ImageRecord['thumbnails'];
  readonly missingKeys: readonly string[];
  readonly hasOriginal: boolean;
}

/** Repairs images whose objects were removed from the buckets behind the service's back. */
export interface Repair {
  /** Looks for the thumbnails of a `ready` image. @returns undefined if all are stored */
  inspect(record: ImageRecord): Promise<Damage | undefined>;
  /**
   * Makes an image `received` again and requests its missing thumbnails. Without an original it becomes
   * `failed`, until it is uploaded again.
   *
   * @returns the present record
   */
  repair(record: ImageRecord, damage: Damage): Promise<ImageRecord | undefined>;
  /**
   * Repairs an image if some of these thumbnails are missing. Ones that were there lately are not looked for.
   *
   * @returns the present record
   */
  ensure(record: ImageRecord, variantNames: readonly string[]): Promise<ImageRecord | undefined>;
}

/** How long the record of an image is kept of which nothing is left. */
const lostDays = 30;

const lost = {
  code: 'original-missing',
  detail: 'The original and thumbnails are no longer stored. Upload the image again.',
} as const;

export const createRepair = (dependencies: RepairDependencies): Repair => {
  const { catalog, originals, thumbnails, resizeRequests, publish, log } = dependencies;
  const seen = createRecentKeys();

  const inspect = async (record: ImageRecord): Promise<Damage | undefined> => {
    if (record.status !== 'ready') return undefined;
    const found = await Promise.all(
      Object.entries(record.thumbnails).map(async (entry) => {
        const [, { key }] = entry;
        return { entry, key, isStored: await thumbnails.exists(key) };
      }),
    );
    const missingKeys = found.flatMap(({ key, isStored }) => (isStored ? [] : [key]));
    if (missingKeys.length === 0) return undefined;
    const kept = Object.fromEntries(found.flatMap(({ entry, isStored }) => (isStored ? [entry] : [])));
    return { kept, missingKeys, hasOriginal: (await originals.head(record.id)) !== undefined };
  };

  /** Only the process that changes the record acts. If it dies first, the reconciler requests the image. */
  const repair = async (record: ImageRecord, damage: Damage): Promise<ImageRecord | undefined> => {
    const { kept, missingKeys, hasOriginal } = damage;
    const { id } = record;
    log.warn('thumbnails missing', { imageId: id, missingKeys, hasOriginal });
    if (hasOriginal) {
      if (await catalog.repair(record, kept)) await resizeRequests.send(id);
    } else {
      const expiresAt = new Date(Date.now() + lostDays * 86_400_000);
      const failed = await catalog.lose(record, lost, expiresAt);
      const event = failed && endedEvent(failed);
      if (event) await publish(event);
    }
    return catalog.find(id);
  };

  return {
    inspect,
    repair,
    async ensure(record, variantNames) {
      if (record.status !== 'ready') return record;
      const keys = variantNames.flatMap((name) => record.thumbnails[name]?.key ?? []);
      const unseen = keys.filter((key) => !seen.has(key));
      const areStored = await Promise.all(
        unseen.map(async (key) => {
          const isStored = await thumbnails.exists(key);
          if (isStored) seen.add(key);
          return isStored;
        }),
      );
      if (areStored.every(Boolean)) return record;
      const damage = await inspect(record);
      return damage ? repair(record, damage) : record;
    },
  };
};
