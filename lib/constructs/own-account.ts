import { Stack } from 'aws-cdk-lib';
import type { PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/**
 * Limits a statement to resources of the stack's own account. The name of a deleted bucket is free: another
 * account that takes it must not receive the images of our users.
 */
export const inOwnAccount = (scope: IConstruct): Pick<PolicyStatementProps, 'conditions'> => ({
  conditions: { StringEquals: { 'aws:ResourceAccount': Stack.of(scope).account } },
});
