import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Settings } from '../settings.ts';

export interface ImageBucketProps {
  readonly onDestroy: Settings['imagesOnDestroy'];
}

/** A bucket for images: private, encrypted, reached over TLS only. */
export class ImageBucket extends Bucket {
  constructor(scope: Construct, id: string, { onDestroy }: ImageBucketProps) {
    super(scope, id, {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        { id: 'AbortAbandonedUploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: onDestroy === 'keep' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      autoDeleteObjects: onDestroy === 'delete',
    });
  }
}
