import { type Stack, Validations } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { lakePrefixes } from '../../lambdas/lake/table.ts';
import { logicalIdOf } from '../acknowledged-findings.ts';

export interface AcknowledgeLakeFindingsProps {
  readonly bucket: IBucket;
  readonly deadLetterQueue: IQueue;
}

/** What the checkers find in the stack of the lake and what is meant to be so, each with the reason. */
export const acknowledgeLakeFindings = (
  stack: Stack,
  { bucket, deadLetterQueue }: AcknowledgeLakeFindingsProps,
): void => {
  const of = Validations.of(stack);
  of.acknowledge({
    id: 'AwsSolutions-S1',
    reason:
      'Only Firehose writes events and only who may query them reads them; Athena keeps the history of all queries. Access logs would be more objects than there are events.',
  });
  for (const prefix of [lakePrefixes.events, lakePrefixes.errors]) {
    of.acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalIdOf(bucket)}.Arn>/${prefix}*]`,
      reason:
        'Firehose names its objects by time and chance, which nobody knows beforehand: a key prefix is as narrow as this can be.',
    });
  }
  of.acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'X-Ray knows no resources for PutTraceSegments and PutTelemetryRecords (Service Authorization Reference). A test refuses "*" for every other action.',
  });
  Validations.of(deadLetterQueue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'It is a dead-letter queue itself: that of the subscription, which the rule does not look at.',
  });
};
