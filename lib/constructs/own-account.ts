import { Stack } from 'aws-cdk-lib';
import type { PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/**
 * Holds a statement to resources of the stack's own account. A bucket's name is free again once the bucket is deleted:
 * whoever takes it in another account is not sent our users' images.
 */
export const inOwnAccount = (scope: IConstruct): Pick<PolicyStatementProps, 'conditions'> => ({
  conditions: { StringEquals: { 'aws:ResourceAccount': Stack.of(scope).account } },
});
