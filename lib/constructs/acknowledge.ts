import { CfnElement, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { requireType } from './require-type.ts';

/** Accepts a finding of cdk-nag's AwsSolutions rules within a construct, for the reason given. */
export const acknowledge = (where: IConstruct, rule: string, reason: string): void =>
  Validations.of(where).acknowledge({ id: `AwsSolutions-${rule}`, reason });

/** A construct's name in findings: the logical id of its resource. */
export const logicalIdOf = ({ node }: IConstruct): string => {
  const { stack, logicalId } = requireType(node.defaultChild, CfnElement);
  return stack.resolve(logicalId);
};
