import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  EventType,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Settings } from '../settings.ts';

export interface ImageBucketProps {
  readonly onDestroy: Settings['imagesOnDestroy'];
  /** Where S3 announces every new object whose key begins with `prefix`. @default - nowhere */
  readonly announce?: { readonly queue: IQueue; readonly prefix: string };
}

/** A bucket for images: private, encrypted, reached over TLS only. */
export class ImageBucket extends Bucket {
  constructor(scope: Construct, id: string, { onDestroy, announce }: ImageBucketProps) {
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
    if (announce) this.announceObjects(announce);
  }

  /**
   * Sets the bucket's own property. `addEventNotification` would deploy a function to do so, with a role that may
   * write any log, and a log of its own that outlives the stack.
   */
  private announceObjects({ queue, prefix }: NonNullable<ImageBucketProps['announce']>): void {
    const bucket = this.node.defaultChild;
    if (!(bucket instanceof CfnBucket)) throw new Error(`${this.node.path} is no bucket of CloudFormation`);
    bucket.notificationConfiguration = {
      queueConfigurations: [
        {
          event: EventType.OBJECT_CREATED,
          queue: queue.queueArn,
          filter: { s3Key: { rules: [{ name: 'prefix', value: prefix }] } },
        },
      ],
    };
    // S3 tries to send when this is set: the queue must let it by then.
    bucket.node.addDependency(queue);
  }
}
