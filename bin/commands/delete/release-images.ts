import type { ImageId } from '../../../lambdas/image/id.ts';
import { createOwnImages, type OwnImagesProps } from '../../../lambdas/owners/own-images.ts';
import type { Ownerships, Position } from '../../../lambdas/owners/ownerships.ts';

export interface ReleaseImagesProps extends Pick<OwnImagesProps, 'catalog' | 'deletionRequests'> {
  readonly ownerships: Ownerships;
  readonly owner: string;
  readonly isDryRun: boolean;
  readonly stopping: AbortSignal;
}

const pageSize = 100;

/**
 * Takes all images from an owner, announced ones as well, and begins to delete those that no one else owns.
 *
 * @returns all of them, or as many as there were before `stopping`
 */
export const releaseImages = async (props: ReleaseImagesProps): Promise<readonly ImageId[]> => {
  const { ownerships, owner, isDryRun, stopping } = props;
  const { remove } = createOwnImages({ ...props, find: props.catalog.find });
  const released: ImageId[] = [];
  let after: Position | undefined;
  do {
    const page = await ownerships.ofOwner(owner, pageSize, after);
    for (const { imageId } of page.ownerships) {
      if (stopping.aborted) return released;
      if (!isDryRun) await remove(imageId);
      released.push(imageId);
    }
    after = page.next;
  } while (after !== undefined);
  return released;
};
