import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { keptDays, lakePrefixes } from '../../lambdas/lake/table.ts';
import type { Settings } from '../settings.ts';

export interface LakeBucketProps {
  readonly onDestroy: Settings['imagesOnDestroy'];
}

/** Events, what could not become one, and the answers to queries: each for as long as it is of use. */
export class LakeBucket extends Bucket {
  constructor(scope: Construct, id: string, { onDestroy }: LakeBucketProps) {
    const expire = (id: string, prefix: string, days: number) => ({
      id,
      prefix,
      expiration: Duration.days(days),
    });
    super(scope, id, {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        { id: 'AbortAbandonedUploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        expire('ExpireEvents', lakePrefixes.events, keptDays),
        expire('ExpireErrors', lakePrefixes.errors, 30),
        expire('ExpireResults', lakePrefixes.results, 7),
      ],
      removalPolicy: onDestroy === 'keep' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      autoDeleteObjects: onDestroy === 'delete',
    });
  }
}
