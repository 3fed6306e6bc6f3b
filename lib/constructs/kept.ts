import { RemovalPolicy } from 'aws-cdk-lib';
import type { Settings } from '../settings.ts';

/**
 * What becomes of images, their catalog and their events when the stack is destroyed. Kept ones are deleted
 * all the same by a first deployment that fails: they are empty, and the next one would create others
 * (CloudFormation User Guide, "DeletionPolicy attribute", `RetainExceptOnCreate`).
 */
export const removalPolicyOf = ({ imagesOnDestroy }: Pick<Settings, 'imagesOnDestroy'>): RemovalPolicy =>
  imagesOnDestroy === 'keep' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
