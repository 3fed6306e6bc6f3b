import type { IConstruct } from 'constructs';

/**
 * Narrows a construct to a class, for example to the CloudFormation resource of a bucket.
 *
 * @throws Error if it is not one
 */
export const requireType = <Type>(
  construct: IConstruct | undefined,
  type: abstract new (...args: never[]) => Type,
): Type => {
  if (construct instanceof type) return construct;
  throw new Error(`Expected a ${type.name} but received ${construct?.node.path}`);
};
