import type { Catalog } from '../aws/catalog.ts';
import type { ResizeRequests } from '../aws/resize-requests.ts';
import type { ImageId } from '../image/id.ts';
import { fingerprintOf, type ImageRecord, isGivenUp } from '../image/record.ts';
import type { Variants } from '../image/variant.ts';
import { createRepair, type RepairDependencies } from './repair.ts';

export interface CurrentRecordsDependencies extends RepairDependencies {
  readonly catalog: Catalog;
  readonly resizeRequests: ResizeRequests;
  readonly variants: Variants;
}

/** The records of images under the present settings. Looking one up may start the work that it needs. */
export interface CurrentRecords {
  /** Undefined without a record. An image with thumbnails of other settings becomes `received` again. */
  find(id: ImageId): Promise<ImageRecord | undefined>;
  /** The same, and thumbnails that are not stored any more are made again. @default - all variants */
  findStored(id: ImageId, variantNames?: readonly string[]): Promise<ImageRecord | undefined>;
  /** The same for an image that is uploaded again: one that was given up gets another attempt. */
  findForUpload(id: ImageId): Promise<ImageRecord | undefined>;
}

export const createCurrentRecords = (dependencies: CurrentRecordsDependencies): CurrentRecords => {
  const { catalog, resizeRequests, variants } = dependencies;
  const fingerprint = fingerprintOf(variants);
  const repair = createRepair(dependencies);

  /** Only the process that changes the state sends a request. If it dies first, the reconciler does. */
  const renew = async (id: ImageId, unlessFinishedWith?: string): Promise<ImageRecord | undefined> => {
    if (await catalog.renew(id, unlessFinishedWith)) await resizeRequests.send(id);
    return catalog.find(id);
  };

  const find = async (id: ImageId): Promise<ImageRecord | undefined> => {
    const record = await catalog.find(id);
    const isCurrent =
      record === undefined || record.status === 'received' || record.fingerprint === fingerprint;
    return isCurrent ? record : renew(id, fingerprint);
  };

  const allVariants = variants.map(({ name }) => name);
  const findStored = async (
    id: ImageId,
    variantNames: readonly string[] = allVariants,
  ): Promise<ImageRecord | undefined> => {
    const record = await find(id);
    if (record === undefined) return undefined;
    // An outdated image has thumbnails of earlier variants.
    const isOutdated = record.outdated !== undefined;
    return repair.ensure(record, isOutdated ? Object.keys(record.thumbnails) : variantNames);
  };

  return {
    find,
    findStored,
    async findForUpload(id) {
      const record = await findStored(id);
      return record !== undefined && isGivenUp(record) ? renew(id) : record;
    },
  };
};
