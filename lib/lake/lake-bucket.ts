import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { keptDays, lakePrefixes } from '../../lambdas/lake/table.ts';
import { acknowledge } from '../constructs/acknowledge.ts';
import { PrivateBucket } from '../constructs/private-bucket.ts';

export interface LakeBucketProps {
  readonly removalPolicy: RemovalPolicy;
}

/** Holds events, records that Firehose could not convert, and results of queries, each for its own time. */
export class LakeBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, { removalPolicy }: LakeBucketProps) {
    const expire = (id: string, prefix: string, days: number) => ({
      id,
      prefix,
      expiration: Duration.days(days),
    });
    super(scope, id, {
      removalPolicy,
      lifecycleRules: [
        expire('ExpireEvents', lakePrefixes.events, keptDays),
        expire('ExpireErrors', lakePrefixes.errors, 30),
        expire('ExpireResults', lakePrefixes.results, 7),
      ],
    });
    acknowledge(
      this,
      'S1',
      'Only Firehose writes events, and only roles that may query them read them; Athena keeps the history of all queries. Access logs would be more objects than there are events.',
    );
  }
}
