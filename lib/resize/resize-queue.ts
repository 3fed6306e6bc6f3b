import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { WorkQueue, type WorkQueueProps } from '../constructs/work-queue.ts';

/** Receives S3's event of every new original. */
export class ResizeQueue extends WorkQueue {
  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id, props);
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        // Not the bucket's ARN: the bucket can only be created once this policy exists.
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
  }
}
