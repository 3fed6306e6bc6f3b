import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { CfnBucket, EventType, type HttpMethods } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { preflightSeconds } from '../../lambdas/ingest/cors.ts';
import { acknowledge, logicalIdOf } from '../constructs/acknowledge.ts';
import { PrivateBucket } from '../constructs/private-bucket.ts';
import { requireType } from '../constructs/require-type.ts';

export interface ObjectCreatedQueue {
  readonly prefix: string;
  readonly queue: IQueue;
}

export interface ImageBucketProps {
  readonly removalPolicy: RemovalPolicy;
  /** What all keys begin with, one or another. */
  readonly prefixes: readonly string[];
  /** Queues that receive an event for every new object below a prefix. @default - no events */
  readonly objectCreated?: readonly ObjectCreatedQueue[];
  /** Objects below it are removed after a day. @default - none are */
  readonly expiringPrefix?: string | undefined;
}

/** A private bucket for images. */
export class ImageBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, props: ImageBucketProps) {
    const { removalPolicy, prefixes, objectCreated = [], expiringPrefix } = props;
    super(scope, id, { removalPolicy });
    if (objectCreated.length > 0) this.sendEvents(objectCreated);
    if (expiringPrefix) this.addLifecycleRule({ prefix: expiringPrefix, expiration: Duration.days(1) });
    acknowledge(
      this,
      'S1',
      'Only the roles of this service reach the bucket, and URLs that they signed; the access log of the API has every request that leads to one. Server access logs would double the number of objects that are kept.',
    );
    for (const prefix of prefixes) {
      acknowledge(
        scope,
        `IAM5[Resource::<${logicalIdOf(this)}.Arn>/${prefix}*]`,
        'Images are named by their hashes, which are not known beforehand: a key prefix is as narrow as this can be.',
      );
    }
  }

  /** Lets pages of these origins send such requests with presigned URLs. Browsers block all others. */
  allowPages(methods: readonly HttpMethods[], origins: readonly string[]): void {
    if (origins.length === 0) return;
    this.addCorsRule({
      allowedMethods: [...methods],
      allowedOrigins: [...origins],
      // The signature decides which headers a request must have.
      allowedHeaders: ['*'],
      exposedHeaders: ['ETag'],
      maxAge: preflightSeconds,
    });
  }

  /**
   * Sets the bucket's own property. `addEventNotification` would deploy a function for it, with a role that
   * may write to any log, and a log of its own that outlives the stack.
   */
  private sendEvents(queues: readonly ObjectCreatedQueue[]): void {
    const bucket = requireType(this.node.defaultChild, CfnBucket);
    bucket.notificationConfiguration = {
      queueConfigurations: queues.map(({ prefix, queue }) => ({
        event: EventType.OBJECT_CREATED,
        queue: queue.queueArn,
        filter: { s3Key: { rules: [{ name: 'prefix', value: prefix }] } },
      })),
    };
    // S3 sends a test message when this is set: the queue's policy must allow it by then.
    bucket.node.addDependency(...queues.map(({ queue }) => queue));
  }
}
